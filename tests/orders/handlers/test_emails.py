"""Invitations: recipients, texts, and the meaning of the mail server's responses."""

import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from PIL import Image

from integrations import mail as letters
from integrations.http.client import CallFailedError
from integrations.models import Connection
from integrations.outbox import courier, deliveries
from integrations.outbox.handlers import PermanentFailureError
from integrations.outbox.models import Delivery, Stream
from orders import results
from orders.handlers import emails
from orders.models import Order
from tests.orders import bodies

pytestmark = pytest.mark.django_db(transaction=True)


def carry() -> Delivery:
    courier.run(Stream.objects.get(name__startswith="email:").pk)
    return Delivery.objects.get(kind="invitation")


def test_candidate_is_invited_once_in_text_and_html(order: Order, settings: Any) -> None:
    settings.BRAND_NAME = "Testwerk"
    delivery = carry()
    assert delivery.state == "delivered"
    carry()
    [message] = mail.outbox
    assert (message.to, message.subject) == (["ada@lovelace.example"], "Your invitation: Package skills (Testwerk)")
    assert message.extra_headers["Message-ID"] == f"<invitation.{delivery.pk}.{order.pk}@localhost>"
    link = f"http://localhost:8000/take/{order.link_token}"
    assert message.body == (
        "Hello Ada Lovelace,\n\n"
        "Northwind Retail invites you to “Package skills”.\n\n"
        f"Start here:\n{link}\n\n"
        "This link is for you only. Please do not share it.\n\n"
        "Testwerk, for Northwind Retail\n"
    )
    html = message.alternatives[0][0]
    assert f'<a href="{link}"' in html


def test_nothing_of_the_candidate_is_kept_of_the_mail(order: Order) -> None:
    attempt = carry().attempts.get()
    text = f"{attempt.request} {attempt.response} {attempt.error}"
    assert "lovelace" not in text.lower()
    assert order.link_token not in text


def test_german_application_is_invited_in_german(package: Any, connection: Connection) -> None:
    candidate = {"id": "1", "email": "a@b.example", "firstName": "Zoë", "applicationLanguage": "de-CH"}
    package.name = "Test\tmit\nUmbruch"
    package.save()
    bodies.place_order(connection, candidate=candidate)
    carry()
    assert mail.outbox[0].subject == "Ihre Einladung: Test mit Umbruch (Assessments)"
    assert mail.outbox[0].body.startswith("Guten Tag Zoë,\n\nNorthwind Retail lädt Sie zu")


def test_markup_in_a_name_stays_text(package: Any, connection: Connection) -> None:
    candidate = {"id": "1", "email": "a@b.example", "firstName": "<b>O'Brien</b>"}
    bodies.place_order(connection, candidate=candidate)
    carry()
    assert "Hello <b>O'Brien</b>," in mail.outbox[0].body
    assert "<b>" not in mail.outbox[0].alternatives[0][0]


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("ann\u202egpj.exe", "Hello \u2068ann\u202egpj.exe\u2069,"),
        ("ann\u2069\u202egpj.exe", "Hello \u2068ann\u202egpj.exe\u2069,"),
        ("ann\u2067", "Hello \u2068ann\u2067\u2069\u2069,"),
        ("محمد (1)", "Hello \u2068محمد (1)\u2069,"),
        ("Zoë", "Hello Zoë,"),
    ],
)
@pytest.mark.parametrize("kind", ["invitation", "reminder"])
def test_name_does_not_turn_the_rest_of_its_line(
    package: Any, connection: Connection, name: str, greeting: str, kind: str
) -> None:
    order = bodies.place_order(connection, candidate={"id": "1", "email": "a@b.example", "firstName": name})
    email = emails.build_email(order, kind)
    assert email.text.splitlines()[0] == greeting
    assert f"<p>{greeting}</p>" in email.html


def test_package_does_not_turn_the_subject(package: Any, connection: Connection, settings: Any) -> None:
    settings.BRAND_NAME = "Testwerk"
    package.name = "typing\u202etest"
    package.save()
    email = emails.build_email(bodies.place_order(connection), "invitation")
    assert email.subject == "Your invitation: \u2068typing\u202etest\u2069 (Testwerk)"
    assert "Northwind Retail invites you to “\u2068typing\u202etest\u2069”." in email.text


def test_link_of_an_email_is_kept_as_it_is(package: Any) -> None:
    email = letters.render_email("invitation", "en", package="x", customer="y", url="https://דנה.example/take")
    assert "\nhttps://דנה.example/take\n" in email.text


@pytest.mark.parametrize("email", ["", "nobody", "a@b.example, c@d.example", "ada@lovelace", '"><script>@x.example'])
def test_unusable_address_fails_where_staff_see_it(package: Any, connection: Connection, email: str) -> None:
    bodies.place_order(connection, candidate={"id": "1", "email": email, "firstName": "Ada"})
    delivery = carry()
    assert (delivery.state, mail.outbox) == ("failed", [])
    assert delivery.reason == "The candidate's email address is not valid: send the link in another way."


