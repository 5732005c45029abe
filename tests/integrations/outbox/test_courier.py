"""Courier against a real HTTP server: each outcome, and the delivery's state after it."""

import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from integrations.outbox import clock, courier, deliveries, handlers, leases
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Priority, Stream
from integrations.outbox.scheduling import dispatcher
from integrations.outbox.sending.executor import PacedExecutor
from tests.integrations.outbox.conftest import Enqueue, Probe, ProbeChannel
from tests.integrations.outbox.peer import Answer, Peer, Received

S = DeliveryState
Carry = Callable[[], None]
Later = Callable[[timedelta], None]


def states(*rows: Delivery) -> list[str]:
    found = Delivery.objects.in_bulk([row.pk for row in rows])
    return [found[row.pk].state for row in rows]


def test_delivery_that_succeeds_is_delivered_with_its_attempt(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    delivery = enqueue(score=7)
    run_courier()
    assert states(delivery) == [S.DELIVERED]
    assert [(r.path, r.token, r.body) for r in peer.received if r.path != "/token"] == [
        ("/a", "t1", {"path": "/a", "score": 7})
    ]
    attempt = Attempt.objects.get()
    assert (attempt.number, attempt.status, attempt.outcome, attempt.error) == (1, 200, "delivered", "")
    assert attempt.request == {"method": "POST", "url": f"{peer.url}/a", "body": {"path": "/a", "score": 7}}


def test_call_that_ends_before_the_courier_looks_again_is_settled(
    enqueue: Enqueue, run_courier: Carry, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_resume = PacedExecutor.resume_starts

    def resume_until_all_have_ended(executor: PacedExecutor, *limits: Any) -> None:
        true_resume(executor, *limits)
        while executor.active_count:
            time.sleep(0.005)

    monkeypatch.setattr(PacedExecutor, "resume_starts", resume_until_all_have_ended)
    delivery = enqueue()
    run_courier()
    assert (states(delivery), Stream.objects.get().lease_expires_at) == ([S.DELIVERED], None)


def test_stream_is_given_back_with_its_pace(enqueue: Enqueue, run_courier: Carry) -> None:
    enqueue()
    run_courier()
    stream = Stream.objects.get()
    assert (stream.lease_expires_at, stream.fence, list(stream.next_calls)) == (None, 1, ["x"])


@pytest.mark.parametrize("status", [408, 425, 500, 502, 504, 302, 204, 418])
def test_answer_that_is_no_success_is_tried_again_on_the_schedule(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later, status: int
) -> None:
    peer.script["/a"] = [Answer(status, b"" if status == 204 else {}), Answer()]
    delivery = enqueue()
    run_courier()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures) == (S.PENDING, 1)
    advance_clock(timedelta(seconds=2))  # of 4 to 6; the clock runs on besides, on a busy machine for long
    run_courier()
    assert peer.received_paths().count("/a") == 1
    advance_clock(timedelta(seconds=4.1))
    run_courier()
    assert states(delivery) == [S.DELIVERED]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(breaks_off=True),
        Answer(body=b"<html>"),
        Answer(body=b'{"a'),
        Answer(body=[]),
        Answer(body={"errors": [{"code": "INTERNAL", "message": "not now"}]}),
    ],
)
def test_answer_that_is_none_is_never_a_success(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, answer: Answer
) -> None:
    peer.script["/a"] = [answer]
    delivery = enqueue()
    run_courier()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures, delivery.is_ambiguous) == (S.PENDING, 1, True)


@pytest.mark.parametrize("status", [400, 405, 409, 413, 422])
def test_refusal_is_a_dead_letter_at_once(peer: Peer, enqueue: Enqueue, run_courier: Carry, status: int) -> None:
    peer.script["/a"] = [Answer(status, {"errors": [{"code": "no", "message": "not so"}]})]
    delivery = enqueue()
    run_courier()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason[:20]) == (S.FAILED, f'{status}: {{"errors": [{{"c')


@pytest.mark.parametrize("status", [429, 503])
def test_pause_of_the_credential_ends_with_the_refused_call(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later, status: int
) -> None:
    peer.script["/a"] = [Answer(status, {}, {"Retry-After": "7"})]
    refused = enqueue("a")
    run_courier()
    waiting = [enqueue("b", priority=Priority.RESULT), enqueue("c")]
    run_courier()
    assert states(refused, *waiting) == [S.PENDING] * 3
    assert dispatcher.due_streams().count() == 0
    advance_clock(timedelta(seconds=7.1))
    assert dispatcher.due_streams().count() == 1
    run_courier()
    assert states(refused, *waiting) == [S.DELIVERED] * 3
    assert called(peer) == ["/a", "/a", "/b", "/c"]


