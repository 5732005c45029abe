"""Emails for a new password: strangers cannot flood a mailbox with them, and its owner always has a working link."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client as Browser

from integrations.models import User
from integrations.outbox.models import Delivery

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 24, 10, tzinfo=UTC)
RESET, DONE = "/accounts/password/reset/", "/accounts/password/reset/done/"


def ask(email: str, number: int = 1) -> tuple[int, str | None]:
    answer = Browser(REMOTE_ADDR=f"192.0.2.{number % 250}").post(RESET, {"email": email})
    return answer.status_code, answer.headers.get("Location")


def count_emails() -> int:
    return Delivery.objects.filter(kind="account").count()


@pytest.mark.parametrize("email", ["alice@northwind.example", "nobody@elsewhere.example"])
def test_emails_to_one_address_are_limited_whoever_asks(alice: User, time_machine: Any, email: str) -> None:
    """A stranger asks every ten minutes for a day, each time from elsewhere."""
    sent_at: list[timedelta] = []
    for number in range(24 * 6):
        time_machine.move_to(START + timedelta(minutes=10 * number), tick=False)
        before = count_emails()
        assert ask(email if number % 2 else email.upper(), number) == (302, DONE)
        if count_emails() > before:
            sent_at.append(timedelta(minutes=10 * number))
    assert (len(sent_at), sent_at[:4]) == (31, [timedelta(minutes=minutes) for minutes in (0, 10, 20, 70)])
    gaps = [later - earlier for earlier, later in pairwise(sent_at)]
    assert max(gaps) < timedelta(hours=1), "a link that is valid for an hour lies in the mailbox at any time"


def test_owner_is_answered_while_a_stranger_asks_for_their_address(alice: User, time_machine: Any) -> None:
    time_machine.move_to(START, tick=False)
    assert {ask(alice.email, number) for number in range(20)} == {(302, DONE)}
    assert ask("bob@northwind.example") == (302, DONE)
    assert count_emails() == 4


def test_address_that_was_left_alone_for_a_day_starts_anew(alice: User, time_machine: Any) -> None:
    for day in range(2):
        time_machine.move_to(START + timedelta(days=day, seconds=day), tick=False)
        for _ in range(5):
            ask(alice.email)
    assert count_emails() == 6


def test_one_network_cannot_ask_for_many_addresses(db: None, time_machine: Any) -> None:
    answers = []
    for number in range(120):
        time_machine.move_to(START + timedelta(seconds=4 * number), tick=False)
        answers.append(ask(f"someone-{number}@elsewhere.example")[0])
    assert (answers.count(302), answers[-1]) == (100, 429)
