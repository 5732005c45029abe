import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

STAFF_ROLES = [
    ('viewer', 'Viewer: sees what happens, nothing of candidates'),
    ('support', 'Support: sees candidates, acts on orders, sends again'),
    ('administrator', 'Administrator: configures, manages people, disconnects, erases'),
]
MEMBER_ROLES = [
    ('viewer', 'Viewer: sees connections and orders'),
    ('administrator', 'Administrator: also connects, disconnects and invites people'),
]


class Migration(migrations.Migration):
    """Several organisations a person, with a role in each; one role for each member of staff."""

    dependencies = [("integrations", "0003_customer_retention")]
    operations = [
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=MEMBER_ROLES, default='viewer', max_length=20)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='integrations.customer')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['customer__name', 'person__email'],
                'constraints': [models.UniqueConstraint(fields=('person', 'customer'), name='membership_once')],
            },
        ),
        migrations.AddField(
            model_name='user',
            name='staff_role',
            field=models.CharField(blank=True, choices=STAFF_ROLES, default='', help_text='Empty: no staff.', max_length=20, verbose_name='role among partner staff'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='user',
            name='customers',
            field=models.ManyToManyField(related_name='people', through='integrations.Membership', to='integrations.customer'),
        ),
        migrations.AddField(
            model_name='consent',
            name='customer',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='integrations.customer'),
        ),
    ]
