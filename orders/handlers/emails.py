"""The e-mails that invite a candidate: SmartRecruiters sends none, so the partner does (PROTOCOL.md)."""

from django.utils import timezone

from integrations import mail
from integrations.outbox.models import Delivery
from orders import expiry, links
from orders.models import Order


class Invitation(mail.MailHandler):
    kind = "invitation"
    bad_address = "The candidate's e-mail address cannot be used: send the link to the candidate another way."

    def unwanted(self, delivery: Delivery) -> str:
        return self._unwanted(self._order(delivery))

    def _unwanted(self, order: Order) -> str:
        if order.erased_at is not None:
            return "the candidate was erased"
        if order.is_final:
            return f"the order is {order.status}"
        return "the order has expired" if expiry.has_expired(order, timezone.now()) else ""

    def letter(self, delivery: Delivery) -> tuple[mail.Letter, str]:
        order = self._order(delivery)
        return compose(order, self.kind), order.candidate_email

    def _order(self, delivery: Delivery) -> Order:
        return Order.objects.select_related("package", "connection__customer").get(pk=delivery.subject)


class Reminder(Invitation):
    """The same link again for a candidate who has not begun, once."""

    kind = "reminder"

    def _unwanted(self, order: Order) -> str:
        has_begun = order.visited_at is not None or order.status not in expiry.UNBEGUN
        return super()._unwanted(order) or ("the candidate has begun" if has_begun else "")


def compose(order: Order, kind: str) -> mail.Letter:
    """The invitation or the reminder, in the order's language."""
    return mail.write(
        kind,
        mail.nearest(order.candidate_language),
        candidate=order.candidate_name,
        customer=order.connection.customer.name,
        package=order.package.name,
        description=order.package.description,
        url=links.take_url(order),
        open_until=expiry.end_of(order),
    )
