"""Faults, one per test. Their numbers are those of `tests/reliability/README.md`, "3 Faults (D)"."""

import datetime as dt
import ipaddress
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import OperationalError, connection, connections
from time_machine import travel

from integrations.encryption import DecryptionError
from integrations.http.client import CallFailedError, OutgoingRequest, Response, send_request
from integrations.models import Connection
from integrations.outbox import clock, courier, deliveries, handlers, leases
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Priority, Stream
from integrations.outbox.scheduling import dispatcher
from integrations.outbox.sending import executor
from tests.integrations.outbox.conftest import Enqueue, Probe, ProbeChannel
from tests.integrations.outbox.peer import Answer, Peer, run_peer
from tests.integrations.outbox.test_courier import states

S = DeliveryState
Carry = Callable[[], None]
Later = Callable[[timedelta], None]


def in_threads(number: int, act: Callable[[int], object]) -> None:
    """Run `act(0)`, `act(1)`, … in threads, each with its own database connection. Re-raises their exceptions."""

    def one(index: int) -> None:
        try:
            act(index)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as pool:
        list(pool.map(one, range(number)))


# The worker


@pytest.mark.parametrize("place", ["claimed", "before_send", "after_reply", "before_settle", "after_settle"])
def test_worker_killed_at_any_place_sends_all_the_same(
    place: str,
    peer: Peer,
    enqueue: Enqueue,
    run_courier: Carry,
    advance_clock: Later,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """D1, D2, D3: in place of the process, the thread that has reached the failpoint dies."""

    class Died(BaseException):
        pass

    def die(_pid: int, _signal: int) -> None:
        raise Died

    settings.OUTBOX_FAILPOINTS = {place: 1.0}
    monkeypatch.setattr(os, "kill", die)
    delivery = enqueue(score=7)
    with pytest.raises(Died):
        run_courier()
    settings.OUTBOX_FAILPOINTS = {}
    advance_clock(timedelta(seconds=61))
    if place != "after_settle":
        assert dispatcher.due_streams().count() == 1
        run_courier()
    assert states(delivery) == [S.DELIVERED]
    assert 1 <= peer.received_paths().count("/a") <= 2
    assert {received.body["score"] for received in peer.received if received.path == "/a"} == {7}


def test_call_that_was_stopped_past_its_deadline_is_not_made(peer: Peer) -> None:
    """D2, D42: the deadline is checked right before the socket is written to."""
    assert send_request(OutgoingRequest("POST", f"{peer.url}/a", "x", json={}), 5).status == 200
    with pytest.raises(CallFailedError, match="no time was left") as failure:
        send_request(OutgoingRequest("POST", f"{peer.url}/b", "x", json={}), -0.001)
    assert failure.value.may_have_been_processed is False
    assert peer.received_paths() == ["/a"]


def test_call_that_is_stopped_while_it_is_put_together_is_not_made(peer: Peer) -> None:
    """The deadline counts from the start of the call, although a file may be read before it is sent."""

    def stopped(deadline: float) -> Response:
        time.sleep(0.2)
        return send_request(OutgoingRequest("POST", f"{peer.url}/a", "x", json={}), deadline)

    _, reply, error = executor.run_with_deadline(handlers.Call("x", stopped), time.monotonic() + 0.1)
    assert (reply, str(error), peer.received_paths()) == (None, "no time was left for the call", [])
    assert send_request(OutgoingRequest("POST", f"{peer.url}/b", "x", json={}), 5).status == 200


def test_courier_stopped_before_its_call_writes_nothing_over_its_successor(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decision 6: a process that comes back after its lease must not make the call that it had prepared."""
    old = enqueue(n=1)
    true_submit, held = executor.call_pool.submit, threading.Event()

    def late(*work: Any) -> Any:
        def stopped() -> Any:
            held.wait(10)
            return work[0](*work[1:])

        return true_submit(stopped)

    monkeypatch.setattr(executor.call_pool, "submit", late)
    monkeypatch.setattr(Probe, "deadline_seconds", 0.2)
    channel = handlers.get_channel(Stream.objects.get())
    monkeypatch.setattr(channel, "stored_token", lambda stream: "t1")
    zombie = threading.Thread(target=lambda: in_threads(1, lambda _: courier.run(old.stream_id)))
    zombie.start()
    deadline = time.monotonic() + 5
    while not Attempt.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    monkeypatch.setattr(executor.call_pool, "submit", true_submit)
    Stream.objects.update(lease_expires_at=clock.now() - timedelta(seconds=1))
    new = enqueue(n=2)
    run_courier()
    held.set()
    zombie.join()
    assert [received.body["n"] for received in peer.received if received.path == "/a"] == [2]
    assert states(old, new) == [S.SUPERSEDED, S.DELIVERED]


def test_takeover_by_one_who_lost_the_lease_takes_nothing_from_its_successor(enqueue: Enqueue) -> None:
    """D42: stopped between acquiring the lease and recovering orphans."""
    delivery = enqueue(kind="once")
    stream = Stream.objects.get()
    coordinator = courier.Courier(leases.acquire(stream.pk, 60))
    Stream.objects.update(lease_expires_at=None)
    successor = leases.acquire(stream.pk, 60)
    Delivery.objects.update(state=S.IN_FLIGHT, fence=successor.fence)
    Attempt.objects.create(delivery=delivery, number=1, started_at=delivery.created_at)
    with pytest.raises(leases.LeaseLostError):
        coordinator.run_cycles()
    assert states(delivery) == [S.IN_FLIGHT]


def test_sixteen_workers_and_one_order_have_one_call_on_the_way(
    peer: Peer, enqueue: Enqueue, run_courier: Carry
) -> None:
    """D15, D42: couriers are woken repeatedly for the same stream, while newer states are enqueued."""
    peer.answer = lambda received: Answer(seconds=0.02)
    enqueue(n=0)
    stream = Stream.objects.get()

    def work(index: int) -> None:
        for step in range(4):
            if index == 0:
                enqueue(n=step + 1)
            courier.run(stream.pk)

    in_threads(16, work)
    run_courier()
    sent = [received.body["n"] for received in peer.received if received.path == "/a"]
    assert sent == sorted(set(sent))
    assert (sent[-1], peer.max_concurrent) == (4, 1)


def test_two_dispatchers_wake_each_stream_once(enqueue: Enqueue) -> None:
    """D16: with two schedulers and two dispatchers."""
    for number in range(20):
        enqueue(f"k{number}", stream=f"probe:{number}")
    woken: list[int] = []
    in_threads(4, lambda _: dispatcher.wake_couriers(woken.append))
    assert sorted(woken) == sorted(Stream.objects.values_list("pk", flat=True))


# The database


def test_database_that_goes_away_before_an_outcome_is_written_loses_nothing(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D17, D48: the outcome is stored as soon as the database is back."""
    delivery = enqueue()
    failures = iter([OperationalError("the connection is closed"), OperationalError("database or disk is full")])
    told = Probe.on_delivered

    def away(self: Probe, row: Delivery, reply: Any) -> None:
        if failure := next(failures, None):
            raise failure
        told(self, row, reply)

    monkeypatch.setattr(Probe, "on_delivered", away)
    monkeypatch.setattr(courier, "WRITE_RETRY_SECONDS", 0.01)
    run_courier()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures, peer.received_paths().count("/a")) == (S.DELIVERED, 0, 1)


def test_database_that_goes_away_while_a_call_is_built_is_no_fault_of_the_call(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D17: deliveries claimed before are sent under the next lease."""
    delivery = enqueue(kind="once")
    failures = iter([OperationalError("gone")])
    true_call = Probe.build_call

    def away(self: Probe, row: Delivery, token: str) -> handlers.Call:
        if failure := next(failures, None):
            raise failure
        return true_call(self, row, token)

    monkeypatch.setattr(Probe, "build_call", away)
    monkeypatch.setattr(courier, "WRITE_RETRY_SECONDS", 0.01)
    run_courier()
    run_courier()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures, peer.received_paths().count("/a")) == (S.DELIVERED, 0, 1)


def test_claim_whose_commit_went_unheard_is_taken_over(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D9: the claim was committed without this courier knowing, so the next one recovers it soon."""
    rows = [enqueue(key) for key in "ab"]
    true_write = courier.Courier._commit_cycle
    unheard = iter([OperationalError("the line died after the commit")])

    def write(self: courier.Courier, fresh: Any = ()) -> None:
        true_write(self, fresh)
        if fresh and (failure := next(unheard, None)):
            self.executor.drain_waiting()
            raise failure

    monkeypatch.setattr(courier.Courier, "_commit_cycle", write)
    monkeypatch.setattr(courier, "WRITE_RETRY_SECONDS", 0.01)
    run_courier()
    assert (states(*rows), dispatcher.due_streams().count()) == ([S.IN_FLIGHT] * 2, 1)
    run_courier()
    assert states(*rows) == [S.DELIVERED] * 2


def test_stream_with_calls_on_their_way_is_kept_when_the_coordinator_dies(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D17: no successor starts before the calls have ended."""
    released = threading.Event()

    def answer(received: Any) -> Answer:
        if received.path == "/a":
            released.wait(5)
        return Answer()

    peer.answer = answer
    enqueue()

    monkeypatch.setattr(executor.PacedExecutor, "wait_for_event", lambda mine, _: 1 / (mine.uncollected_count - 1))
    with pytest.raises(ZeroDivisionError):
        run_courier()
    released.set()
    stream = Stream.objects.get()
    assert stream.lease_expires_at is not None
    assert leases.acquire(stream.pk, 60) is None


def test_order_while_the_database_is_locked_is_503_in_time(
    smartrecruiters: Any, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D19, D50: an order that is not stored is never accepted with 202."""
    from orders import intake
    from tests.orders import bodies

    def full(*_: object, **__: object) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(intake, "place", full)
    monkeypatch.setattr("orders.api.smartrecruiters.place", full, raising=False)
    answer = smartrecruiters.post(bodies.ORDERS, bodies.order_body())
    assert (answer.status_code, answer["Content-Type"], answer["Retry-After"]) == (503, "application/problem+json", "2")


def test_writer_killed_on_sqlite_loses_no_acknowledged_row(tmp_path: Path) -> None:
    """D20: twenty times, with the portal's database options."""
    database = tmp_path / "rows.sqlite3"
    writer = (
        "import sqlite3, sys\n"
        "rows = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)\n"
        "rows.executescript('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;'"
        "'CREATE TABLE IF NOT EXISTS row (id INTEGER PRIMARY KEY)')\n"
        "while True:\n"
        "    rows.execute('BEGIN IMMEDIATE')\n"
        "    number = rows.execute('INSERT INTO row DEFAULT VALUES').lastrowid\n"
        "    rows.execute('COMMIT')\n"
        "    print(number, flush=True)\n"
    )
    acknowledged = 0
    for _ in range(20):
        with subprocess.Popen(
            [sys.executable, "-c", writer, str(database)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(20):
                acknowledged = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            acknowledged = max([acknowledged, *(int(line) for line in process.stdout if line.endswith("\n"))])
    with sqlite3.connect(database) as rows:
        assert rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert rows.execute("SELECT count(*), max(id) FROM row").fetchone()[0] >= acknowledged >= 400


# SmartRecruiters


def test_redirect_is_a_failure_and_is_not_followed(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    """D33."""
    with run_peer() as sink:
        peer.script["/a"] = [Answer(302, {}, {"Location": f"{sink.url}/login"})]
        delivery = enqueue()
        run_courier()
        assert (states(delivery), sink.received) == ([S.PENDING], [])


def test_page_in_place_of_json_is_sent_again_until_json_comes(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later
) -> None:
    """D32: 200 with HTML, with broken JSON, with JSON of another kind, and 204."""
    peer.script["/a"] = [Answer(body=b"<html>"), Answer(body=b'{"a'), Answer(body=[1]), Answer(204, b""), Answer()]
    delivery = enqueue()
    for _ in range(5):
        run_courier()
        advance_clock(timedelta(hours=1))
    assert (states(delivery), peer.received_paths().count("/a")) == ([S.DELIVERED], 5)


def test_token_is_fetched_once_for_many_calls(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    """D37."""
    for number in range(16):
        enqueue(f"k{number}", endpoint=f"e{number % 4}")
    run_courier()
    assert peer.received_paths().count("/token") == 1


@pytest.mark.parametrize("answer", [Answer(500), Answer(429), Answer(breaks_off=True), Answer(body=b"<html>")])
def test_token_endpoint_that_is_down_pauses_the_credential(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later, answer: Answer
) -> None:
    """D37: no delivery fails, and there are no repeated requests."""
    peer.script["/token"] = [answer, answer]
    peer_answer = peer.answer
    delivery = enqueue()
    run_courier()
    run_courier()
    assert (states(delivery), peer.received_paths()) == ([S.PENDING], ["/token"])
    advance_clock(timedelta(seconds=5.1))
    run_courier()
    advance_clock(timedelta(seconds=10.1))
    peer.answer = peer_answer
    run_courier()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures) == (S.DELIVERED, 0)
    assert peer.received_paths() == ["/token", "/token", "/token", "/a"]


def test_backlog_of_an_outage_is_one_call_an_order(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later
) -> None:
    """D38: only the newest state of each order is sent."""
    peer.script["/k0"] = [Answer(503)]
    enqueue("k0", n=-1)
    run_courier()
    for n in range(25):
        for order in range(4):
            enqueue(f"k{order}", n=n)
    advance_clock(timedelta(seconds=6))
    run_courier()
    sent = [(received.path, received.body["n"]) for received in peer.received if received.path != "/token"]
    assert sorted(sent[1:]) == [(f"/k{order}", 24) for order in range(4)]


def test_outage_of_three_days_is_sat_out(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, advance_clock: Later
) -> None:
    """D39."""
    down = True
    peer.answer = lambda received: Answer(500 if down and received.path == "/a" else 200)
    delivery = enqueue()
    for _ in range(75):
        run_courier()
        advance_clock(timedelta(hours=1))
    assert states(delivery) == [S.PENDING]
    down = False
    advance_clock(timedelta(hours=14))
    run_courier()
    assert states(delivery) == [S.DELIVERED]


def test_refused_state_is_no_dead_letter_once_a_newer_one_is_there(
    peer: Peer, enqueue: Enqueue, run_courier: Carry
) -> None:
    """D36: the newer state is enqueued while the older one is in flight, which is then refused."""
    newer: list[Delivery] = []

    def answer(received: Any) -> Answer:
        if received.path == "/a" and not newer:
            in_threads(1, lambda _: newer.append(enqueue(n=2)))
            return Answer(422)
        return Answer()

    peer.answer = answer
    older = enqueue(n=1)
    run_courier()
    assert states(older, *newer) == [S.SUPERSEDED, S.DELIVERED]


def test_replay_never_turns_back_what_a_newer_state_has_shown(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    """D36 and promise 3: an older dead letter is not sent after a newer state."""
    older, newer = enqueue(n=1), enqueue(n=2)
    run_courier()
    Delivery.objects.filter(pk=older.pk).update(state=S.FAILED)
    with pytest.raises(deliveries.NotReplayableError, match="a newer one says more"):
        deliveries.replay(older)
    run_courier()
    assert states(older, newer) == [S.SUPERSEDED, S.DELIVERED]
    assert [received.body["n"] for received in peer.received if received.path == "/a"] == [2]


def test_name_that_is_not_found_is_a_failure_without_effect() -> None:
    """D40."""
    with pytest.raises(CallFailedError) as failure:
        send_request(OutgoingRequest("POST", "http://smartrecruiters.invalid/a", "x", json={}), 5)
    assert failure.value.may_have_been_processed is False


def test_certificate_that_is_not_good_is_a_failure_without_effect(tmp_path: Path) -> None:
    """D40: there is no fallback to an insecure connection."""
    with tls_server(tmp_path) as (url, received), pytest.raises(CallFailedError, match="certificate") as failure:
        send_request(OutgoingRequest("POST", f"{url}/a", "x", json={"secret": 1}), 5)
    assert (failure.value.may_have_been_processed, received) == (False, [])


@contextmanager
def tls_server(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Run a TLS server with an expired, self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    day = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), day, day + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    received: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.path)

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}", received
    finally:
        server.shutdown()
        server.server_close()


def test_peer_that_never_answers_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """D27: the thread is free again after the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(CallFailedError, match="no response in time"):
            send_request(OutgoingRequest("POST", f"http://127.0.0.1:{silent.getsockname()[1]}/a", "x", json={}), 0.3)
    assert time.monotonic() - began < 2


# Fairness


@pytest.mark.e2e
@pytest.mark.parametrize(("customers", "seconds"), [(2, 0.0), (1, 6.0)])
def test_customer_with_ten_thousand_results_or_slow_calls_delays_nobody(
    peer: Peer, channel: ProbeChannel, enqueue: Enqueue, customers: int, seconds: float
) -> None:
    """D38, D45: another customer's first result waits for one turn of each, also with both workers busy.

    A turn ends after SLICE_SECONDS. Where the calls are slow, the courier parks them, which ends it, too.
    """
    peer.answer = lambda received: Answer(seconds=seconds if received.path == "/busy" else 0.0)
    busy = [Stream.objects.create(name=f"probe:busy{number}") for number in range(customers)]
    now = clock.now()
    Delivery.objects.bulk_create(
        Delivery(
            kind="probe",
            stream=stream,
            key=f"{stream.name}-{number}",
            payload={"path": "/busy"},
            priority=Priority.RESULT,
            due_at=now,
        )
        for stream in busy
        for number in range(10_000 // customers)
    )
    over, turns = threading.Event(), list[int]()
    with ThreadPoolExecutor(2) as workers, ThreadPoolExecutor(1) as clockwork:
        dispatching = clockwork.submit(_dispatch_until, over, workers, turns)
        try:
            _wait_until(lambda: len(turns) >= customers and "/busy" in peer.received_paths())
            enqueue("first", stream="probe:other", priority=Priority.RESULT)
            turns_before = len(turns)
            _wait_until(lambda: "/first" in peer.received_paths())
        finally:
            over.set()
            executor.stop_requested.set()
            dispatching.result()
    executor.stop_requested.clear()
    assert all(turns[turns_before:].count(stream.pk) <= 1 for stream in busy)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _dispatch_until(over: threading.Event, workers: ThreadPoolExecutor, turns: list[int]) -> None:
    """Run the dispatcher, and a courier for each stream that it wakes. Append the stream to `turns` as that begins."""

    def take_turn(stream_id: int) -> None:
        turns.append(stream_id)
        in_threads(1, lambda _: courier.run(stream_id))

    while not over.is_set():
        dispatcher.wake_couriers(lambda pk: workers.submit(take_turn, pk))
        over.wait(0.5)
    connections.close_all()


# Connections and keys


def test_stream_of_a_dead_courier_is_waited_for_as_others_are(enqueue: Enqueue) -> None:
    """Its courier was woken, and all couriers are busy with long backlogs."""
    busy, left_behind = enqueue(stream="probe:1"), enqueue("b", stream="probe:2")
    coordinator = courier.Courier(leases.acquire(busy.stream_id, 60))
    coordinator.look_for_others_at -= courier.SLICE_SECONDS
    past = clock.now() - timedelta(seconds=5)
    Stream.objects.filter(pk=left_behind.stream_id).update(lease_expires_at=past, woken_at=past)
    coordinator._look_for_others()
    assert coordinator.has_others_waiting


def test_disable_while_a_call_is_on_its_way_starts_no_other(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    """D49: the running call may end; the rest is held, and sent after a reconnect."""

    def answer(received: Any) -> Answer:
        if received.path == "/k0":
            in_threads(1, lambda _: deliveries.hold_stream("probe:1", "The customer ended the connection."))
        return Answer()

    peer.answer = answer
    rows = [enqueue(f"k{number}") for number in range(3)]
    run_courier()
    assert states(*rows)[0] == S.DELIVERED
    assert set(states(*rows)[1:]) <= {S.HELD, S.DELIVERED}
    calls = len(peer.received)
    later = enqueue("late")
    run_courier()
    assert (len(peer.received), states(later)) == (calls, [S.HELD])
    deliveries.release_stream("probe:1")
    run_courier()
    assert states(*rows, later) == [S.DELIVERED] * 4


def test_key_that_is_missing_for_a_while_loses_nothing(
    peer: Peer, enqueue: Enqueue, run_courier: Carry, channel: ProbeChannel, settings: Any, connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """D56: a delivery does not fail because a credential cannot be decrypted."""
    delivery = enqueue()
    good = settings.ENCRYPTION_KEYS
    monkeypatch.setattr(
        channel, "stored_token", lambda stream: Connection.objects.get(pk=connection.pk).their_client_secret
    )
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    for _ in range(3):
        with pytest.raises(DecryptionError):
            run_courier()
    assert (states(delivery), peer.received) == ([S.PENDING], [])
    settings.ENCRYPTION_KEYS = good
    run_courier()
    assert states(delivery) == [S.DELIVERED]


def test_row_restored_from_a_dump_is_sent_again_the_same(peer: Peer, enqueue: Enqueue, run_courier: Carry) -> None:
    """D23: a delivery that was sent after the dump is pending in it, and is repeated with the same content."""
    delivery = enqueue(score=7)
    run_courier()
    Delivery.objects.filter(pk=delivery.pk).update(state=S.PENDING, finished_at=None)
    run_courier()
    sent = [received.body for received in peer.received if received.path == "/a"]
    assert (states(delivery), sent[0]) == ([S.DELIVERED], sent[1])


def test_clock_goes_on_while_the_database_server_is_away(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """D18: a courier that waits for the database must be able to count the seconds of its lease."""
    steady = clock.read_steady_clock()
    monkeypatch.setattr(clock, "_offset", time.time() - steady)
    monkeypatch.setattr(clock, "_synced_at", steady - 2 * clock.RESYNC_SECONDS)

    def away() -> float:
        raise OperationalError("gone")

    monkeypatch.setattr(clock, "_server_offset", away)
    monkeypatch.setattr(connection, "vendor", "postgresql")
    assert abs(clock.now() - dt.datetime.now(dt.UTC)) < timedelta(seconds=60)


@pytest.mark.parametrize(("has_connection", "times"), [(True, 1), (False, 0)])
def test_clock_of_the_server_is_asked_by_threads_that_have_a_connection(
    db: None, monkeypatch: pytest.MonkeyPatch, has_connection: bool, times: int
) -> None:
    """Otherwise each of the hundreds of HTTP threads would open one, and wait for a server that is down."""
    clock.now()
    asked: list[float] = []
    # Both are set, so that both are restored: `now` assigns what the stand-in below answers.
    monkeypatch.setattr(clock, "_offset", clock._offset)
    monkeypatch.setattr(clock, "_synced_at", clock.read_steady_clock() - 2 * clock.RESYNC_SECONDS)
    monkeypatch.setattr(clock, "_server_offset", lambda: asked.append(0.0) or 0.0)
    of_the_thread = SimpleNamespace(vendor="postgresql", connection=object() if has_connection else None)
    monkeypatch.setattr(clock, "connection", of_the_thread)
    clock.now()
    assert len(asked) == times


STEPS = [timedelta(hours=1), timedelta(hours=-1), timedelta(days=1), timedelta(days=-1), timedelta(seconds=90)]


@pytest.mark.parametrize("step", STEPS)
def test_step_of_the_host_s_clock_takes_no_lease_from_its_holder(db: None, step: timedelta) -> None:
    """D41: NTP or an administrator sets the clock while a worker works. SQLite has no clock but the host's."""
    is_steady = connection.vendor == "postgresql"
    stream = Stream.objects.create(name="stepped")
    before = clock.now()
    leases.acquire(stream.pk, 60)
    with travel(dt.datetime.now(dt.UTC) + step):
        moved = clock.now() - before - (timedelta(0) if is_steady else step)
        assert abs(moved) < timedelta(seconds=10)
        assert (leases.acquire(stream.pk, 60) is None) == (is_steady or step < timedelta(0))
