from django.db import migrations

from integrations.audit import triggers


def install(apps, schema_editor):
    triggers.create_triggers(schema_editor.connection, ip="address", mac="seal")


def lift(apps, schema_editor):
    triggers.drop_triggers(schema_editor.connection)


class Migration(migrations.Migration):
    """Make the database refuse to change or delete audit entries (tests/reliability/README.md, S8)."""

    dependencies = [("integrations", "0008_invitations")]
    operations = [migrations.RunPython(install, lift)]