@pytest.mark.parametrize("status", ["COMPLETED", "REJECTED", "EXPIRED"])
def test_final_order_invites_nobody(order: Order, status: str) -> None:
    results.report(order.pk, {"status": status}, by="staff")
    delivery = carry()
    assert (delivery.state, delivery.reason, mail.outbox) == ("superseded", f"the order is {status.lower()}", [])


def test_erased_or_expired_order_invites_nobody(order: Order, package: Any) -> None:
    Order.objects.update(erased_at=timezone.now())
    assert (carry().reason, mail.outbox) == ("the candidate was erased", [])
    Order.objects.update(erased_at=None, created_at=timezone.now().replace(year=2020))
    package.expires_after_days = 14
    package.save()
    Delivery.objects.filter(kind="invitation").update(state="pending")
    assert (carry().reason, mail.outbox) == ("the order has expired", [])


def test_repeat_has_the_same_message_id(order: Order) -> None:
    delivery = carry()
    Delivery.objects.filter(pk=delivery.pk).update(state="failed")
    deliveries.replay(Delivery.objects.get(pk=delivery.pk))
    carry()
    first, second = mail.outbox
    assert first.extra_headers == second.extra_headers


REFUSED = {"ada@lovelace.example": (550, b"5.1.1 <ada@lovelace.example> unknown")}
BUSY = {"ada@lovelace.example": (450, b"4.2.0 greylisted")}


@pytest.mark.parametrize(
    ("error", "is_final", "had_effect_perhaps"),
    [
        (smtplib.SMTPRecipientsRefused(REFUSED), True, False),
        (smtplib.SMTPRecipientsRefused(BUSY), False, False),
        (smtplib.SMTPDataError(554, b"rejected"), True, False),
        (smtplib.SMTPDataError(451, b"later"), False, False),
        (smtplib.SMTPSenderRefused(553, b"not you", "x"), True, False),
        (smtplib.SMTPAuthenticationError(535, b"no"), False, False),
        (smtplib.SMTPConnectError(554, b"no service"), False, False),
        (smtplib.SMTPServerDisconnected("gone"), False, True),
        (ConnectionRefusedError(), False, False),
        (TimeoutError(), False, True),
    ],
)
def test_answer_of_the_mail_server_has_its_cure(
    order: Order, monkeypatch: pytest.MonkeyPatch, error: Exception, is_final: bool, had_effect_perhaps: bool
) -> None:
    def fail(*_: object) -> None:
        raise error

    message = letters.build_message(emails.build_email(order, "invitation"), order.candidate_email, "<x@localhost>")
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
    with pytest.raises(CallFailedError) as caught:
        letters.deliver_message(message, 5)
    assert (isinstance(caught.value, PermanentFailureError), caught.value.may_have_been_processed) == (
        is_final,
        had_effect_perhaps,
    )
    assert "lovelace" not in str(caught.value)


SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def logo(settings: Any, tmp_path: Path) -> Path:
    settings.BRAND_NAME, settings.BRAND_LOGO = "Testwerk", tmp_path / "logo.png"
    Image.new("RGB", (64, 32), "red").save(settings.BRAND_LOGO)
    return tmp_path / "logo.png"


def read_sent() -> tuple[list[str], EmailMessage]:
    """Return the content types of the email's parts, as they are nested, and the email as a program reads it."""
    message = message_from_bytes(mail.outbox[0].message().as_bytes(), policy=policy.default)
    return [part.get_content_type() for part in message.walk()], message


def test_logo_travels_with_the_email(order: Order, logo: Path) -> None:
    carry()
    kinds, message = read_sent()
    text = ["multipart/alternative", "text/plain", "text/html"]
    assert kinds == ["multipart/related", *text, "image/png"]
    *_, html, picture = message.walk()
    assert '<img src="cid:logo" alt="Testwerk" height="32"' in html.get_content()
    assert (picture["Content-ID"], picture["Content-Disposition"]) == ("<logo>", "inline")
    assert picture.get_content() == logo.read_bytes()


@pytest.mark.parametrize("reason", ["no logo", "SVG", "too large", "gone"])
def test_name_stands_where_mail_programs_would_show_no_logo(
    order: Order, settings: Any, logo: Path, reason: str
) -> None:
    if reason == "no logo":
        settings.BRAND_LOGO = None
    elif reason == "SVG":
        settings.BRAND_LOGO = logo.with_suffix(".svg")
        settings.BRAND_LOGO.write_text(SVG)
    elif reason == "too large":
        logo.write_bytes(logo.read_bytes().ljust(letters.MAX_LOGO_SIZE + 1, b"\0"))
    else:
        logo.unlink()
    carry()
    kinds, message = read_sent()
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    *_, html = message.walk()
    assert ("<img" in html.get_content(), ">Testwerk</td>" in html.get_content()) == (False, True)


def test_button_and_width_hold_in_outlook(order: Order, settings: Any) -> None:
    """Outlook knows no padding of links and no max-width: a cell and a table of fixed width say the same."""
    settings.BRAND_COLOUR = "#2557a7"
    carry()
    html = mail.outbox[0].alternatives[0][0]
    cell = '<td align="center" bgcolor="#2557a7" style="border-radius:8px;mso-padding-alt:12px 24px"><a href='
    assert (html.count(cell), html.count("<!--[if mso]><table"), html.count('width="560"')) == (1, 1, 1)
