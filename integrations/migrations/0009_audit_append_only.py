from django.db import migrations

from integrations.audit import triggers


def install(apps, schema_editor):
    triggers.create_triggers(schema_editor.connection, ip="address", mac="seal")


def lift(apps, schema_editor):
    triggers.drop_triggers(schema_editor.connection)


class Migration(migrations.Migration):
    """The database itself refuses to change or delete the audit's entries (RELIABILITY.md, S8)."""

    dependencies = [("integrations", "0008_invitations")]
    operations = [migrations.RunPython(install, lift)]
