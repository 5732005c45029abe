"""Email handlers of invitations and reminders. SmartRecruiters does not write to the candidate, so we do."""

from django.utils import timezone

from integrations import mail
from integrations.outbox.models import Delivery
from orders import expiry
from orders.models import Order, Status


class InvitationHandler(mail.EmailHandler):
    kind = "invitation"
    previews = (
        mail.EmailPreview("invitation", "Invitation", "To the candidate, once per order, if the package says so."),
    )
    invalid_email_reason = "The candidate's email address is not valid: send the link in another way."

    def skip_reason(self, delivery: Delivery) -> str:
        return self._skip_reason_for(self._load_order(delivery))

    def _skip_reason_for(self, order: Order) -> str:
        if order.erased_at is not None:
            return "the candidate was erased"
        if order.is_final:
            return f"the order is {order.reported_status.label.lower()}"
        return "the order has expired" if expiry.has_expired(order, timezone.now()) else ""

    def build_email(self, delivery: Delivery) -> tuple[mail.EmailContent, str]:
        order = self._load_order(delivery)
        return build_email(order, self.kind), order.candidate_email

    def _load_order(self, delivery: Delivery) -> Order:
        return Order.objects.select_related("package", "connection__customer").get(pk=delivery.subject)


class ReminderHandler(InvitationHandler):
    kind = "reminder"
    previews = (
        mail.EmailPreview("reminder", "Reminder", "To a candidate who has not started after the package’s days, once."),
    )

    def _skip_reason_for(self, order: Order) -> str:
        has_started = order.visited_at is not None or order.reported_status != Status.PENDING
        return super()._skip_reason_for(order) or ("the candidate has started" if has_started else "")


def build_email(order: Order, kind: str) -> mail.EmailContent:
    """Render the invitation or the reminder in the candidate's language."""
    return mail.render_email(
        kind,
        mail.best_language(order.candidate_language),
        candidate=order.candidate_name,
        customer=order.connection.customer.name,
        package=order.package.name,
        description=order.package.description,
        url=order.take_url,
        open_until=expiry.compute_expiry(order),
    )