@pytest.mark.parametrize("status", [429, 503])
def test_order_that_is_always_refused_stops_no_other(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later, status: int
) -> None:
    peer.answer = lambda received: Answer(status if received.path == "/a" else 200)
    refused = enqueue("a")
    run_courier()
    waiting = [enqueue("b"), enqueue("c")]
    advance_clock(timedelta(seconds=2.1))
    run_courier()
    assert states(refused, *waiting) == [S.PENDING, S.DELIVERED, S.DELIVERED]
    assert called(peer) == ["/a", "/a", "/b", "/c"]


@pytest.mark.parametrize(("status", "first_probe"), [(429, True), (503, True), (500, False), (504, False)])
def test_pause_goes_on_when_two_orders_are_refused(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later, status: int, first_probe: bool
) -> None:
    peer.answer = lambda received: Answer(200 if received.path == "/token" else status)
    for key in "abcdefgh":
        enqueue(key)
    run_courier()
    before, stream = len(called(peer)), Stream.objects.get()
    advance_clock(stream.paused_until - clock.now() + timedelta(seconds=0.1))
    run_courier()
    probed = called(peer)[before:]
    assert len(probed) == 2 if first_probe else 1 <= len(probed) <= 2
    stream.refresh_from_db()
    assert stream.is_paused
    assert stream.paused_by_key == probed[-1].strip("/")


def called(peer: Peer) -> list[str]:
    return [path for path in peer.received_paths() if path != "/token"]


@pytest.mark.parametrize(
    ("outage", "status", "backlog"),
    [
        (timedelta(minutes=3), 500, 1),
        (timedelta(minutes=3), 503, 12),
        (timedelta(hours=5), 504, 1),
        (timedelta(hours=5), 500, 12),
        (timedelta(days=6), 503, 1),
        (timedelta(days=6), 504, 12),
    ],
)
def test_first_result_after_an_outage_of_any_length_is_delivered_within_a_minute(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later, outage: timedelta, status: int, backlog: int
) -> None:
    peer.answer = lambda received: Answer(200 if received.path == "/token" else status)
    rows = [enqueue(f"k{number}") for number in range(backlog)]
    end = clock.now() + outage
    for _ in range(25):  # as many probes as the backoff needs to grow as long as it can
        run_courier()
        advance_clock(timedelta(seconds=37))
    advance_clock(max(end - clock.now(), timedelta(0)))
    run_courier()
    peer.answer = lambda received: Answer()
    begin = clock.now()
    while not Delivery.objects.filter(state=S.DELIVERED).exists():
        advance_clock(timedelta(seconds=1))
        run_courier()
    assert clock.now() - begin <= timedelta(seconds=60)
    for _ in range(60):
        advance_clock(timedelta(seconds=1))
        run_courier()
    assert set(states(*rows)) == {S.DELIVERED}


def test_order_that_fails_while_others_succeed_is_tried_less_and_less(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later
) -> None:
    peer.answer = lambda received: Answer(500 if received.path == "/a" else 200)
    refused, waits = enqueue("a"), []
    for number in range(5):
        run_courier()
        refused.refresh_from_db()
        waits.append((refused.due_at - clock.now()).total_seconds())
        enqueue(f"good-{number}")
        run_courier()
        advance_clock(refused.due_at - clock.now() + timedelta(seconds=0.1))
    schedule = [5, 30, 120, 600, 1800]
    assert [0.7 * step < wait <= 1.2 * step for step, wait in zip(schedule, waits, strict=True)] == [True] * 5


def test_backlog_in_which_every_second_order_fails_once_drains_in_two_minutes(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later
) -> None:
    for number in range(30):
        peer.script[f"/k{number}"] = [Answer((503, 429)[number % 2]), Answer()] if number % 3 else [Answer()]
    rows = [enqueue(f"k{number}") for number in range(30)]
    begin = clock.now()
    while {S.DELIVERED} != set(states(*rows)):
        run_courier()
        advance_clock(timedelta(seconds=0.5))
    assert clock.now() - begin <= timedelta(seconds=120)


