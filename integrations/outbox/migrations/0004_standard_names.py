from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Give fields the names that an engineer would search for."""

    dependencies = [("outbox", "0003_index_what_is_held")]
    operations = [
        migrations.RemoveIndex("delivery", "delivery_due"),
        migrations.RenameField("delivery", "lane", "priority"),
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["stream", "priority", "due_at"], condition=Q(state="pending"), name="delivery_due"
            ),
        ),
        migrations.RenameField("stream", "paused_by", "paused_by_key"),
    ]
