"""Coalescing of results: only the newest is sent, once, again only after an unknown outcome, and never an older one."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from integrations.models import Connection
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery, Stream
from integrations.outbox.sending.settlement import Settlement
from orders import results
from orders.models import Order
from tests.integrations.outbox.peer import Answer, Peer, run_peer

pytestmark = pytest.mark.django_db(transaction=True)
Carry = Callable[[], None]
LOST = Answer(breaks_off=True)


@pytest.fixture
def peer(settings: Any) -> Iterator[Peer]:
    with run_peer() as peer:
        settings.SMARTRECRUITERS_API_URL = peer.url
        token = {"access_token": "t1", "token_type": "Bearer", "expires_in": 1800}
        peer.script["/identity/oauth/token"] = [Answer(200, token)] * 99
        yield peer


def script(peer: Peer, order: Order, *answers: Answer) -> None:
    peer.script[f"/assessment-api/v202010/orders/{order.smartrecruiters_order_id}/results"] = list(answers)


def patches(peer: Peer) -> list[Any]:
    return [received.body for received in peer.received if received.path.endswith("/results")]


def report(order: Order, **changes: Any) -> None:
    results.report(order.pk, changes, by="engine")


@pytest.mark.parametrize("down", [Answer(500), Answer(503), Answer(429), LOST])
def test_many_reports_while_smartrecruiters_is_down_are_one_call(
    peer: Peer, order: Order, run_courier: Carry, advance_clock: Callable[[timedelta], None], down: Answer
) -> None:
    script(peer, order, *[down] * 3)
    for number in range(30):
        report(order, summary=f"{number}")
        if number % 10 == 0:
            run_courier()
            advance_clock(timedelta(minutes=1))
    advance_clock(timedelta(hours=1))
    run_courier()
    assert [patch["summary"] for patch in patches(peer)] == ["0", "10", "20", "29"]
    run_courier()
    assert len(patches(peer)) == 4


def test_many_reports_of_a_held_connection_are_one_call(
    peer: Peer, order: Order, run_courier: Carry, connection: Connection
) -> None:
    deliveries.hold_stream(connection.stream_name, "disconnected")
    for number in range(30):
        report(order, summary=f"{number}")
    deliveries.release_stream(connection.stream_name)
    run_courier()
    assert patches(peer) == [{"summary": "29"}]


@pytest.mark.parametrize("changes", [{"status": "COMPLETED"}, {"summary": "a"}, {}])
def test_what_is_confirmed_is_not_said_again(peer: Peer, order: Order, run_courier: Carry, changes: Any) -> None:
    report(order, status="COMPLETED", summary="a")
    run_courier()
    report(order, **changes)
    run_courier()
    assert patches(peer) == [{"status": "COMPLETED", "summary": "a"}]


@pytest.mark.parametrize("doubt", [LOST, Answer(500), Answer(502), Answer(200, b"<p>"), Answer(200, [])])
def test_doubt_is_one_harmless_repeat(
    peer: Peer, order: Order, run_courier: Carry, advance_clock: Callable[[timedelta], None], doubt: Answer
) -> None:
    script(peer, order, doubt)
    report(order, status="COMPLETED")
    for _ in range(3):
        run_courier()
        advance_clock(timedelta(minutes=1))
    assert patches(peer) == [{"status": "COMPLETED"}] * 2
    assert Delivery.objects.get(kind="result").state == "delivered"


def test_lease_taken_over_is_one_harmless_repeat(
    peer: Peer, order: Order, run_courier: Carry, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(order, status="COMPLETED")

    def dies(self: Settlement, outcomes: Any) -> None:
        if outcomes:
            raise SystemExit

    monkeypatch.setattr(Settlement, "settle_all", dies)
    with pytest.raises(SystemExit):
        run_courier()
    monkeypatch.undo()
    Stream.objects.update(lease_expires_at=None)
    for _ in range(3):
        run_courier()
    assert patches(peer) == [{"status": "COMPLETED"}] * 2
    assert Delivery.objects.get(kind="result").state == "delivered"


def test_older_state_in_doubt_never_follows_a_newer_one(
    peer: Peer, order: Order, run_courier: Carry, advance_clock: Callable[[timedelta], None]
) -> None:
    script(peer, order, LOST)
    report(order, status="IN_PROGRESS")
    run_courier()
    report(order, status="COMPLETED")
    for _ in range(4):
        run_courier()
        advance_clock(timedelta(minutes=5))
    assert [patch["status"] for patch in patches(peer)] == ["IN_PROGRESS", "COMPLETED"]


def test_older_state_that_died_on_its_way_never_follows_a_newer_one(
    peer: Peer, order: Order, run_courier: Carry
) -> None:
    report(order, status="IN_PROGRESS")
    Delivery.objects.filter(kind="result").update(state="in_flight", fence=1)
    report(order, status="COMPLETED")
    run_courier()
    assert patches(peer) == [{"status": "COMPLETED"}]
    assert list(Delivery.objects.filter(kind="result").order_by("pk").values_list("state", flat=True)) == [
        "superseded",
        "delivered",
    ]


def test_dead_letter_that_is_replayed_never_undoes_a_newer_state(peer: Peer, order: Order, run_courier: Carry) -> None:
    script(peer, order, Answer(422))
    report(order, status="IN_PROGRESS")
    run_courier()
    dead = Delivery.objects.get(kind="result")
    assert dead.state == "failed"
    report(order, status="COMPLETED")
    with pytest.raises(deliveries.NotReplayableError):
        deliveries.replay(dead)
    run_courier()
    assert [patch["status"] for patch in patches(peer)] == ["IN_PROGRESS", "COMPLETED"]
