from django.db import migrations, models

from integrations.audit import triggers


def drop_triggers(apps, schema_editor):
    triggers.drop_triggers(schema_editor.connection)


def create_triggers(apps, schema_editor):
    triggers.create_triggers(schema_editor.connection)


def restore_triggers(apps, schema_editor):
    triggers.create_triggers(schema_editor.connection, ip="address", mac="seal")


def delete_records(apps, schema_editor):
    """Encryption binds a body to its model's name, so no stored response can be read under another one."""
    apps.get_model("integrations", "KeptAnswer").objects.all().delete()


class Migration(migrations.Migration):
    """Give models and fields the names that an engineer would search for."""

    dependencies = [("integrations", "0011_names")]
    operations = [
        migrations.RunPython(drop_triggers, restore_triggers),
        migrations.RenameField("auditentry", "seal", "mac"),
        migrations.RenameField("auditentry", "address", "ip"),
        migrations.RunPython(create_triggers, drop_triggers),
        migrations.RenameField("consent", "address", "ip"),
        migrations.RenameField("webhook", "off_reason", "disabled_reason"),
        migrations.RunPython(delete_records, migrations.RunPython.noop),
        migrations.RemoveConstraint("keptanswer", "kept_answer_once_per_key"),
        migrations.RenameModel("KeptAnswer", "IdempotencyRecord"),
        migrations.AddConstraint(
            "idempotencyrecord",
            models.UniqueConstraint(fields=["client", "path", "key"], name="idempotency_key_once_per_path"),
        ),
    ]
