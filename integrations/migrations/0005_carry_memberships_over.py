from django.db import migrations


def carry_over(apps, schema_editor):
    """One membership of each customer's person; who might connect administers. Staff with all rights administer."""
    User = apps.get_model("integrations", "User")
    Membership = apps.get_model("integrations", "Membership")
    Membership.objects.bulk_create(
        [
            Membership(person=user, customer_id=user.customer_id, role="administrator" if user.may_connect else "viewer")
            for user in User.objects.exclude(customer=None)
        ]
    )
    User.objects.filter(is_staff=True).update(staff_role="viewer")
    User.objects.filter(is_staff=True, is_superuser=True).update(staff_role="administrator")
    for attempt in apps.get_model("integrations", "ConnectAttempt").objects.exclude(consent=None).select_related("connection"):
        # Whose consent it was: a company is never moved to another customer once it has connected.
        apps.get_model("integrations", "Consent").objects.filter(pk=attempt.consent_id).update(
            customer=attempt.connection.customer_id
        )


def carry_back(apps, schema_editor):
    """The oldest membership of each person, which is all that one column holds."""
    User = apps.get_model("integrations", "User")
    User.objects.exclude(staff_role="").update(is_staff=True, is_superuser=False)
    User.objects.filter(staff_role="administrator").update(is_superuser=True)
    for membership in apps.get_model("integrations", "Membership").objects.order_by("-pk"):
        User.objects.filter(pk=membership.person_id, is_staff=False).update(
            customer=membership.customer_id, may_connect=membership.role == "administrator"
        )


class Migration(migrations.Migration):
    dependencies = [("integrations", "0004_memberships")]
    operations = [migrations.RunPython(carry_over, carry_back)]
