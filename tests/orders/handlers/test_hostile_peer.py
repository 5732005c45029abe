"""Responses of a hostile SmartRecruiters, and requests that must never reach it (section 2.7, O2, S2, S3 and S5)."""

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from celery import current_app
from django.db import connections as databases
from django.test import Client as Browser
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from kombu.exceptions import ContentDisallowed
from kombu.serialization import loads

from integrations.audit import Actor
from integrations.connections import lifecycle
from integrations.http.client import CallFailedError, OutgoingRequest, Response, send_request
from integrations.models import CompanyConfirmation, Connection, ConnectionState, Consent, Customer, DisplayMode, User
from integrations.outbox import courier
from integrations.outbox.models import Attempt, Delivery, Stream
from integrations.outbox.scheduling import dispatcher
from integrations.smartrecruiters import responses
from orders import results
from orders.models import Order
from tests import rows
from tests.integrations.outbox.peer import Answer, Peer, Received, run_peer
from tests.orders import bodies

pytestmark = pytest.mark.django_db(transaction=True)
Carry = Callable[[], None]
TOKEN = "/identity/oauth/token"
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture
def peer(settings: Any) -> Iterator[Peer]:
    with run_peer() as peer:
        settings.SMARTRECRUITERS_API_URL = peer.url
        peer.script[TOKEN] = [
            Answer(200, {"access_token": "token-canary", "token_type": "Bearer", "expires_in": 1800})
        ] * 9
        yield peer


@pytest.fixture
def run_courier(connection: Connection) -> Carry:
    return lambda: courier.run(Stream.objects.get(name=connection.stream_name).pk)


def path(order: Order) -> str:
    return f"/assessment-api/v202010/orders/{order.smartrecruiters_order_id}/results"


BAD_TOKENS: list[Any] = [
    None,
    [],
    "x",
    {},
    {"access_token": ""},
    {"access_token": None},
    {"access_token": 7},
    {"access_token": "a\r\nX-Evil: 1"},
    {"access_token": "a\nb"},
    {"access_token": "é"},
    {"access_token": "x" * 1_000_000},
    {"access_token": ["x"]},
    {"token": "x"},
]


@pytest.mark.parametrize("content", BAD_TOKENS)
def test_answer_without_a_usable_token_is_a_failure(content: Any) -> None:
    """X6."""
    with pytest.raises(CallFailedError, match="no usable access_token"):
        responses.parse_token(Response(200, content))


@pytest.mark.parametrize(
    ("life", "seconds"),
    [
        (1800, 1800),
        (10**9, 86400),
        (1, 5),
        (-1, 300),
        (0, 300),
        ("x", 300),
        (None, 300),
        (True, 300),
        (1e3, 300),
        ([], 300),
    ],
)
def test_life_of_a_token_is_clamped(life: Any, seconds: int) -> None:
    assert responses.parse_token(Response(200, {"access_token": "t", "expires_in": life})) == ("t", seconds)


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"clientId": "a"},
        {"clientSecret": "b"},
        {"clientId": "a", "clientSecret": ""},
        {"clientId": 1, "clientSecret": 2},
        {"clientId": "a\n", "clientSecret": "b"},
        {"clientId": "a", "clientSecret": "x" * 5000},
    ],
)
def test_answer_without_a_pair_is_a_failure(content: Any) -> None:
    """X7."""
    with pytest.raises(CallFailedError):
        responses.parse_credentials(Response(200, content))


@given(ODD)
def test_any_answer_is_read_or_refused(content: Any) -> None:
    for read in (responses.parse_token, responses.parse_credentials):
        with suppress(CallFailedError):
            read(Response(200, content))  # type: ignore[operator]
    assert isinstance(responses.parse_error_message(Response(400, content)), str)


def test_client_id_of_another_connection_makes_nobody_live(
    peer: Peer, customer: Customer, other_connection: Connection, alice: User
) -> None:
    """X7."""
    rows.configure_partner(company_confirmation=CompanyConfirmation.NEVER)
    peer.script["/assessment-api/v202010/integration/company/northwind"] = [
        Answer(200, {"clientId": other_connection.their_client_id, "clientSecret": "theirs"})
    ]
    consent = Consent.objects.create(company_id="northwind", mode=DisplayMode.REDIRECT)
    attempt = lifecycle.approve_consent(consent, actor=Actor(alice), customer=customer)
    courier.run(Stream.objects.get(name="master").pk)
    attempt.connection.refresh_from_db()
    assert attempt.connection.state != ConnectionState.LIVE
    assert attempt.connection.their_client_id == ""
    assert "another connection" in Attempt.objects.filter(delivery__kind="exchange").latest("pk").error