def test_middle_of_very_many_attempts_is_dropped(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    peer.answer = lambda received: Answer(200 if received.path == "/token" else 500)
    delivery = enqueue()
    run_courier()
    Delivery.objects.filter(pk=delivery.pk).update(attempts_made=199, due_at=clock.now())
    Attempt.objects.bulk_create(
        Attempt(delivery=delivery, number=number, started_at=clock.now(), outcome="retry") for number in range(2, 200)
    )
    run_courier()
    numbers = [*range(1, 51), *range(151, 201)]
    assert list(delivery.attempts.order_by("number").values_list("number", flat=True)) == numbers


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/a", 429, "SmartRecruiters asked us to slow down (429)"),
        ("/a", 503, "SmartRecruiters was not available (503)"),
        ("/a", 500, "SmartRecruiters reported an error (500)"),
        ("/a", 504, "SmartRecruiters reported an error (504)"),
        ("/token", 429, "The other side asked us to slow down (429)"),
        ("/token", 500, "The other side reported an error (500)"),
    ],
)
def test_pause_has_its_cause_until_a_call_succeeds(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later, path: str, status: int, reason: str
) -> None:
    bad, secret = True, {"message": "jane@doe.example"}
    peer.answer = lambda received: Answer(
        *((status, secret) if bad and (received.path == "/token") == (path == "/token") else (200,))
    )
    for number in range(6):
        enqueue(f"k{number}")
    run_courier()
    stream = Stream.objects.get()
    began = stream.paused_since
    assert (stream.pause_reason, began is not None) == (reason, True)
    advance_clock(timedelta(seconds=stream.pause_seconds + 0.1))
    run_courier()
    stream.refresh_from_db()
    assert (stream.pause_reason, stream.paused_since) == (reason, began)
    bad = False
    advance_clock(timedelta(seconds=stream.pause_seconds + 0.1))
    run_courier()
    stream.refresh_from_db()
    assert (stream.pause_reason, stream.paused_since) == ("", None)


