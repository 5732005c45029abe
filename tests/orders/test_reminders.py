"""Reminders of candidates who were invited and have not started."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from assessments.models import Package
from integrations.models import Connection, ConnectionState
from integrations.outbox import courier
from integrations.outbox.models import Delivery, Stream
from orders import launch, queries, reminders, results, tasks
from orders.handlers import emails
from orders.models import Order
from tests.orders import bodies

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _days(package: Package) -> None:
    Package.objects.update(remind_after_days=3)


def old(connection: Connection, days: float = 4, **changes: Any) -> Order:
    order = bodies.place_order(connection, **changes)
    Order.objects.update(created_at=timezone.now() - timedelta(days=days))
    return order


def reminded() -> list[str]:
    return list(Delivery.objects.filter(kind="reminder").values_list("subject", flat=True))


def carry() -> list[str]:
    """Send what is due, and return the subjects of all emails sent."""
    courier.run(Stream.objects.get(name__startswith="email:").pk)
    return [message.subject for message in mail.outbox]


def test_candidate_who_has_not_begun_is_reminded_once(connection: Connection) -> None:
    order = old(connection)
    tasks.remind()
    tasks.remind()
    assert (reminded(), reminders.remind_due()) == ([order.pk], 0)
    assert carry() == ["Your invitation: Package skills (Assessments)", "Reminder: Package skills (Assessments)"]
    invited, again = mail.outbox
    assert "invited you to" in again.body
    assert f"http://localhost:8000/take/{order.link_token}" in again.body
    assert invited.extra_headers["Message-ID"] != again.extra_headers["Message-ID"]


@pytest.mark.parametrize("days", [2.9, 10.1])
def test_order_that_is_young_or_that_began_to_be_reminded_late_is_left_alone(
    connection: Connection, days: float
) -> None:
    old(connection, days)
    assert (reminders.remind_due(), reminded()) == (0, [])


@pytest.mark.parametrize("status", ["IN_PROGRESS", "COMPLETED", "REJECTED", "EXPIRED"])
def test_candidate_who_began_is_not_reminded(connection: Connection, status: str) -> None:
    results.report(old(connection).pk, {"status": status}, by="engine")
    assert reminders.remind_due() == 0


def test_order_reported_as_pending_is_reminded(connection: Connection) -> None:
    results.report(old(connection).pk, {"status": "PENDING"}, by="engine")
    assert reminders.remind_due() == 1


def test_inline_or_erased_or_uninvited_candidate_is_not_reminded(connection: Connection) -> None:
    old(connection, **bodies.INLINE)
    Order.objects.filter(pk=old(connection).pk).update(erased_at=timezone.now())
    assert reminders.remind_due() == 0
    old(connection)
    Package.objects.update(invite_candidate=False)
    assert reminders.remind_due() == 0


def test_candidate_of_a_customer_who_disconnected_is_not_reminded(connection: Connection) -> None:
    old(connection)
    Connection.objects.update(state=ConnectionState.DISABLED)
    assert reminders.remind_due() == 0


def test_candidate_whose_link_has_expired_is_not_reminded(connection: Connection) -> None:
    Package.objects.update(expires_after_days=4)
    old(connection, 4.1)
    assert reminders.remind_due() == 0


def test_candidate_who_begins_before_the_mail_goes_is_not_written_to(connection: Connection) -> None:
    order = old(connection)
    assert carry() == ["Your invitation: Package skills (Assessments)"]
    reminders.remind_due()
    launch.start_assessment(order.pk)
    assert len(carry()) == 1
    delivery = Delivery.objects.get(kind="reminder")
    assert (delivery.state, delivery.reason) == ("superseded", "the candidate has started")


def test_reminder_says_until_when_in_the_candidates_language(connection: Connection) -> None:
    Package.objects.update(expires_after_days=14)
    order = bodies.place_order(
        connection, candidate={"id": "1", "email": "a@b.example", "applicationLanguage": "de-AT"}
    )
    order.created_at = datetime(2026, 3, 1, tzinfo=UTC)
    order.package.expires_after_days = 14
    body = emails.build_email(order, "reminder").text
    assert "Er ist bis zum 15. März 2026 gültig." in body


def test_package_without_days_reminds_nobody(connection: Connection) -> None:
    old(connection)
    Package.objects.update(remind_after_days=None)
    assert reminders.remind_due() == 0


def reopen(order: Order, *, days_ago: float) -> None:
    results.report(order.pk, {"status": "EXPIRED"}, by="engine")
    results.report(order.pk, {"status": "PENDING"}, by="engine", correction="Asked for more time.")
    Order.objects.update(reopened_at=timezone.now() - timedelta(days=days_ago))


@pytest.mark.parametrize(("days_ago", "due"), [(0, 0), (2.9, 0), (3.1, 1), (9.9, 1), (10.1, 0)])
def test_reminder_counts_from_the_correction(connection: Connection, days_ago: float, due: int) -> None:
    reopen(old(connection, 40), days_ago=days_ago)
    assert reminders.remind_due() == due


def test_candidate_is_reminded_again_in_the_new_term(connection: Connection) -> None:
    order = old(connection)
    assert reminders.remind_due() == 1
    reopen(order, days_ago=4)
    assert (reminders.remind_due(), reminders.remind_due(), reminded()) == (1, 0, [order.pk, order.pk])


@pytest.mark.parametrize(("days_ago", "due"), [(3.5, 1), (5.1, 0)])
def test_link_of_the_new_term_expires_too(connection: Connection, days_ago: float, due: int) -> None:
    Package.objects.update(expires_after_days=5)
    reopen(old(connection, 40), days_ago=days_ago)
    assert reminders.remind_due() == due


def test_batch_leaves_the_rest_to_the_next_run(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {old(connection).pk for _ in range(3)}
    monkeypatch.setattr(queries, "BATCH_SIZE", 2)
    assert [reminders.remind_due() for _ in range(3)] == [2, 1, 0]
    assert set(reminded()) == made
