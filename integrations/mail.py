"""E-mails: one template each, in the reader's language, as text and HTML; sent by the courier and kept nowhere.

`templates/emails/{kind}_subject.txt`, `{kind}.txt`, and `{kind}.html`, which says the same in HTML.
"""

import smtplib
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.utils import translation

from integrations import colours
from integrations.http.client import CallFailedError, Response
from integrations.outbox import handlers
from integrations.outbox.models import Delivery

SMTP_ACCEPTED = 250
NOT_SENT_NOTE = "written to the log and sent to nobody: EMAIL_URL is not set"
NULL_BACKENDS = tuple(f"django.core.mail.backends.{name}.EmailBackend" for name in ("console", "dummy"))


def is_email_enabled() -> bool:
    """Whether e-mails leave this machine, or at least land in a folder where people look."""
    return settings.EMAIL_BACKEND not in NULL_BACKENDS


@dataclass(frozen=True)
class EmailContent:
    """An e-mail without its address."""

    subject: str
    text: str
    html: str


def best_language(language: str) -> str:
    """The one of our languages for a tag like `de-AT` or `de_AT`; else the portal's own."""
    tag = language.replace("_", "-").lower()
    offered = [code for code, _ in settings.LANGUAGES]
    primary = tag.partition("-")[0]
    return next((code for code in (tag, primary) if code in offered), settings.LANGUAGE_CODE)


def render_email(kind: str, language: str, **context_data: Any) -> EmailContent:
    """The e-mail of this kind in this language, one of settings.LANGUAGES."""
    context = {
        "brand": settings.BRAND_NAME,
        "brand_colour": settings.BRAND_COLOUR,
        "brand_text": colours.format_hex(colours.pick_text_colour(colours.parse_hex(settings.BRAND_COLOUR))),
        "language": language,
        **context_data,
    }
    with translation.override(language):
        context["is_right_to_left"] = translation.get_language_bidi()
        parts = [render_to_string(f"emails/{kind}{end}", context) for end in ("_subject.txt", ".txt", ".html")]
    subject, text, html = parts
    return EmailContent(" ".join(subject.split()), f"{text.strip()}\n", html)


def build_message(content: EmailContent, to: str, message_id: str) -> EmailMultiAlternatives:
    headers = {"Message-ID": message_id, "Auto-Submitted": "auto-generated"}
    message = EmailMultiAlternatives(content.subject, content.text, to=[to], headers=headers)
    message.attach_alternative(content.html, "text/html")
    return message


class EmailHandler(handlers.Handler):
    """Sent once; when the line broke, again under the same Message-ID, which SMTP cannot spare the reader."""

    success_statuses = frozenset({SMTP_ACCEPTED})
    response_type = None
    invalid_email_reason = "The e-mail address cannot be used."

    def build_email(self, delivery: Delivery) -> tuple[EmailContent, str]:
        """What to write, and to whom."""
        raise TypeError(f"{type(self).__name__} must say what it writes")

    def build_call(self, delivery: Delivery, token: str) -> handlers.Call:
        letter, to = self.build_email(delivery)
        try:
            validate_email(to)
        except ValidationError:
            raise handlers.UndeliverableError(self.invalid_email_reason) from None
        host = settings.PUBLIC_HOST.strip("[]")
        message_id = f"<{self.kind}.{delivery.pk}.{delivery.subject}@{host}>"
        message = build_message(letter, to, message_id)
        return handlers.Call(
            "email", partial(deliver_message, message), {"subject": letter.subject, "message_id": message_id}
        )

    def needs_response(self, delivery: Delivery) -> bool:
        return not is_email_enabled() or type(self).on_delivered is not EmailHandler.on_delivered

    def on_delivered(self, delivery: Delivery, response: Response) -> None:
        """What no server took says so wherever the delivery is shown."""
        Delivery.objects.filter(pk=delivery.pk).update(reason=response.text)


def deliver_message(message: EmailMultiAlternatives, deadline: float) -> Response:
    """Hand it to the mail server. Raises CallRefused when it is refused for good, CallFailed when it may go again."""
    options: dict[str, Any] = {"timeout": deadline} if "smtp" in settings.EMAIL_BACKEND else {}
    try:
        message.connection = get_connection(**options)
        message.send()
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPConnectError, smtplib.SMTPHeloError) as error:
        raise CallFailedError(
            f"the mail server lets us not in ({error.smtp_code})", may_have_been_processed=False
        ) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise _build_smtp_error(*(code for code, _ in error.recipients.values())) from None
    except smtplib.SMTPResponseException as error:
        raise _build_smtp_error(error.smtp_code) from None
    except (smtplib.SMTPException, OSError) as error:
        unseen = not isinstance(error, ConnectionRefusedError)
        raise CallFailedError(
            f"the mail server did not take it ({type(error).__name__})", may_have_been_processed=unseen
        ) from None
    return Response(SMTP_ACCEPTED, text="" if is_email_enabled() else NOT_SENT_NOTE)


def _build_smtp_error(code: int) -> CallFailedError:
    """5xx is for good, 4xx is not. The server's words may repeat the address, so only its code is kept."""
    if code >= 500:
        return handlers.PermanentFailureError(
            f"the mail server refuses it for good ({code})", may_have_been_processed=False
        )
    return CallFailedError(f"the mail server does not take it now ({code})", may_have_been_processed=False)
