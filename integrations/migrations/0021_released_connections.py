from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0020_second_factor_of_customers")]

    operations = [
        migrations.AlterField("connection", "company_id", models.CharField(max_length=64)),
        migrations.AddField(
            "connection",
            "released_at",
            models.DateTimeField(
                editable=False,
                help_text="When the company became free for another customer.",
                null=True,
                verbose_name="given up",
            ),
        ),
        migrations.AlterModelOptions("connection", options={"ordering": ["company_id", "pk"]}),
        migrations.AddConstraint(
            "connection",
            models.UniqueConstraint(
                condition=models.Q(("released_at", None)), fields=("company_id",), name="connection_once_per_company"
            ),
        ),
    ]
