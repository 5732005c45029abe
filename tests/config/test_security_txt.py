"""`/.well-known/security.txt`, RFC 9116."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Browser

from config import environment

PATH = "/.well-known/security.txt"


def test_contact_is_published(client: Browser, settings: Any, time_machine: Any) -> None:
    time_machine.move_to("2026-11-24T10:00:00Z", tick=False)
    settings.SECURITY_CONTACT = environment.parse_contact("SECURITY_CONTACT", "security@vendor.example")
    answer = client.get(PATH)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.content.decode() == (
        "Contact: mailto:security@vendor.example\n"
        "Expires: 2027-05-23T00:00:00Z\n"
        f"Canonical: {settings.PUBLIC_URL}/.well-known/security.txt\n"
    )


def test_without_a_contact_there_is_no_file(client: Browser, db: None) -> None:
    assert client.get(PATH).status_code == 404


@pytest.mark.parametrize(
    ("value", "contact"),
    [
        ("", ""),
        ("security@vendor.example", "mailto:security@vendor.example"),
        ("mailto:security@vendor.example", "mailto:security@vendor.example"),
        ("https://vendor.example/security", "https://vendor.example/security"),
    ],
)
def test_contact_is_a_url(value: str, contact: str) -> None:
    assert environment.parse_contact("SECURITY_CONTACT", value) == contact


@pytest.mark.parametrize("value", ["vendor", "http://vendor.example", "a@b\nExpires: never", "https://", "tel:1"])
def test_contact_that_is_none_is_refused_at_the_start(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="is no contact"):
        environment.parse_contact("SECURITY_CONTACT", value)
