"""Webhooks over real HTTP, with signatures verified as an engine would."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.test import APIClient
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from integrations.models import Connection, Event, EventType, FormerSecret, Webhook
from integrations.oauth import engine_clients
from integrations.outbox import clock, courier, leases
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Stream
from integrations.tasks import clear_expired
from integrations.webhooks import events
from tests.integrations.outbox.peer import Answer, Peer, run_peer

Api = Callable[..., APIClient]
pytestmark = pytest.mark.django_db(transaction=True)
S = DeliveryState
WEBHOOKS = "/api/vendor/v1/webhooks"


@pytest.fixture
def peer(settings) -> Iterator[Peer]:
    settings.WEBHOOKS_ALLOW_PRIVATE = True
    with run_peer() as peer:
        yield peer


def register(engine: APIClient, peer: Peer, *types: str) -> dict:
    answer = engine.post(WEBHOOKS, {"url": f"{peer.url}/hook", "events": list(types) or ["order.created"]})
    assert answer.status_code == 201, answer.json()
    return answer.json()


def happen(order: str = "ord_1", type: EventType = EventType.ORDER_CREATED) -> None:
    events.record_order_event(type, order)
    events.assign_numbers()


def carry(webhook: dict) -> None:
    courier.run(Stream.objects.get(name=f"webhook:{webhook['id']}").pk)


@pytest.fixture
def advance_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    true_now, moved = clock.now, [timedelta(0)]
    monkeypatch.setattr(clock, "now", lambda: true_now() + moved[0])

    def by(step: timedelta) -> None:
        moved[0] += step

    return by


def test_webhook_is_shown_with_its_secret_once(engine: APIClient, peer: Peer) -> None:
    made = register(engine, peer)
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made == {"id": made["id"], "url": f"{peer.url}/hook", "events": ["order.created"]}
    assert engine.get(WEBHOOKS).json() == {"results": [made], "next": None, "previous": None}
    assert engine.get(f"{WEBHOOKS}/{made['id']}").json() == made


def test_engine_that_is_revoked_hears_nothing_of_what_waited_for_it(engine: APIClient, peer: Peer) -> None:
    webhook = register(engine, peer)
    happen()
    engine_clients.revoke_client(Webhook.objects.get().client)
    carry(webhook)
    assert (peer.received, Delivery.objects.get().state) == ([], S.SUPERSEDED)


def test_event_reaches_the_endpoint_signed_and_thin(engine: APIClient, peer: Peer) -> None:
    webhook = register(engine, peer)
    headers: list[dict] = []
    raw: list[bytes] = []
    peer.watch = lambda received_headers, body: (headers.append(received_headers), raw.append(body))
    happen()
    carry(webhook)
    body = Verifier(webhook["secret"]).verify(raw[0], headers[0])
    event = Event.objects.get()
    assert body == {
        "type": "order.created",
        "timestamp": f"{event.at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
        "data": {"order": "ord_1", "url": "http://localhost:8000/api/vendor/v1/orders/ord_1"},
    }
    with pytest.raises(WebhookVerificationError):
        Verifier(webhook["secret"]).verify(raw[0] + b" ", headers[0])


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 409, 422, 500, 503])
def test_refused_message_goes_again_after_about_five_seconds_with_the_same_id(
    engine: APIClient, peer: Peer, advance_clock, status: int
) -> None:
    webhook = register(engine, peer)
    ids: list[str] = []
    peer.watch = lambda headers, body: ids.append(headers["webhook-id"])
    peer.script["/hook"] = [Answer(status)]
    happen()
    carry(webhook)
    assert Delivery.objects.get().state == S.PENDING
    advance_clock(timedelta(seconds=6.1))
    carry(webhook)
    assert Delivery.objects.get().state == S.DELIVERED
    assert ids == [Event.objects.get().public_id] * 2


@pytest.mark.parametrize("answer", [Answer(204, b""), Answer(200, b"thank you"), Answer(299)])
def test_any_2xx_is_a_success(engine: APIClient, peer: Peer, answer: Answer) -> None:
    webhook = register(engine, peer)
    peer.script["/hook"] = [answer]
    happen()
    carry(webhook)
    assert Delivery.objects.get().state == S.DELIVERED


def test_gone_endpoint_is_switched_off_and_back_on_by_a_patch(engine: APIClient, peer: Peer) -> None:
    webhook = register(engine, peer)
    peer.script["/hook"] = [Answer(410)]
    happen("ord_1")
    carry(webhook)
    happen("ord_2")
    assert [d.state for d in Delivery.objects.order_by("pk")] == [S.FAILED, S.HELD]
    assert engine.patch(f"{WEBHOOKS}/{webhook['id']}", {}).status_code == 200
    carry(webhook)
    assert [d.state for d in Delivery.objects.order_by("pk")] == [S.FAILED, S.DELIVERED]


def test_endpoint_without_success_for_five_days_is_switched_off(engine: APIClient, peer: Peer, advance_clock) -> None:
    webhook = register(engine, peer)
    peer.answer = lambda received: Answer(500)
    happen()
    for _ in range(22):
        carry(webhook)
        advance_clock(timedelta(hours=13))
    assert Webhook.objects.get().disabled_reason == "The endpoint has accepted no message for five days."
    assert Delivery.objects.get().state == S.HELD


def test_rotated_secret_overlaps_with_the_former_one(engine: APIClient, peer: Peer, advance_clock) -> None:
    webhook = register(engine, peer)
    rotated = engine.post(f"{WEBHOOKS}/{webhook['id']}/rotate").json()
    seen: list[tuple[bytes, dict]] = []
    peer.watch = lambda headers, body: seen.append((body, headers))
    happen("ord_1")
    carry(webhook)
    for secret in (webhook["secret"], rotated["secret"]):
        assert Verifier(secret).verify(*seen[0])["data"]["order"] == "ord_1"
    advance_clock(timedelta(days=1, seconds=1))
    assert len(seen[0][1]["webhook-signature"].split()) == 2
    happen("ord_2")
    carry(webhook)
    assert len(seen[1][1]["webhook-signature"].split()) == 1


def verify_signatures(secrets: list[str], body: bytes, headers: dict) -> list[bool]:
    """Return for each secret whether its signature is in the header. An engine's library would find the clock moved."""
    sent_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    signatures = headers["webhook-signature"].split()
    return [Verifier(secret).sign(headers["webhook-id"], sent_at, body.decode()) in signatures for secret in secrets]


