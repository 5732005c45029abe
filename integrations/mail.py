"""Emails: rendered from templates in the reader's language, as text and HTML, and sent by the courier over SMTP.

Each kind has `templates/emails/{kind}_subject.txt`, `{kind}.txt` and `{kind}.html`.

The stream `email` has the emails to people with an account here. Those to candidates have a stream per customer, so
that thousands of one customer's invitations do not delay others' emails.
"""

import smtplib
import ssl
from dataclasses import dataclass
from email.mime.image import MIMEImage
from functools import partial
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends import smtp
from django.core.validators import validate_email
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import translation

from integrations import colours
from integrations.http import tls
from integrations.http.client import CallFailedError, Response
from integrations.outbox import clock, handlers
from integrations.outbox.models import Delivery, Ending, Stream
from integrations.text import isolate_direction

ACCOUNT_STREAM = "email"
CANDIDATE_STREAM_PREFIX = f"{ACCOUNT_STREAM}:"
SMTP_ACCEPTED = 250
LOGO_ID = "logo"
MAX_LOGO_SIZE = 100 * 1024  # bytes: each email carries the logo
FILE_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
# By backend without a mail server.
UNSENT_FATES = {
    "django.core.mail.backends.console.EmailBackend": "written to the log",
    FILE_BACKEND: "written to a file",
    "django.core.mail.backends.dummy.EmailBackend": "discarded",
}


def get_unsent_note() -> str:
    """Return the fate of emails without a mail server, as a predicate; "" if they are sent."""
    fate = UNSENT_FATES.get(settings.EMAIL_BACKEND, "")
    return fate and f"{fate} and not sent: no mail server is set (EMAIL_URL)"


def is_email_enabled() -> bool:
    """Return True if emails are sent or, on a loopback portal such as the demo, stored in files."""
    return not get_unsent_note() or (settings.EMAIL_BACKEND == FILE_BACKEND and settings.IS_LOOPBACK)


@dataclass(frozen=True)
class EmailContent:
    subject: str
    text: str
    html: str


def best_language(language: str) -> str:
    """Return the supported language for a tag like `de-AT` or `de_AT`, or the default language."""
    tag = language.replace("_", "-").lower()
    supported = dict(settings.LANGUAGES)
    return next((code for code in (tag, tag.partition("-")[0]) if code in supported), settings.LANGUAGE_CODE)


def render_email(kind: str, language: str, **context_data: Any) -> EmailContent:
    """Render the email of this kind in one of settings.LANGUAGES. A text in the context cannot turn its sentence."""
    colour = colours.parse_hex(settings.BRAND_COLOUR)
    context = {
        "brand": settings.BRAND_NAME,
        "brand_colour": settings.BRAND_COLOUR,
        "brand_text": colours.format_hex(colours.pick_text_colour(colour)),
        "brand_accent": colours.format_hex(colours.ensure_contrast(colour, colours.WHITE)),
        "brand_logo": f"cid:{LOGO_ID}" if is_logo_in_emails() else "",
        "language": language,
        **{
            key: isolate_direction(value) if isinstance(value, str) and key != "url" else value
            for key, value in context_data.items()
        },
    }
    with translation.override(language):
        context["is_right_to_left"] = translation.get_language_bidi()
        parts = (render_to_string(f"emails/{kind}{end}", context) for end in ("_subject.txt", ".txt", ".html"))
        subject, text, html = parts
    return EmailContent(" ".join(subject.split()), f"{text.strip()}\n", html)


def is_logo_in_emails() -> bool:
    """Return True for a PNG that is small enough. Mail programs do not show SVG, so the name replaces it."""
    logo = settings.BRAND_LOGO
    if logo is None or logo.suffix.lower() != ".png" or not logo.is_file():
        return False
    return logo.stat().st_size <= MAX_LOGO_SIZE


def build_message(content: EmailContent, to: str, message_id: str) -> EmailMultiAlternatives:
    headers = {"Message-ID": message_id, "Auto-Submitted": "auto-generated"}
    message = EmailMultiAlternatives(content.subject, content.text, to=[to], headers=headers)
    message.attach_alternative(content.html, "text/html")
    if f'"cid:{LOGO_ID}"' in content.html:
        message.mixed_subtype = "related"  # type: ignore[attr-defined]  # unknown to the stubs
        message.attach(_build_logo(cast(Path, settings.BRAND_LOGO)))
    return message


def _build_logo(file: Path) -> MIMEImage:
    """Build the logo as a part of the email: mail programs load remote images only if their reader agrees."""
    logo = MIMEImage(file.read_bytes(), "png")
    logo["Content-ID"] = f"<{LOGO_ID}>"
    logo["Content-Disposition"] = "inline"
    return logo


