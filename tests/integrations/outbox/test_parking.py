"""Couriers whose calls hang: other streams do not wait for them, and nothing of their own is lost."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, connections

from integrations.outbox import clock, courier, handlers
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Stream
from integrations.outbox.scheduling import dispatcher
from integrations.outbox.sending import parking
from integrations.outbox.sending.settlement import Settlement
from tests.integrations.outbox.conftest import Enqueue, ProbeChannel
from tests.integrations.outbox.peer import Answer, Peer, Received
from tests.integrations.outbox.test_courier import states

S = DeliveryState
Carry = Callable[[], None]
Later = Callable[[timedelta], None]


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> float:
    """Wait until the condition is true, and return how many seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.fixture
def hang(peer: Peer) -> Iterator[threading.Event]:
    """Let each call to a path under /hung hang until the event."""
    release = threading.Event()

    def answer(received: Received) -> Answer:
        return Answer(hangs_until=release) if received.path.startswith("/hung") else Answer()

    peer.answer = answer
    yield release
    release.set()


@pytest.fixture
def starving(enqueue: Enqueue) -> Delivery:
    """Let another stream wait for a courier, so that a slice ends early."""
    waiting = enqueue("starving", stream="probe:starving")
    Stream.objects.filter(pk=waiting.stream_id).update(woken_at=clock.now() - timedelta(seconds=5))
    return waiting


@contextmanager
def run_coordinators(count: int) -> Iterator[None]:
    """Run the dispatcher, and couriers in this many threads."""
    over = threading.Event()

    def carry(stream_id: int) -> None:
        try:
            courier.run(stream_id)
        finally:
            connections.close_all()

    def dispatch(coordinators: ThreadPoolExecutor) -> None:
        while not over.wait(0.2):
            dispatcher.wake_couriers(lambda stream_id: coordinators.submit(carry, stream_id))
        connections.close_all()

    with ThreadPoolExecutor(count) as coordinators, ThreadPoolExecutor(1) as clockwork:
        dispatching = clockwork.submit(dispatch, coordinators)
        try:
            yield
        finally:
            over.set()
            dispatching.result()


def has_lease(stream: str = "probe:1") -> bool:
    return Stream.objects.get(name=stream).lease_expires_at is not None


def test_many_hanging_streams_do_not_delay_another_one(peer: Peer, enqueue: Enqueue, hang: threading.Event) -> None:
    hung = [enqueue(f"hung-{stream}-{n}", stream=f"probe:{stream}") for stream in range(12) for n in range(10)]
    with run_coordinators(4):
        wait_for(lambda: len(peer.received) >= 24)
        delays = []
        for number in range(3):
            enqueue(f"quick-{number}", stream="probe:quick")
            delays.append(wait_for(lambda number=number: f"/quick-{number}" in peer.received_paths()))  # type: ignore[misc]
        assert max(delays) < 5
        assert set(states(*hung)) == {S.IN_FLIGHT, S.PENDING}
        hang.set()
        wait_for(lambda: set(states(*hung)) == {S.DELIVERED})
    assert sorted(path for path in peer.received_paths() if path.startswith("/hung")) == sorted(
        f"/{row.key}" for row in hung
    )
    wait_for(lambda: not Stream.objects.exclude(lease_expires_at=None).exists())


class TokenlessChannel(ProbeChannel):
    kind = "tokenless"
    needs_token = False


def test_hanging_token_requests_do_not_delay_another_stream(
    peer: Peer, enqueue: Enqueue, channel: ProbeChannel
) -> None:
    release = threading.Event()
    peer.answer = lambda received: Answer(hangs_until=release) if received.path == "/token" else Answer()
    handlers.register(TokenlessChannel())
    waiting = [enqueue(f"waiting-{number}", stream=f"probe:{number}") for number in range(8)]
    with run_coordinators(4):
        wait_for(lambda: peer.received_paths().count("/token") >= 4)
        enqueue("quick", stream="tokenless:1")
        delay = wait_for(lambda: "/quick" in peer.received_paths())
        assert (delay < 5, states(*waiting)) == (True, [S.PENDING] * 8)
        release.set()
        wait_for(lambda: set(states(*waiting)) == {S.DELIVERED})
    assert peer.received_paths().count("/token") <= 8
    wait_for(lambda: not Stream.objects.exclude(lease_expires_at=None).exists())


def test_parked_courier_settles_each_call_and_gives_its_stream_back(
    enqueue: Enqueue, run_courier: Carry, hang: threading.Event, starving: Delivery
) -> None:
    hung, quick, upload = enqueue("hung"), enqueue("quick"), enqueue("hung-upload", kind="once")
    run_courier()
    wait_for(lambda: states(quick) == [S.DELIVERED])
    assert (states(hung, upload), has_lease()) == ([S.IN_FLIGHT, S.IN_FLIGHT], True)
    hang.set()
    wait_for(lambda: not has_lease())
    assert [(a.delivery_id, a.status, a.outcome) for a in Attempt.objects.order_by("delivery_id")] == [
        (row.pk, 200, "delivered") for row in (hung, quick, upload)
    ]
    assert states(hung, quick, upload) == [S.DELIVERED] * 3


