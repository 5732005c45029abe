"""Exchange of credentials with the simulator: connect, disconnect, reconnect."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.db import connections as db_connections
from django.utils import timezone
from rest_framework.test import APIClient

from integrations.audit import Actor
from integrations.connections import lifecycle, partner_configuration
from integrations.models import (
    Client,
    CompanyConfirmation,
    ConnectAttempt,
    Connection,
    ConnectionState,
    Consent,
    DisplayMode,
    PartnerConfiguration,
    User,
)
from integrations.outbox import clock, courier, deliveries
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Stream
from tests import rows
from tests.integrations.simulator.process import Simulator
from tests.orders import bodies

C = ConnectionState
Api = Callable[..., APIClient]
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path_factory.mktemp("simulator"))
    simulator.start()
    yield simulator
    simulator.kill()


@pytest.fixture
def simulator(running: Simulator, settings) -> Iterator[Simulator]:
    settings.SMARTRECRUITERS_API_URL = running.url
    settings.SMARTRECRUITERS_TRUSTED_ORIGINS = [running.url]
    running.control.clear_faults()
    running.control.change_settings(limits=False)  # each test publishes, many times a second
    yield running
    running.control.clear_faults()


@pytest.fixture
def company(simulator: Simulator, request: pytest.FixtureRequest) -> str:
    """Create a company for this test, in a simulator that has our configuration."""
    partner_configuration.publish_configuration()
    name = f"c-{abs(hash(request.node.name))}"[:40]
    simulator.control.add_company(name)
    return name


def consent_to(company: str) -> Consent:
    return Consent.objects.create(company_id=company, mode=DisplayMode.REDIRECT)


@pytest.fixture
def no_confirmation(db: None) -> None:
    """Let a second customer connect without staff."""
    PartnerConfiguration.load()
    PartnerConfiguration.objects.update(company_confirmation=CompanyConfirmation.NEVER)


def approve(company: str, by: User, *, in_smartrecruiters: Simulator | None) -> ConnectAttempt:
    if in_smartrecruiters is not None:
        in_smartrecruiters.control.grant_consent(company)
    return lifecycle.approve_consent(consent_to(company), actor=Actor(by, "192.0.2.7"), customer=by.customers.get())


def carry(stream: str = "master") -> None:
    courier.run(Stream.objects.get(name=stream).pk)


def carry_later(monkeypatch: pytest.MonkeyPatch, seconds: float, stream: str = "master") -> None:
    true_now = clock.now
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: true_now() + timedelta(seconds=seconds))
        carry(stream)
    Stream.objects.filter(name=stream).update(next_calls={})  # else the next call waits for that time to come


def state_of(attempt: ConnectAttempt) -> tuple[str, str]:
    attempt.refresh_from_db()
    attempt.connection.refresh_from_db()
    return attempt.state, attempt.connection.state


def token_for(client_id: str, secret: str) -> int:
    form = f"grant_type=client_credentials&client_id={client_id}&client_secret={secret}"
    answer = APIClient().post("/oauth/token", form, content_type="application/x-www-form-urlencoded")
    return answer.status_code


def test_exchange_stores_their_pair_and_forgets_our_clear_secret(
    simulator: Simulator, company: str, alice: User
) -> None:
    attempt = approve(company, alice, in_smartrecruiters=simulator)
    ours = attempt.client_secret
    assert token_for(attempt.client_id_sent, ours) == 200, "our pair works before the call goes out"
    carry()
    assert state_of(attempt) == (C.LIVE, C.LIVE)
    connection = attempt.connection
    assert connection.their_client_id
    assert connection.their_client_secret
    assert attempt.client_secret_sealed == ""
    assert ours not in str(list(Attempt.objects.values())) + str(list(Delivery.objects.values()))
    assert connection.their_client_secret not in str(list(Attempt.objects.values()))
    assert token_for(attempt.client_id_sent, ours) == 200


def test_exchange_without_consent_in_smartrecruiters_keeps_nothing(
    simulator: Simulator, company: str, alice: User
) -> None:
    attempt = approve(company, alice, in_smartrecruiters=None)
    carry()
    assert state_of(attempt) == (C.REFUSED, C.REFUSED)
    assert attempt.reason.startswith("SmartRecruiters reports that the company has not consented yet")
    assert Client.objects.filter(client_id=attempt.client_id_sent).count() == 0


def test_company_that_never_consented_is_free_for_its_true_owner(
    simulator: Simulator, company: str, alice: User, charlie: User, no_confirmation: None
) -> None:
    approve(company, charlie, in_smartrecruiters=None)
    carry()
    attempt = approve(company, alice, in_smartrecruiters=simulator)
    carry()
    assert state_of(attempt) == (C.LIVE, C.LIVE)
    assert attempt.connection.customer == alice.customers.get()


def test_company_of_one_customer_is_never_moved_to_another(
    simulator: Simulator, company: str, alice: User, charlie: User, no_confirmation: None
) -> None:
    first = approve(company, alice, in_smartrecruiters=simulator)
    carry()
    consent = consent_to(company)
    with pytest.raises(lifecycle.CompanyTakenError):
        lifecycle.approve_consent(consent, actor=Actor(charlie), customer=charlie.customers.get())
    consent.refresh_from_db()
    assert (consent.decision, state_of(first)) == ("", (C.LIVE, C.LIVE))


def test_second_try_on_a_live_connection_changes_nothing(simulator: Simulator, company: str, alice: User) -> None:
    first = approve(company, alice, in_smartrecruiters=simulator)
    carry()
    secret = Connection.objects.get().their_client_secret_sealed
    second = approve(company, alice, in_smartrecruiters=None)
    carry()
    assert state_of(second) == (C.REFUSED, C.LIVE)
    assert second.reason == "This company is already connected."
    assert Connection.objects.get().their_client_secret_sealed == secret
    assert first.client is not None
    first.client.refresh_from_db()
    assert first.client.revoked_at is None


def test_lost_answer_needs_a_reconnect_and_our_pair_goes_on_working(
    simulator: Simulator, company: str, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.control.set_fault("drop", route="integration", after_effect=True, count=1)
    attempt = approve(company, alice, in_smartrecruiters=simulator)
    ours = attempt.client_secret
    carry()
    assert state_of(attempt) == (C.EXCHANGING, C.EXCHANGING)
    carry_later(monkeypatch, 7)
    assert state_of(attempt) == (C.NEEDS_RECONNECT, C.NEEDS_RECONNECT)
    assert token_for(attempt.client_id_sent, ours) == 200
    held = deliveries.enqueue("probe", stream=attempt.connection.stream_name, key="x", payload={})
    assert held.state == DeliveryState.HELD


def test_reconnect_after_a_lost_answer_releases_what_was_held(
    simulator: Simulator, company: str, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.control.set_fault("drop", route="integration", after_effect=True, count=1)
    first = approve(company, alice, in_smartrecruiters=simulator)
    ours = first.client_secret
    carry()
    carry_later(monkeypatch, 7)
    held = deliveries.enqueue("probe", stream=first.connection.stream_name, key="x", payload={})
    lifecycle.disable_connection(first.connection)
    simulator.control.disconnect_company(company)
    second = approve(company, alice, in_smartrecruiters=simulator)
    carry()
    assert state_of(second) == (C.LIVE, C.LIVE)
    held.refresh_from_db()
    assert held.state == DeliveryState.PENDING
    assert token_for(first.client_id_sent, ours) == 401


@pytest.mark.parametrize("action", ["html200", "garbage", "truncated"])
def test_answer_without_their_pair_is_never_a_live_connection(
    simulator: Simulator, company: str, alice: User, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    simulator.control.set_fault(action, route="integration", after_effect=True, count=1)
    attempt = approve(company, alice, in_smartrecruiters=simulator)
    carry()
    assert attempt.connection.state != C.LIVE
    carry_later(monkeypatch, 7)
    assert state_of(attempt) == (C.NEEDS_RECONNECT, C.NEEDS_RECONNECT)


def test_exchange_goes_on_by_itself_when_smartrecruiters_is_back(
    simulator: Simulator, company: str, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.control.set_fault("status", status=500, route="integration", count=1)
    attempt = approve(company, alice, in_smartrecruiters=simulator)
    carry()
    assert state_of(attempt) == (C.EXCHANGING, C.EXCHANGING)
    carry_later(monkeypatch, 7)
    assert state_of(attempt) == (C.LIVE, C.LIVE)


def test_disable_is_effective_at_once_and_twice_does_no_harm(
    simulator: Simulator, company: str, alice: User, api: Api
) -> None:
    attempt = approve(company, alice, in_smartrecruiters=simulator)
    ours = attempt.client_secret
    carry()
    token = rows.make_token(attempt.connection)
    lifecycle.disable_connection(attempt.connection, actor=Actor(alice), reason="no longer wanted")
    lifecycle.disable_connection(attempt.connection, actor=Actor(alice))
    assert api(token).get("/smartrecruiters/packages").status_code == 401
    assert token_for(attempt.client_id_sent, ours) == 401
    attempt.connection.refresh_from_db()
    assert (attempt.connection.state, attempt.connection.their_client_secret_sealed) == (C.DISABLED, "")


def test_disable_before_the_exchange_cancels_it(simulator: Simulator, company: str, alice: User) -> None:
    attempt = approve(company, alice, in_smartrecruiters=simulator)
    lifecycle.disable_connection(attempt.connection)
    carry()
    assert state_of(attempt) == (C.DISABLED, C.DISABLED)
    assert Attempt.objects.count() == 0


def test_missing_master_pair_holds_the_exchange_until_it_is_there(
    simulator: Simulator, company: str, alice: User, settings
) -> None:
    PartnerConfiguration.objects.update(master_token_sealed="")
    pair = settings.SMARTRECRUITERS_CLIENT_ID
    settings.SMARTRECRUITERS_CLIENT_ID = ""
    attempt = approve(company, alice, in_smartrecruiters=simulator)
    carry()
    stream = Stream.objects.get(name="master")
    assert stream.held_reason.startswith("The master credentials are missing")
    settings.SMARTRECRUITERS_CLIENT_ID = pair
    deliveries.release_stream("master")
    carry()
    assert state_of(attempt) == (C.LIVE, C.LIVE)


def test_missing_key_pauses_and_its_return_goes_on(
    simulator: Simulator, company: str, alice: User, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = approve(company, alice, in_smartrecruiters=simulator)
    carry()
    stream = attempt.connection.stream_name
    Connection.objects.update(access_token_sealed="")
    deliveries.enqueue("candidate", stream=stream, key="x", payload={}, subject="nobody")
    keys = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    carry(stream)
    assert state_of(attempt) == (C.LIVE, C.LIVE)
    assert Delivery.objects.get(key="x").state == DeliveryState.PENDING
    assert Stream.objects.get(name=stream).paused_until is not None
    settings.ENCRYPTION_KEYS = keys
    carry_later(monkeypatch, 7, stream)
    assert Connection.objects.get().access_token != ""


def test_consent_is_good_for_one_decision_and_ten_minutes(company: str, alice: User) -> None:
    consent = consent_to(company)
    lifecycle.deny_consent(consent, actor=Actor(alice))
    with pytest.raises(lifecycle.ConsentUsedError):
        lifecycle.approve_consent(consent, actor=Actor(alice), customer=alice.customers.get())
    late = Consent.objects.create(company_id=company, mode="POPUP", expires_at=timezone.now())
    with pytest.raises(lifecycle.ConsentUsedError):
        lifecycle.approve_consent(late, actor=Actor(alice), customer=alice.customers.get())
    assert Connection.objects.count() == 0


def test_person_without_the_right_cannot_approve(company: str, bob: User, staff: User) -> None:
    for person in (bob, staff):
        with pytest.raises(lifecycle.NotAllowedError):
            lifecycle.approve_consent(consent_to(company), actor=Actor(person), customer=person.customers.first())
    assert Connection.objects.count() == 0


def test_configuration_that_was_published_shows_no_drift(simulator: Simulator) -> None:
    partner_configuration.publish_configuration()
    assert partner_configuration.find_drift() == []


def test_configuration_that_changed_shows_its_drift(simulator: Simulator) -> None:
    partner_configuration.publish_configuration()
    PartnerConfiguration.objects.update(display_mode="POPUP")
    assert partner_configuration.find_drift() == ["consentDisplayMode: here POPUP, at SmartRecruiters REDIRECT"]


def test_configuration_with_a_wrong_pair_says_what_to_do(simulator: Simulator, settings) -> None:
    settings.SMARTRECRUITERS_CLIENT_SECRET = "wrong"
    with pytest.raises(partner_configuration.PartnerError, match="The master credentials were refused"):
        partner_configuration.publish_configuration()


def test_connects_disables_and_orders_at_once_are_never_a_fault_of_ours(
    company: str, simulator: Simulator, alice: User, api: Api
) -> None:
    """Lock conflicts give at most a 503, never a 500 (D22 in tests/reliability/README.md)."""
    rows.make_package("skills")
    attempt = approve(company, alice, in_smartrecruiters=simulator)
    carry()
    connection = attempt.connection
    tokens = [rows.make_token(connection) for _ in range(2)]

    def order(number: int) -> set[int]:
        found = set()
        for _ in range(8):
            callback = bodies.CALLBACK.format(uuid4()).replace("https://api.smartrecruiters.com", simulator.url)
            body = bodies.order_body(companyId=company, resultCallbackURL=callback)
            found.add(api(tokens[number]).post(bodies.ORDERS, body).status_code)
        return found

    def disable(_number: int) -> set[int]:
        for _ in range(4):
            lifecycle.disable_connection(Connection.objects.get(pk=connection.pk))
        return set()

    def connect(_number: int) -> set[int]:
        for _ in range(4):
            approve(company, alice, in_smartrecruiters=None)
        return set()

    with ThreadPoolExecutor(4) as pool:
        acts = [pool.submit(in_own_thread, act, n) for n, act in enumerate((order, order, disable, connect))]
    assert set().union(*(act.result() for act in acts)) <= {202, 401, 503}


def in_own_thread(act: Callable[[int], set[int]], number: int) -> set[int]:
    try:
        return act(number)
    finally:
        db_connections.close_all()
