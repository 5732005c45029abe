"""Statements of orders/api/README.md that no other test covers. `tests/interface.py` has all of them."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from integrations.api.idempotency import IdempotentAPIView
from integrations.models import Connection, EventType, IdempotencyRecord, PartnerConfiguration
from integrations.outbox.models import Delivery
from integrations.webhooks import events
from orders.models import Order
from tests.orders import bodies

pytestmark = pytest.mark.django_db
API = "/api/vendor/v1"
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
HOOK = {"url": "https://engine.example/hook", "events": ["order.created"]}


def leaves(patterns: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each route below these patterns with its view."""
    for each in patterns:
        if isinstance(each, URLPattern):
            yield prefix + str(each.pattern), getattr(each.callback, "cls", None)
        else:
            yield from leaves(each.url_patterns, prefix + str(each.pattern))


def test_every_post_takes_an_idempotency_key() -> None:
    views = [view for route, view in leaves(get_resolver().url_patterns) if "api/vendor/v1" in route]
    posts = [view for view in views if hasattr(view, "post")]
    assert len(posts) == 7
    assert [view.__name__ for view in posts if not issubclass(view, IdempotentAPIView)] == []


@pytest.mark.parametrize("path", ["packages", "customers", "orders", "webhooks"])
def test_every_list_has_this_shape(engine: APIClient, path: str) -> None:
    assert engine.get(f"{API}/{path}").json() == {"results": [], "next": None, "previous": None}


def test_answer_from_500_on_is_not_kept(
    engine: APIClient, order: Order, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ROOT = tmp_path

    def upload() -> int:
        file = SimpleUploadedFile("report.pdf", PDF, "application/pdf")
        headers = {"Idempotency-Key": "k1"}
        path = f"{API}/orders/{order.pk}/attachments"
        status: int = engine.post(path, {"file": file}, format="multipart", headers=headers).status_code
        return status

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        assert upload() == 503
    assert not IdempotencyRecord.objects.exists()
    assert [upload(), upload()] == [201, 201]


def test_missing_body_counts_as_an_empty_object_at_every_post(engine: APIClient, order: Order) -> None:
    webhook = engine.post(f"{API}/webhooks", HOOK).json()["id"]
    wanted = {
        "orders/lease": 200,
        f"orders/{order.pk}/accept": 200,
        f"orders/{order.pk}/result/preview": 200,
        f"orders/{order.pk}/attachments": 422,
        "webhooks": 422,
        f"webhooks/{webhook}/rotate": 200,
        f"webhooks/{webhook}/test": 200,
    }
    assert {path: engine.generic("POST", f"{API}/{path}").status_code for path in wanted} == wanted
    assert engine.generic("PATCH", f"{API}/orders/{order.pk}/result").status_code == 200


def test_lease_is_of_ten_orders_for_a_minute(engine: APIClient, order: Order, connection: Connection) -> None:
    made = [order.pk, *(bodies.place_order(connection).pk for _ in range(10))]
    leased = engine.post(f"{API}/orders/lease", {}).json()["orders"]
    assert [each["id"] for each in leased] == made[:10]
    ends = datetime.fromisoformat(leased[0]["lease_expires_at"])
    assert abs(ends - timezone.now() - timedelta(seconds=60)) < timedelta(seconds=10)


def test_webhook_hears_only_of_what_happens_after_its_post(engine: APIClient) -> None:
    events.record_order_event(EventType.ORDER_CREATED, "ord_before")
    engine.post(f"{API}/webhooks", HOOK)
    events.record_order_event(EventType.ORDER_CREATED, "ord_after")
    events.record_order_event(EventType.ORDER_EXPIRED, "ord_of_another_type")
    assert events.assign_numbers() == 3
    assert [each.subject for each in Delivery.objects.filter(kind="webhook")] == ["ord_after"]


def test_webhooks_secret_comes_from_post_and_rotate_alone(engine: APIClient) -> None:
    made = engine.post(f"{API}/webhooks", HOOK).json()
    path = f"{API}/webhooks/{made['id']}"
    secret = made.pop("secret")
    assert made == {"id": made["id"], **HOOK}
    rotated = engine.post(f"{path}/rotate").json()
    assert rotated == {**made, "secret": rotated["secret"]}
    assert rotated["secret"] != secret
    assert engine.get(f"{API}/webhooks").json()["results"] == [made]
    changed = engine.patch(path, {"events": ["order.expired", "delivery.failed"]})
    assert (changed.status_code, changed.json()) == (200, {**made, "events": ["order.expired", "delivery.failed"]})
    assert engine.delete(path).status_code == 204


def test_disabled_connection_is_an_event_whatever_is_subscribed(
    engine: APIClient, api: Any, connection: Connection
) -> None:
    key = PartnerConfiguration.load().disable_key
    for _ in range(2):
        api().delete(f"/smartrecruiters/{key}/integrations/companies/northwind")
    [event] = engine.get(f"{API}/events").json()["results"]
    assert event == {
        "type": "connection.disabled",
        "timestamp": event["timestamp"],
        "data": {"customer": connection.customer_id, "company_id": "northwind"},
        "cursor": "1",
    }
    assert datetime.fromisoformat(event["timestamp"]).utcoffset() == timedelta(0)


def test_webhooks_alone_have_a_setting_for_private_hosts(engine: APIClient, order: Order, settings: Any) -> None:
    """On a loopback portal the candidate may be sent to loopback, a webhook may not."""
    local = "http://localhost:9/x"
    assert engine.post(f"{API}/orders/{order.pk}/accept", {"launch_url": local}).status_code == 200
    assert engine.post(f"{API}/webhooks", {**HOOK, "url": local}).status_code == 422
    settings.WEBHOOKS_ALLOW_PRIVATE = True
    assert engine.post(f"{API}/webhooks", {**HOOK, "url": local}).status_code == 201


@pytest.mark.parametrize("query", ["", "?after=", "?after=0"])
def test_events_begin_where_no_cursor_is_named(engine: APIClient, order: Order, query: str) -> None:
    [event] = engine.get(f"{API}/events{query}").json()["results"]
    assert (event["type"], event["data"]["order"]) == ("order.created", order.pk)
