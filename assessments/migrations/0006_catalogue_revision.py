from django.db import migrations, models


def create_revision(apps, schema_editor):
    apps.get_model("assessments", "CatalogueRevision").objects.create(pk=1)


class Migration(migrations.Migration):
    dependencies = [
        ("assessments", "0005_help_texts"),
    ]

    operations = [
        migrations.CreateModel(
            name="CatalogueRevision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("value", models.CharField(max_length=32)),
            ],
        ),
        migrations.RunPython(create_revision, migrations.RunPython.noop),
    ]
