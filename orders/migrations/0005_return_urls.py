from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0004_unknown_values'),
    ]

    operations = [
        migrations.AlterField(
            model_name='order',
            name='completed_callback_url',
            field=models.CharField(blank=True, max_length=8000),
        ),
    ]