@pytest.mark.parametrize(
    ("hours_between", "hours_after", "expected"),
    [
        ((0, 0), 0, [True, True, True]),
        ((1, 5), 18.9, [True, True, True]),
        ((1, 5), 19.1, [False, True, True]),
        ((1, 5), 23.9, [False, True, True]),
        ((1, 5), 24.1, [False, False, True]),
        ((1, 25), 0, [False, True, True]),
    ],
)
def test_each_rotated_secret_signs_for_its_own_day(
    engine: APIClient, peer: Peer, advance_clock, hours_between: tuple, hours_after: float, expected: list[bool]
) -> None:
    """`hours_between` the rotations; the message is sent `hours_after` the last one."""
    webhook = register(engine, peer)
    secrets = [webhook["secret"]]
    for hours in hours_between:
        advance_clock(timedelta(hours=hours))
        secrets.append(engine.post(f"{WEBHOOKS}/{webhook['id']}/rotate").json()["secret"])
    advance_clock(timedelta(hours=hours_after))
    seen: list[tuple[bytes, dict]] = []
    peer.watch = lambda headers, body: seen.append((body, headers))
    happen()
    carry(webhook)
    assert verify_signatures(secrets, *seen[0]) == expected
    assert len(seen[0][1]["webhook-signature"].split()) == expected.count(True)


def test_signatures_stay_short_enough_for_a_header(engine: APIClient, peer: Peer, advance_clock) -> None:
    webhook = register(engine, peer)
    url = f"{WEBHOOKS}/{webhook['id']}/rotate"
    secrets = [engine.post(url).json()["secret"] for _ in range(20)]
    refused = engine.post(url)
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "The secret was rotated too often within a day. Rotate it again tomorrow.",
    )
    seen: list[tuple[bytes, dict]] = []
    peer.watch = lambda headers, body: seen.append((body, headers))
    happen()
    carry(webhook)
    assert verify_signatures([webhook["secret"], *secrets], *seen[0]) == [True] * 21
    assert len(seen[0][1]["webhook-signature"]) < 2000
    advance_clock(timedelta(days=1, seconds=1))
    assert engine.post(url).status_code == 200


def test_expired_secrets_are_deleted(engine: APIClient, peer: Peer, advance_clock) -> None:
    webhook = register(engine, peer)
    for _ in range(2):
        engine.post(f"{WEBHOOKS}/{webhook['id']}/rotate")
        advance_clock(timedelta(hours=13))
    clear_expired()
    assert FormerSecret.objects.count() == 1
    engine.delete(f"{WEBHOOKS}/{webhook['id']}")
    assert FormerSecret.objects.count() == 0


def test_test_message_is_sent_to_this_endpoint_only(engine: APIClient, peer: Peer) -> None:
    webhook, other = register(engine, peer), register(engine, peer)
    assert engine.post(f"{WEBHOOKS}/{webhook['id']}/test").status_code == 200
    carry(webhook)
    assert [r.body["data"] for r in peer.received] == [{"test": True}]
    assert Delivery.objects.filter(stream__name=f"webhook:{other['id']}").count() == 0


