from django.db import migrations


class Migration(migrations.Migration):
    """What memberships and staff's role say now. Django's groups were never offered on any page."""

    dependencies = [("integrations", "0005_carry_memberships_over")]
    operations = [
        migrations.RemoveConstraint(model_name='user', name='user_staff_belong_to_no_customer'),
        migrations.RemoveField(model_name='user', name='customer'),
        migrations.RemoveField(model_name='user', name='may_connect'),
        migrations.RemoveField(model_name='user', name='is_staff'),
        migrations.RemoveField(model_name='user', name='is_superuser'),
        migrations.RemoveField(model_name='user', name='groups'),
        migrations.RemoveField(model_name='user', name='user_permissions'),
    ]