def test_peer_that_is_not_there_is_named_as_the_cause(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        enqueue(f"k{number}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setattr(handlers.get_handler_of_kind("probe"), "url", f"http://127.0.0.1:{free.getsockname()[1]}")
    run_courier()
    assert Stream.objects.get().pause_reason == "The last call failed: could not connect"


def test_pauses_double_while_nothing_succeeds(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later
) -> None:
    peer.answer = lambda received: Answer(503 if received.path == "/a" else 200)
    enqueue()
    lengths = []
    for _ in range(3):
        run_courier()
        stream = Stream.objects.get()
        lengths.append(stream.pause_seconds)
        advance_clock(timedelta(seconds=stream.pause_seconds + 0.1))
    assert lengths == [2, 4, 8]


def test_unauthorized_once_gets_one_new_token_at_once(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    peer.script["/a"] = [Answer(401)]
    delivery = enqueue()
    run_courier()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures) == (S.DELIVERED, 0)
    assert [(r.path, r.token) for r in peer.received] == [("/token", ""), ("/a", "t1"), ("/token", ""), ("/a", "t2")]


def test_unauthorized_orders_three_in_a_row_hold_the_stream(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, channel: ProbeChannel
) -> None:
    peer.answer = lambda received: Answer(200 if received.path == "/token" else 401)
    rows = [enqueue(key) for key in "abcd"]
    run_courier()
    assert set(states(*rows)) == {S.HELD}
    assert channel.refusal == "SmartRecruiters refuses our access to this company, even with a new token."
    calls = len(peer.received)
    run_courier()
    assert len(peer.received) == calls


def test_backlog_that_is_refused_asks_for_few_tokens(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, channel: ProbeChannel
) -> None:
    """A refused delivery is sent again before another one tries, so that not each of them requests a token."""
    for number in range(30):
        enqueue(f"{number}")
    peer.answer = lambda received: Answer(200 if received.path == "/token" else 401)
    while not channel.refusal:
        run_courier()
    assert peer.received_paths().count("/token") <= 4


def test_token_of_a_former_pair_says_nothing_of_the_one_that_came_in_its_place(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, channel: ProbeChannel
) -> None:
    def renewing(received: Received) -> Answer:
        if received.path == "/token":
            return Answer()
        channel.token = f"what came while {received.path} was on its way"
        return Answer(401)

    peer.answer = renewing
    Delivery.objects.filter(pk__in=[enqueue(key).pk for key in "abc"]).update(has_new_token=True)
    run_courier()
    assert (channel.refusal, Stream.objects.get().unauthorized_keys) == ("", [])


def test_unauthorized_read_is_no_access_and_done(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    peer.answer = lambda received: Answer(200 if received.path == "/token" else 401)
    delivery = enqueue(kind="read")
    run_courier()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason) == (S.DELIVERED, "no access")


def test_token_call_that_refuses_the_pair_holds_the_stream(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, channel: ProbeChannel
) -> None:
    peer.script["/token"] = [Answer(401)]
    delivery = enqueue()
    run_courier()
    assert states(delivery) == [S.HELD]
    assert channel.refusal == "SmartRecruiters' token endpoint refuses the credentials (401)."
    deliveries.release_stream("probe:1")
    run_courier()
    assert states(delivery) == [S.DELIVERED]


def test_forbidden_ten_in_a_row_hold_the_stream(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, channel: ProbeChannel
) -> None:
    peer.answer = lambda received: Answer(200 if received.path == "/token" else 403)
    for number in range(10):
        enqueue(f"k{number}")
    waiting = enqueue("later", priority=Priority.FETCH)
    run_courier()
    assert Delivery.objects.filter(state=S.FAILED).count() == 10
    assert states(waiting) == [S.HELD]
    assert channel.refusal.startswith("SmartRecruiters refused 10 calls in a row")


def test_unsupported_media_type_is_tried_once_with_the_other(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    peer.script["/a"] = [Answer(415), Answer(415)]
    delivery = enqueue()
    run_courier()
    assert states(delivery) == [S.FAILED]
    assert [r.content_type for r in peer.received if r.path == "/a"] == [
        "application/json",
        "application/merge-patch+json",
    ]


def test_not_idempotent_call_with_unknown_outcome_is_never_repeated(
    peer: Peer, enqueue: Enqueue, run_courier: Carry
) -> None:
    peer.script["/a"] = [Answer(breaks_off=True)]
    delivery = enqueue(kind="once")
    run_courier()
    run_courier()
    assert states(delivery) == [S.UNKNOWN]
    assert peer.received_paths().count("/a") == 1


def test_delivery_that_can_never_be_made_fails_with_the_reason(
    peer: Peer, enqueue: Enqueue, run_courier: Carry
) -> None:
    delivery = enqueue(never=True)
    run_courier()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason, peer.received_paths()) == (S.FAILED, "there is no such thing", ["/token"])


def test_bug_in_a_handler_stops_that_delivery_only(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later
) -> None:
    poison, good = enqueue("a", bug=True), enqueue("b")
    for _ in range(5):
        run_courier()
        advance_clock(timedelta(days=1))
    assert states(poison, good) == [S.FAILED, S.DELIVERED]


def test_bug_after_an_effect_that_cannot_be_repeated_repeats_nothing(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later
) -> None:
    delivery = enqueue(kind="once", bug=True)
    run_courier()
    advance_clock(timedelta(hours=1))
    run_courier()
    assert (peer.received_paths().count("/a"), states(delivery)) == (1, [S.UNKNOWN])


def test_kind_that_nobody_knows_stops_no_other(enqueue: Enqueue, run_courier: Carry) -> None:
    """A newer version enqueued it, and was rolled back."""
    of_a_newer_version, delivery = enqueue("a", priority=Priority.RESULT), enqueue("b")
    Delivery.objects.filter(pk=of_a_newer_version.pk).update(kind="newer")
    run_courier()
    of_a_newer_version.refresh_from_db()
    assert states(of_a_newer_version, delivery) == [S.FAILED, S.DELIVERED]
    assert of_a_newer_version.reason.startswith("This version of the portal does not know this kind of delivery")


def test_bug_in_reading_many_at_once_stops_none(
    enqueue: Enqueue, run_courier: Carry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Probe, "prefetch", lambda probe, found: 1 / 0)
    rows = [enqueue("a"), enqueue("b")]
    run_courier()
    assert states(*rows) == [S.DELIVERED] * 2


def test_network_failures_for_a_week_are_a_dead_letter(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later
) -> None:
    peer.answer = lambda received: Answer(200 if received.path == "/token" else 500)
    delivery = enqueue()
    for hour in range(0, 24 * 8, 12):
        run_courier()
        advance_clock(timedelta(hours=12 if hour else 13))
    delivery.refresh_from_db()
    assert delivery.state == S.FAILED
    assert 10 <= delivery.attempts_made <= 16
    deliveries.replay(delivery)
    peer.answer = lambda received: Answer()
    run_courier()
    assert states(delivery) == [S.DELIVERED]


def test_newer_payload_supersedes_one_that_failed_on_its_way(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    newer: list[Delivery] = []

    def answer(received):
        if received.path == "/a" and received.body["n"] == 1:
            threading.Thread(target=lambda: newer.append(enqueue(n=2))).start()
            return Answer(500, seconds=0.5)
        return Answer()

    peer.answer = answer
    older = enqueue(n=1)
    run_courier()
    assert states(older, *newer) == [S.SUPERSEDED, S.DELIVERED]
    assert [r.body["n"] for r in peer.received if r.path == "/a"] == [1, 2]


def test_newer_payload_does_not_wait_for_one_that_failed_while_it_was_decided(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later
) -> None:
    """Two transactions, neither of which sees the other."""
    older = enqueue("a", n=1)
    Delivery.objects.update(state=S.IN_FLIGHT)
    newer = enqueue("a", n=2)
    hours = timedelta(hours=8)
    Delivery.objects.filter(pk=older.pk).update(state=S.PENDING, due_at=older.due_at + hours, failures=9)
    run_courier()
    assert states(older, newer) == [S.PENDING, S.DELIVERED]
    assert [received.body["n"] for received in peer.received if received.path == "/a"] == [2]


def test_deliveries_of_one_key_go_one_after_the_other(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    peer.answer = lambda received: Answer(seconds=0.05)
    for number in range(4):
        enqueue(kind="once", n=number)
    run_courier()
    assert [r.body["n"] for r in peer.received if r.path == "/a"] == [0, 1, 2, 3]
    assert peer.max_concurrent == 1


def test_results_are_claimed_before_fetches(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    for number in range(9):
        enqueue(f"fetch{number}", priority=Priority.FETCH)
    enqueue("result", priority=Priority.RESULT)
    run_courier()
    assert peer.received_paths()[1] == "/result"


def test_credential_is_paced_below_ten_a_second_and_eight_at_a_time(
    peer: Peer, enqueue: Enqueue, run_courier: Carry
) -> None:
    peer.answer = lambda received: Answer(seconds=0.0 if received.path == "/token" else 0.4)
    for number in range(24):
        enqueue(f"k{number}")
    run_courier()
    times = [r.at for r in peer.received if r.path != "/token"]
    assert len(times) == 24
    assert max(sum(start <= at < start + 1 for at in times) for start in times) <= 10
    assert 2 <= peer.max_concurrent <= 8


def test_two_couriers_never_hold_one_stream(peer: Peer, enqueue: Enqueue) -> None:
    peer.answer = lambda received: Answer(seconds=0.1)
    for number in range(8):
        enqueue(f"k{number}")
    stream = Stream.objects.get()
    threads = [threading.Thread(target=courier.run, args=(stream.pk,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(peer.received_paths()) == sorted(["/token", *(f"/k{number}" for number in range(8))])
    stream.refresh_from_db()
    assert Attempt.objects.count() == 8


def test_delivery_left_in_flight_by_a_dead_holder_is_sent_again(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later
) -> None:
    idempotent, upload = enqueue("a"), enqueue("b", kind="once")
    lease = leases.acquire(Stream.objects.get().pk, 60)
    for row in (idempotent, upload):
        Delivery.objects.filter(pk=row.pk).update(state=S.IN_FLIGHT, fence=lease.fence)
        Attempt.objects.create(delivery=row, number=1, started_at=row.created_at)
    run_courier()
    assert peer.received == []
    advance_clock(timedelta(seconds=61))
    assert dispatcher.due_streams().count() == 1
    run_courier()
    assert states(idempotent, upload) == [S.DELIVERED, S.UNKNOWN]
    assert peer.received_paths() == ["/token", "/a"]


def test_late_answer_of_a_former_holder_changes_nothing(peer: Peer, enqueue: Enqueue, advance_clock: Later) -> None:
    """A worker that was stopped past its lease comes back after its successor."""
    released = threading.Event()

    def answer(received):
        if received.path == "/a" and not released.is_set():
            released.wait(5)
            return Answer(500)
        return Answer()

    peer.answer = answer
    delivery = enqueue()
    stream = Stream.objects.get()
    first = threading.Thread(target=courier.run, args=(stream.pk,))
    first.start()
    deadline = time.monotonic() + 5
    while not Attempt.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    Stream.objects.update(lease_expires_at=delivery.created_at)
    Delivery.objects.update(state=S.DELIVERED, fence=99)
    Stream.objects.update(fence=99)
    released.set()
    first.join()
    assert states(delivery) == [S.DELIVERED]


def test_hold_stops_what_is_claimed_and_release_sends_it(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    rows = [enqueue(key) for key in "ab"]
    deliveries.hold_stream("probe:1", "The customer ended the connection.")
    late = enqueue("c")
    run_courier()
    assert states(*rows, late) == [S.HELD] * 3
    assert deliveries.release_stream("probe:1") == 3
    run_courier()
    assert states(*rows, late) == [S.DELIVERED] * 3


def test_what_was_decided_while_its_stream_was_released_is_sent(enqueue: Enqueue, run_courier: Carry) -> None:
    """Its transaction read a held stream, and was committed after the release."""
    deliveries.hold_stream("probe:1", "held")
    deliveries.hold_stream("probe:2", "held")
    delivery, other = enqueue(), enqueue("b", stream="probe:2")
    Stream.objects.filter(name="probe:1").update(held_reason="")
    woken: list[int] = []
    assert dispatcher.wake_couriers(woken.append) == 1
    assert (woken, states(delivery, other)) == ([delivery.stream_id], [S.PENDING, S.HELD])
    run_courier()
    assert states(delivery) == [S.DELIVERED]


def test_replay_of_what_is_done_is_refused(enqueue: Enqueue, run_courier: Carry) -> None:
    delivery = enqueue()
    run_courier()
    with pytest.raises(deliveries.NotReplayableError):
        deliveries.replay(delivery)


def test_dispatcher_wakes_a_stream_once_and_again_when_the_wake_up_was_lost(
    enqueue: Enqueue, advance_clock: Later
) -> None:
    enqueue()
    woken: list[int] = []
    for _ in range(3):
        dispatcher.wake_couriers(woken.append)
    assert len(woken) == 1
    advance_clock(timedelta(seconds=16))
    dispatcher.wake_couriers(woken.append)
    assert len(woken) == 2


def test_dispatcher_tries_again_when_the_broker_does_not_take_it(enqueue: Enqueue) -> None:
    enqueue()

    def broken(_stream: int) -> None:
        raise ConnectionError

    assert dispatcher.wake_couriers(broken) == 0
    assert dispatcher.wake_couriers(lambda _stream: None) == 1


def test_failures_in_a_row_break_the_circuit_and_one_success_closes_it(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later
) -> None:
    is_down = True
    peer.answer = lambda received: Answer(500 if is_down and received.path != "/token" else 200)
    rows = [enqueue(f"k{number}") for number in range(30)]
    run_courier()
    tried = len(peer.received_paths()) - 1
    assert 5 <= tried <= 13  # five failures, and what was on its way meanwhile
    lengths = []
    for _ in range(5):
        stream = Stream.objects.get()
        lengths.append(stream.pause_seconds)
        advance_clock(timedelta(seconds=stream.pause_seconds + 0.1))
        run_courier()
    assert lengths == [2, 4, 8, 16, 30]
    assert len(peer.received_paths()) - 1 <= tried + 10  # two probes after each pause
    is_down = False
    advance_clock(timedelta(seconds=60.1))
    run_courier()
    advance_clock(timedelta(hours=1))
    run_courier()
    assert set(states(*rows)) == {S.DELIVERED}
    assert Stream.objects.get().failures_in_a_row == 0


def test_failures_of_some_do_not_break_the_circuit_of_others(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    peer.answer = lambda received: Answer(500 if received.path in ("/k3", "/k6", "/k9") else 200)
    rows = [enqueue(f"k{number}") for number in range(12)]
    run_courier()
    assert [state for state in states(*rows) if state != S.DELIVERED] == [S.PENDING] * 3
    assert Stream.objects.get().pause_seconds == 0