def test_echoed_token_and_markup_are_stored_masked_and_shown_as_text(
    peer: Peer, order: Order, run_courier: Carry, staff_browser: Browser
) -> None:
    """X5."""
    said = "Bearer token-canary was sent; access_token=token-canary; token-canary"
    echo = {"errors": [{"code": "<script>alert(5)</script>", "message": said}], "access_token": "token-canary"}
    peer.script[path(order)] = [Answer(422, echo | {"clientSecret": "their-secret-northwind"})]
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    run_courier()
    kept = str(list(Attempt.objects.values())) + str(list(Delivery.objects.values()))
    assert "their-secret-northwind" not in kept
    assert "token-canary" not in kept
    delivery = Delivery.objects.get(kind="result")
    for page in (
        reverse("admin:outbox_delivery_change", args=[delivery.pk]),
        reverse("admin:orders_order_change", args=[order.pk]),
    ):
        shown = staff_browser.get(page).content.decode()
        assert "<script>alert(5)" not in shown


def test_long_answer_is_kept_cut(peer: Peer, order: Order, run_courier: Carry) -> None:
    peer.script[path(order)] = [Answer(422, {"errors": [{"code": "x", "message": "y" * 60_000}]})]
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    run_courier()
    attempt = Attempt.objects.get(delivery__kind="result")
    assert max(len(attempt.response), len(attempt.error)) <= 4000


@pytest.mark.parametrize(
    "evil", ["{sink}/steal", "https://evil.example/x", "http://127.0.0.1:1\\@api.smartrecruiters.com/"]
)
def test_callback_changed_in_the_database_leads_nowhere_else(
    peer: Peer, order: Order, run_courier: Carry, evil: str
) -> None:
    """O2: the callback is data; a result goes to our own base."""
    with run_peer() as sink:
        Order.objects.update(result_callback_url=evil.format(sink=sink.url))
        results.report(order.pk, {"status": "COMPLETED"}, by="engine")
        run_courier()
        assert sink.received == []
    assert path(order) in peer.received_paths()


@pytest.mark.parametrize("changed", ["../../partner/configuration", "..", "a/b", "x?y", "x#z", "%2e%2e", "a b"])
def test_order_id_changed_in_the_database_reaches_no_other_route(
    peer: Peer, order: Order, run_courier: Carry, changed: str
) -> None:
    """Finding 1: whatever stands in the row."""
    Order.objects.update(smartrecruiters_order_id=changed)
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    run_courier()
    allowed = {TOKEN, "/candidates/cand-1", "/jobs/job-1", "/jobs/job-1/hiring-team"}
    assert set(peer.received_paths()) <= allowed


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret-canary@127.0.0.1:9/x",
        "https://127.0.0.1:9/secret-canary?t=secret-canary",
        "http://secret-canary.invalid/",
    ],
)
def test_error_of_a_call_repeats_no_address(url: str) -> None:
    """X8."""
    with pytest.raises(CallFailedError) as failure:
        send_request(
            OutgoingRequest("POST", url, "x", {"Authorization": "Bearer secret-canary"}, {"a": "secret-canary"}), 2
        )
    assert "secret-canary" not in str(failure.value) + repr(failure.value)
    assert failure.value.__suppress_context__


def test_each_customers_token_is_used_for_its_own_orders_alone(
    peer: Peer, connection: Connection, other_connection: Connection
) -> None:
    """X1: forty results of two customers, side by side."""
    rows.make_package()
    owners: dict[str, str] = {}

    def answer(received: Received) -> Answer:
        if received.path == TOKEN:
            company = "northwind" if "theirs-northwind" in received.body else "harbour-clinics"
            return Answer(200, {"access_token": f"token-of-{company}", "expires_in": 1800})
        return Answer()

    peer.answer = answer
    for number in range(40):
        order = bodies.place_order((connection, other_connection)[number % 2])
        owners[order.smartrecruiters_order_id] = order.connection.company_id
        results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    Delivery.objects.exclude(kind="result").delete()

    def work(name: str) -> None:
        courier.run(Stream.objects.get(name=name).pk)
        databases.close_all()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, [connection.stream_name, other_connection.stream_name]))
    patched = [received for received in peer.received if received.path != TOKEN]
    assert len(patched) == 40
    assert {received.token for received in patched} == {"token-of-northwind", "token-of-harbour-clinics"}
    assert [one for one in patched if one.token != f"token-of-{owners[one.path.split('/')[4]]}"] == []


def test_broker_gets_numbers_of_streams_and_nothing_else(order: Order) -> None:
    """S2."""
    woken: list[Any] = []
    dispatcher.wake_couriers(woken.append)
    assert {type(one) for one in woken} == {int}
    schedule = current_app.conf.beat_schedule.values()
    assert [entry for entry in schedule if entry.get("args") or entry.get("kwargs")] == []


def test_pickled_task_is_refused() -> None:
    """S3."""
    accepted = set(current_app.conf.accept_content)
    assert accepted == {"json"}
    for kind in ("application/x-python-serialize", "application/x-yaml", "application/x-msgpack"):
        with pytest.raises(ContentDisallowed):
            loads(pickle.dumps(print), kind, "binary", accept={"application/json"})
