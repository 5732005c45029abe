"""Emails about a connection that must be reconnected: to the customer's administrators and to staff, once each time."""

from django.conf import settings
from django.urls import reverse

from integrations import mail
from integrations.customers import memberships
from integrations.models import Connection, ConnectionState, User
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery


def notify_reconnect(connection: Connection) -> None:
    """Enqueue the emails. Call it in the transaction that changes the connection's state."""
    people = memberships.get_administrators(connection.customer)
    staff = User.objects.filter(is_active=True).exclude(staff_role="")
    for kind, readers in ((CustomerReconnectHandler.kind, people), (StaffReconnectHandler.kind, staff)):
        for reader in readers:
            deliveries.enqueue(
                kind,
                stream="email",
                key=f"{kind}:{connection.pk}:{reader.pk}",
                subject=connection.company_id,
                payload={"connection": connection.pk, "reader": reader.pk},
            )


class CustomerReconnectHandler(mail.EmailHandler):
    kind = "reconnect"
    label = "Reconnect email"
    previews = (
        mail.EmailPreview(
            "reconnect",
            "Reconnect, to the customer",
            "To the customer’s administrators, when SmartRecruiters rejects the credentials. In their language.",
        ),
    )

    def skip_reason(self, delivery: Delivery) -> str:
        if _get_connection(delivery).state != ConnectionState.NEEDS_RECONNECT:
            return "the connection no longer needs attention"
        has_reader = User.objects.filter(pk=delivery.payload["reader"], is_active=True).exists()
        return "" if has_reader else "the recipient can no longer sign in"

    def build_email(self, delivery: Delivery) -> tuple[mail.EmailContent, str]:
        connection, reader = _get_connection(delivery), User.objects.get(pk=delivery.payload["reader"])
        return self.compose_email(connection, reader), reader.email

    def compose_email(self, connection: Connection, reader: User) -> mail.EmailContent:
        return mail.render_email(
            self.kind,
            self.get_language(connection),
            person=reader.get_full_name(),
            company=connection.company_id,
            customer=connection.customer.name,
            reason=connection.reason,
            can_receive_orders=connection.can_receive_orders,
            has_administrators=memberships.get_administrators(connection.customer).exists(),
            url=settings.PUBLIC_URL + self.get_path(connection),
        )

    def get_language(self, connection: Connection) -> str:
        return mail.best_language(connection.customer.language)

    def get_path(self, connection: Connection) -> str:
        return reverse("home")


class StaffReconnectHandler(CustomerReconnectHandler):
    """The email to staff, in English like all admin pages."""

    kind = "reconnect_staff"
    label = "Reconnect email to staff"
    previews = (
        mail.EmailPreview("reconnect_staff", "Reconnect, to staff", "To all staff, at the same time. In English."),
    )

    def get_language(self, connection: Connection) -> str:
        return settings.LANGUAGE_CODE

    def get_path(self, connection: Connection) -> str:
        return reverse("admin:integrations_connection_change", args=[connection.pk])


def _get_connection(delivery: Delivery) -> Connection:
    return Connection.objects.select_related("customer").get(pk=delivery.payload["connection"])