def test_newer_delivery_waits_for_the_parked_one_of_its_key(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, hang: threading.Event, starving: Delivery
) -> None:
    old = enqueue("hung", n=1)
    run_courier()
    new = enqueue("hung", n=2)
    Stream.objects.update(woken_at=None)
    woken: list[int] = []
    dispatcher.wake_couriers(woken.append)
    run_courier()
    assert (woken, states(old, new)) == ([starving.stream_id], [S.IN_FLIGHT, S.PENDING])
    hang.set()
    wait_for(lambda: not has_lease())
    run_courier()
    assert [received.body["n"] for received in peer.received if received.path == "/hung"] == [1, 2]
    assert states(old, new) == [S.DELIVERED, S.DELIVERED]


def test_failure_of_a_parked_call_is_retried_on_the_schedule(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, starving: Delivery
) -> None:
    peer.script["/slow"] = [Answer(500, seconds=2)]
    slow = enqueue("slow")
    run_courier()
    assert states(slow) == [S.IN_FLIGHT]
    wait_for(lambda: not has_lease())
    slow.refresh_from_db()
    assert (slow.state, slow.failures, slow.due_at > clock.now()) == (S.PENDING, 1, True)


def test_parked_courier_is_orphaned_like_any_other_when_its_process_dies(
    enqueue: Enqueue, run_courier: Carry, advance_clock: Later, hang: threading.Event, starving: Delivery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    hung, upload = enqueue("hung"), enqueue("hung-upload", kind="once")
    with monkeypatch.context() as dying:
        dying.setattr(parking, "park", lambda courier: True)  # and nobody attends to it
        run_courier()
    run_courier()
    assert states(hung, upload) == [S.IN_FLIGHT, S.IN_FLIGHT]
    hang.set()
    advance_clock(timedelta(seconds=61))
    run_courier()
    assert states(hung, upload) == [S.DELIVERED, S.UNKNOWN]
    assert [attempt.outcome for attempt in hung.attempts.order_by("number")] == ["lost", "delivered"]


def test_outcome_of_a_parked_call_survives_an_outage_of_the_database(
    enqueue: Enqueue, run_courier: Carry, hang: threading.Event, starving: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, failures = enqueue("hung", kind="once"), []
    run_courier()
    true_settle = Settlement.settle_all

    def fail_twice(settlement: Settlement, outcomes: object) -> None:
        if len(failures) < 2:
            failures.append(outcomes)
            raise OperationalError("the database is away")
        true_settle(settlement, outcomes)  # type: ignore[arg-type]

    monkeypatch.setattr(Settlement, "settle_all", fail_twice)
    hang.set()
    wait_for(lambda: not has_lease())
    assert (len(failures), states(upload)) == (2, [S.DELIVERED])


def test_parked_courier_that_lost_its_lease_writes_nothing(
    enqueue: Enqueue, run_courier: Carry, hang: threading.Event, starving: Delivery
) -> None:
    hung = enqueue("hung")
    run_courier()
    Stream.objects.filter(name="probe:1").update(fence=99)
    Delivery.objects.filter(pk=hung.pk).update(state=S.SUPERSEDED, fence=99)
    hang.set()
    wait_for(lambda: not _parking_threads())
    assert (states(hung), has_lease(), Attempt.objects.get().outcome) == ([S.SUPERSEDED], True, "")


def test_fault_of_one_parked_courier_does_not_stop_the_others(
    enqueue: Enqueue, hang: threading.Event, starving: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = enqueue("hung-1", stream="probe:1"), enqueue("hung-2", stream="probe:2")
    for delivery in (broken, sound):
        courier.run(delivery.stream_id)
    true_settle = courier.Courier.settle_outcomes

    def fail_once(parked: courier.Courier) -> None:
        if parked.stream.pk == broken.stream_id:
            raise ZeroDivisionError
        true_settle(parked)

    monkeypatch.setattr(courier.Courier, "settle_outcomes", fail_once)
    hang.set()
    wait_for(lambda: not _parking_threads())
    assert states(broken, sound) == [S.IN_FLIGHT, S.DELIVERED]
    assert (has_lease("probe:1"), has_lease("probe:2")) == (True, False)


def test_courier_with_too_many_calls_to_park_waits_for_them_itself(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, starving: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parking, "MAX_CALLS", 0)
    peer.answer = lambda received: Answer(seconds=0.0 if received.path == "/token" else 2.0)
    rows = [enqueue(key) for key in "ab"]
    run_courier()
    assert (states(*rows), has_lease()) == ([S.DELIVERED, S.DELIVERED], False)


def test_courier_waits_for_its_calls_while_nobody_else_waits(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    peer.answer = lambda received: Answer(seconds=0.0 if received.path == "/token" else 2.5)
    delivery = enqueue()
    run_courier()
    assert (states(delivery), has_lease()) == ([S.DELIVERED], False)


def test_process_that_ends_waits_for_its_parked_calls() -> None:
    program = """if True:
        import django

        django.setup()
        from integrations.outbox.sending import parking

        class Parked:
            unsettled_count = 3

            def settle_outcomes(self):
                self.unsettled_count -= 1

            def close(self):
                print("closed")

        print(parking.park(Parked()), flush=True)
    """
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("True\nclosed\n", 0)


def _parking_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "parking"]