def test_removed_endpoint_hears_nothing_more(engine: APIClient, peer: Peer) -> None:
    webhook = register(engine, peer)
    happen("ord_1")
    assert engine.delete(f"{WEBHOOKS}/{webhook['id']}").status_code == 204
    carry(webhook)
    happen("ord_2")
    assert (peer.received, Delivery.objects.get().state) == ([], S.SUPERSEDED)


def test_webhook_of_another_engine_is_not_there(engine: APIClient, api: Api, peer: Peer) -> None:
    from tests import rows

    webhook = register(engine, peer)
    other = api(rows.make_token())
    assert other.get(WEBHOOKS).json()["results"] == []
    for method in ("get", "patch", "delete"):
        assert getattr(other, method)(f"{WEBHOOKS}/{webhook['id']}").status_code == 404
    for act in ("rotate", "test"):
        assert other.post(f"{WEBHOOKS}/{webhook['id']}/{act}").status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "http://engine.example/hook",
        "https://127.0.0.1/hook",
        "https://localhost/hook",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://user@engine.example/",
        "https://engine.example/#part",
        "ftp://engine.example/",
        "https://engine.example\\@evil.example/",
        "https://portal.internal/",
    ],
)
def test_address_that_is_not_public_https_is_refused(engine: APIClient, db: None, url: str) -> None:
    answer = engine.post(WEBHOOKS, {"url": url, "events": ["order.created"]})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "url")


def test_name_that_leads_to_a_private_address_is_not_called(engine: APIClient, peer: Peer, settings) -> None:
    """The IP address of a name may change: the one that is connected to counts."""
    webhook = register(engine, peer)
    Webhook.objects.update(url=peer.url.replace("http://127.0.0.1", "https://localhost"))
    settings.WEBHOOKS_ALLOW_PRIVATE = False
    happen()
    carry(webhook)
    assert Attempt.objects.get().error == "the host has a private IP address"


@pytest.mark.parametrize(
    "body", [{}, {"url": "https://engine.example/"}, {"url": "https://engine.example/", "events": []}]
)
def test_registration_without_what_it_needs_is_refused(engine: APIClient, body: dict) -> None:
    assert engine.post(WEBHOOKS, body).status_code == 422


def test_events_by_pull_go_on_behind_the_cursor(engine: APIClient, connection: Connection) -> None:
    for number in range(3):
        events.record_order_event(EventType.ORDER_CREATED, f"ord_{number}")
    events.record_connection_event(EventType.CONNECTION_ENABLED, connection)
    first = engine.get("/api/vendor/v1/events?limit=3").json()
    assert [event["data"]["order"] for event in first["results"]] == ["ord_0", "ord_1", "ord_2"]
    second = engine.get(first["next"].removeprefix("http://localhost:8000")).json()
    assert second["next"] is None
    assert second["results"] == [
        {
            "type": "connection.enabled",
            "timestamp": second["results"][0]["timestamp"],
            "data": {"customer": connection.customer_id, "company_id": "northwind"},
            "cursor": "4",
        }
    ]
    assert engine.get("/api/vendor/v1/events?after=4").json() == {"results": [], "next": None}


def test_event_committed_late_is_numbered_late_and_never_skipped(engine: APIClient) -> None:
    """Its id is lower than the others', but it was committed after them: a cursor over ids would skip it."""
    late = Event.objects.create(type=EventType.ORDER_CREATED, content={"order": "late"})
    pk = late.pk
    late.delete()
    happen("ord_1")
    Event.objects.create(pk=pk, type=EventType.ORDER_CREATED, content={"order": "late"})
    found = engine.get("/api/vendor/v1/events?after=1").json()["results"]
    assert [event["data"]["order"] for event in found] == ["late"]


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 30])
def test_cursor_that_is_none_is_refused(engine: APIClient, after: str) -> None:
    assert engine.get("/api/vendor/v1/events", {"after": after}).status_code == 422


def test_numbering_by_one_who_lost_the_lease_leaves_it_to_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    events.record_order_event(EventType.ORDER_CREATED, "ord_1")
    true_take = leases.acquire

    def taken_over(stream_id: int, seconds: float) -> leases.Lease | None:
        lease = true_take(stream_id, seconds)
        Stream.objects.filter(pk=stream_id).update(fence=99)
        return lease

    with monkeypatch.context() as patch:
        patch.setattr(leases, "acquire", taken_over)
        assert events.assign_numbers() == 0
    Stream.objects.update(lease_expires_at=None)
    assert events.assign_numbers() == 1
