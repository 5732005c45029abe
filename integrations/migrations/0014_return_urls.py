from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0013_refused_calls'),
    ]

    operations = [
        migrations.AlterField(
            model_name='consent',
            name='redirect',
            field=models.CharField(blank=True, max_length=8000),
        ),
    ]
