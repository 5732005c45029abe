from typing import Any

from django.db import migrations, models


def read_endings(apps: Any, schema_editor: Any) -> None:
    """Read the endings of earlier deliveries from their reasons."""
    delivered = apps.get_model("outbox", "Delivery").objects.filter(state="delivered")
    delivered.filter(reason="no access").update(ending="no_access")
    delivered.filter(reason__startswith="written to the log").update(ending="not_sent")


class Migration(migrations.Migration):
    """Give a delivery that reached nobody an ending of its own."""

    dependencies = [("outbox", "0005_pause_reasons")]
    operations = [
        migrations.AddField(
            "delivery",
            "ending",
            models.CharField(
                blank=True,
                choices=[("no_access", "No Access"), ("not_sent", "Not Sent")],
                help_text="How it ended, if its state does not tell that.",
                max_length=10,
            ),
        ),
        migrations.RunPython(read_endings, migrations.RunPython.noop),
    ]
