"""The e-mails that invite a candidate: SmartRecruiters sends none, so the partner does (PROTOCOL.md)."""

import smtplib
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.utils import timezone, translation

from integrations.door import CallFailed, Reply
from integrations.outbox import handlers
from integrations.outbox.models import Delivery
from orders import expiry, links, words
from orders.models import Order

ACCEPTED = 250


class Invitation(handlers.Handler):
    """Sent once; when the line broke, again under the same Message-ID, which SMTP cannot spare the candidate."""

    kind = "invitation"
    success = frozenset({ACCEPTED})
    expects = None

    def unwanted(self, delivery: Delivery) -> str:
        return self._unwanted(self._order(delivery))

    def _unwanted(self, order: Order) -> str:
        if order.erased_at is not None:
            return "the candidate was erased"
        if order.is_final:
            return f"the order is {order.status}"
        return "the order has expired" if expiry.has_expired(order, timezone.now()) else ""

    def call(self, delivery: Delivery, token: str) -> handlers.Call:
        order = self._order(delivery)
        try:
            validate_email(order.candidate_email)
        except ValidationError:
            raise handlers.Undeliverable(
                "The candidate's e-mail address cannot be used: send the link to the candidate another way."
            ) from None
        host = settings.PUBLIC_HOST.strip("[]")
        message = compose(order, self.kind, f"<{self.kind}.{delivery.pk}.{order.pk}@{host}>")
        request = {"subject": message.subject, "message_id": message.extra_headers["Message-ID"]}
        return handlers.Call("email", partial(transmit, message), request)

    def _order(self, delivery: Delivery) -> Order:
        return Order.objects.select_related("package", "connection__customer").get(pk=delivery.subject)


class Reminder(Invitation):
    """The same link again for a candidate who has not begun, once."""

    kind = "reminder"

    def _unwanted(self, order: Order) -> str:
        has_begun = order.visited_at is not None or order.status not in expiry.UNBEGUN
        return super()._unwanted(order) or ("the candidate has begun" if has_begun else "")


def compose(order: Order, kind: str, message_id: str) -> EmailMultiAlternatives:
    """The invitation or the reminder, as text and HTML in the order's language."""
    language = words.language_of(order)
    context = {
        "order": order,
        "customer": order.connection.customer,
        "package": order.package,
        "brand": settings.BRAND_NAME,
        "brand_colour": settings.BRAND_COLOUR,
        "take_url": links.take_url(order),
        "open_until": expiry.end_of(order),
    }
    subject = words.of(order)[f"{kind}_subject"].format(package=order.package.name, brand=settings.BRAND_NAME)
    with translation.override(language):
        text, html = (render_to_string(f"orders/{kind}.{language}.{form}", context) for form in ("txt", "html"))
    message = EmailMultiAlternatives(
        " ".join(subject.split()),
        text,
        to=[order.candidate_email],
        headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(html, "text/html")
    return message


def transmit(message: EmailMultiAlternatives, deadline: float) -> Reply:
    """Hand it to the mail server. Raises CallRefused when it is refused for good, CallFailed when it may go again."""
    options: dict[str, Any] = {"timeout": deadline} if "smtp" in settings.EMAIL_BACKEND else {}
    try:
        message.connection = get_connection(**options)
        message.send()
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPConnectError, smtplib.SMTPHeloError) as error:
        raise CallFailed(f"the mail server lets us not in ({error.smtp_code})", had_effect_perhaps=False) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused(*(code for code, _ in error.recipients.values())) from None
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code) from None
    except (smtplib.SMTPException, OSError) as error:
        unseen = not isinstance(error, ConnectionRefusedError)
        raise CallFailed(
            f"the mail server did not take it ({type(error).__name__})", had_effect_perhaps=unseen
        ) from None
    return Reply(ACCEPTED)


def _refused(code: int) -> CallFailed:
    """5xx is for good, 4xx is not. The server's words may repeat the address, so only its code is kept."""
    if code >= 500:
        return handlers.CallRefused(f"the mail server refuses it for good ({code})", had_effect_perhaps=False)
    return CallFailed(f"the mail server does not take it now ({code})", had_effect_perhaps=False)
