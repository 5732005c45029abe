"""Connections that end, or that the web server closes, in the middle of a body."""

import errno
from typing import Any

import pytest
from django.test import Client as Browser

from integrations.models import AuditEntry, Connection, User
from orders.models import Attachment, Order
from tests import rows
from tests.integrations.oauth.test_token import FORM, basic
from tests.orders.bodies import ORDERS, place_order

SAYS = "The body was cut off, or arrived too slowly."


class Broken:
    """The web server's body stream after its client has disconnected."""

    def read(self, size: int = -1) -> bytes:
        raise ConnectionResetError(errno.ECONNRESET, "the client took too long")

    readline = read


def send(url: str, kind: str, **extra: Any) -> Any:
    return Browser(raise_request_exception=False).generic(
        "POST", url, b"x", kind, CONTENT_LENGTH="1000", **{"wsgi.input": Broken(), **extra}
    )


def test_order_whose_body_breaks_off_is_400_and_not_kept(token: str) -> None:
    answer = send(ORDERS, "application/json", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert (answer.status_code, answer.json()["detail"]) == (400, SAYS)
    assert Order.objects.count() == 0


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_report_whose_body_breaks_off_is_400_and_not_kept(engine_token: str, connection: Connection, kind: str) -> None:
    rows.make_package()
    order = place_order(connection)
    url = f"/api/vendor/v1/orders/{order.pk}/attachments"
    answer = send(url, kind, HTTP_AUTHORIZATION=f"Bearer {engine_token}")
    assert (answer.status_code, answer.json()["detail"]) == (400, SAYS)
    assert Attachment.objects.count() == 0


def test_token_call_whose_body_breaks_off_is_400(db: None) -> None:
    answer = send("/oauth/token", FORM, HTTP_AUTHORIZATION=basic("a", "b"))
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request", "error_description": SAYS})


def test_form_whose_body_breaks_off_is_400_and_does_nothing(alice: User) -> None:
    answer = send("/accounts/login/", FORM)
    assert answer.status_code in (400, 403)
    assert AuditEntry.objects.count() == 0
