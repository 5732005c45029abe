import django.db.models.deletion
from django.db import migrations, models
from django.utils import timezone

import integrations.encryption
from integrations.encryption import DecryptionError, seal, unseal


def copy_former_secrets(apps, schema_editor):
    """Seal them for their new column: the owner is bound into a ciphertext. Without its key, one is left out."""
    Webhook, FormerSecret = (apps.get_model("integrations", name) for name in ("Webhook", "FormerSecret"))
    for webhook in Webhook.objects.filter(former_secret_until__gt=timezone.now()).exclude(former_secret_sealed=""):
        try:
            secret = unseal(
                webhook.former_secret_sealed, owner=f"integrations.webhook:{webhook.pk}:former_secret_sealed"
            )
        except DecryptionError:
            continue
        FormerSecret.objects.create(
            webhook=webhook,
            secret_sealed=seal(secret, owner=f"integrations.formersecret:{webhook.pk}:secret_sealed"),
            expires_at=webhook.former_secret_until,
        )


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0016_sessions"),
    ]

    operations = [
        migrations.CreateModel(
            name="FormerSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret_sealed", integrations.encryption.SealedField(blank=True, default="", editable=False)),
                ("expires_at", models.DateTimeField()),
                (
                    "webhook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="former_secrets",
                        to="integrations.webhook",
                    ),
                ),
            ],
            options={"ordering": ["-expires_at"]},
        ),
        migrations.RunPython(copy_former_secrets, migrations.RunPython.noop, elidable=True),
        migrations.RemoveField(model_name="webhook", name="former_secret_sealed"),
        migrations.RemoveField(model_name="webhook", name="former_secret_until"),
    ]