def get_candidate_stream(customer_id: str) -> str:
    """Return the name of the stream of the emails to a customer's candidates."""
    return f"{CANDIDATE_STREAM_PREFIX}{customer_id}"


class EmailChannel(handlers.Channel):
    """Channel to the mail server, whose rate the email streams share that send at the moment.

    Half of it is for the emails to people with an account, while there are some.
    """

    kind = "email"
    peer_name = "The mail server"
    hop = "candidate"

    def get_limits(self, stream: Stream) -> handlers.Limits:
        """Return the stream's share of EMAIL_RATE, and of the connections to the mail server."""
        is_email = Q(name=ACCOUNT_STREAM) | Q(name__startswith=CANDIDATE_STREAM_PREFIX)
        active = Stream.objects.filter(is_email, lease_expires_at__gt=clock.now())
        share = _compute_share(stream.name, set(active.values_list("name", flat=True)))
        return handlers.Limits(settings.EMAIL_RATE * share, max(1, int(self.max_parallel * share)))


def _compute_share(name: str, active: set[str]) -> float:
    others = active - {name}
    if name == ACCOUNT_STREAM:
        return 0.5 if others else 1.0
    candidate_share = 0.5 if ACCOUNT_STREAM in others else 1.0
    return candidate_share / len((others | {name}) - {ACCOUNT_STREAM})


@dataclass(frozen=True)
class EmailPreview:
    """An email's description for staff. `name` is its template."""

    name: str
    title: str
    occasion: str


class EmailHandler(handlers.Handler):
    """Sends an email. A retry has the same Message-ID, but SMTP cannot rule out a duplicate."""

    channel = "email"
    previews: tuple[EmailPreview, ...] = ()
    success_statuses = frozenset({SMTP_ACCEPTED})
    response_type = None
    invalid_email_reason = "The email address is not valid."

    @property
    def delivered_text(self) -> str:
        return f"{self.label} handed to the mail server"

    def build_email(self, delivery: Delivery) -> tuple[EmailContent, str]:
        """Return the content and the recipient's email address."""
        raise NotImplementedError

    def build_call(self, delivery: Delivery, token: str) -> handlers.Call:
        content, to = self.build_email(delivery)
        try:
            validate_email(to)
        except ValidationError:
            raise handlers.UndeliverableError(self.invalid_email_reason) from None
        host = settings.PUBLIC_HOST.strip("[]")
        message_id = f"<{self.kind}.{delivery.pk}.{delivery.subject}@{host}>"
        run = partial(deliver_message, build_message(content, to, message_id))
        return handlers.Call("email", run, {"subject": content.subject, "message_id": message_id})

    def needs_response(self, delivery: Delivery) -> bool:
        return bool(get_unsent_note()) or type(self).on_delivered is not EmailHandler.on_delivered

    def on_delivered(self, delivery: Delivery, response: Response) -> None:
        """Store why the email was not sent, if it was not."""
        if response.text:
            Delivery.objects.filter(pk=delivery.pk).update(reason=response.text, ending=Ending.NOT_SENT)


def deliver_message(message: EmailMultiAlternatives, deadline: float) -> Response:
    """Hand a message to the mail server. Raises PermanentFailureError, or CallFailedError if it can be retried."""
    options: dict[str, Any] = {"timeout": deadline} if "smtp" in settings.EMAIL_BACKEND else {}
    try:
        message.connection = get_connection(**options)
        if isinstance(message.connection, smtp.EmailBackend):
            message.connection.ssl_context = tls.get_ssl_context()
        message.send()
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPConnectError, smtplib.SMTPHeloError) as error:
        reason = f"the mail server refused the connection ({error.smtp_code})"
        raise CallFailedError(reason, may_have_been_processed=False) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise _build_smtp_error(*(code for code, _ in error.recipients.values())) from None
    except smtplib.SMTPResponseException as error:
        raise _build_smtp_error(error.smtp_code) from None
    except ssl.SSLCertVerificationError as error:
        reason = f"the mail server is not trusted: {tls.describe_tls_error(error)}"
        raise CallFailedError(reason, may_have_been_processed=False) from None
    except (smtplib.SMTPException, OSError) as error:
        unseen = not isinstance(error, ConnectionRefusedError)
        reason = f"the mail server did not accept it ({type(error).__name__})"
        raise CallFailedError(reason, may_have_been_processed=unseen) from None
    return Response(SMTP_ACCEPTED, text=get_unsent_note())


def _build_smtp_error(code: int) -> CallFailedError:
    """Build the error of an SMTP code. The server's text is dropped, since it may repeat the email address."""
    if code >= 500:
        return handlers.PermanentFailureError(f"the mail server refuses it ({code})", may_have_been_processed=False)
    return CallFailedError(f"the mail server does not accept it now ({code})", may_have_been_processed=False)
