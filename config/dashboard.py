"""What staff see first: what needs a hand, how it goes, and what an empty portal still lacks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Count, Max, Min
from django.urls import reverse
from django.utils.http import urlencode

from config import checklist
from integrations.models import Connection, ConnectionState, Webhook
from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState, Heartbeat, Stream
from orders.models import Order, Reconciliation, Status

LATE = timedelta(minutes=5)
SILENT = timedelta(minutes=2)
GAPS_SHOWN = 50
REASONS_SHOWN = 8


@dataclass(frozen=True)
class Trouble:
    """Something that needs a hand: what, how much of it, since when, and where it is mended."""

    what: str
    count: int
    since: datetime | None
    url: str
    verb: str
    state: str


def overview() -> dict[str, Any]:
    steps = checklist.steps()
    return {
        "troubles": troubles(),
        "steps": steps,
        "steps_done": sum(step.is_done for step in steps),
        "is_set_up": all(step.is_done for step in steps),
        "status_counts": status_counts(),
        "oldest_due": oldest_due(),
        "last_heartbeat": last_heartbeat(),
        "now": clock.now(),
    }


def changelist(model: str, **query: str) -> str:
    return reverse(f"admin:{model}_changelist") + (f"?{urlencode(query)}" if query else "")


def troubles() -> list[Trouble]:
    return [*_gap(), *_connections(), *_streams(), *_webhooks(), *_deliveries(), *_late(), *_silent()]


def _connections() -> Iterable[Trouble]:
    for connection in Connection.objects.filter(state=ConnectionState.NEEDS_RECONNECT).select_related("customer"):
        yield Trouble(
            what=f"{connection.customer} ({connection.company_id}) needs a reconnect. {connection.reason}",
            count=1,
            since=connection.updated_at,
            url=reverse("admin:integrations_connection_change", args=[quote(connection.pk)]),
            verb="See what to do",
            state=connection.state,
        )


def _streams() -> Iterable[Trouble]:
    """Held streams that belong to no connection: the master pair's, e-mail's."""
    for stream in Stream.objects.exclude(held_reason="").exclude(name__contains=":"):
        yield Trouble(
            what=f"Nothing of “{stream}” is sent. {stream.held_reason}",
            count=1,
            since=None,
            url=reverse("admin:outbox_stream_change", args=[stream.pk]),
            verb="See what to do",
            state=DeliveryState.HELD,
        )


def _webhooks() -> Iterable[Trouble]:
    for webhook in Webhook.objects.exclude(off_reason="").select_related("client"):
        yield Trouble(
            what=f"The endpoint {webhook.url} of “{webhook.client.name}” is off. {webhook.off_reason}",
            count=1,
            since=webhook.last_success_at,
            url=reverse("admin:integrations_webhook_change", args=[quote(webhook.pk)]),
            verb="See and switch on",
            state=DeliveryState.HELD,
        )


def _gap() -> Iterable[Trouble]:
    """What the hourly comparison found that nothing else shows."""
    last = Reconciliation.objects.first()
    if last is not None and last.gap:
        yield Trouble(
            what="Results were reported, and are neither in SmartRecruiters nor on their way",
            count=last.gap,
            since=last.at,
            url=changelist("orders_order", id__in=",".join(list(last.gaps)[:GAPS_SHOWN])),
            verb="See the orders",
            state=DeliveryState.FAILED,
        )


def _silent() -> Iterable[Trouble]:
    seen = last_heartbeat()
    if seen is not None and clock.now() - seen > SILENT:
        yield Trouble(
            what="No worker has been seen for a while: nothing is sent.",
            count=1,
            since=seen,
            url=changelist("outbox_stream"),
            verb="See what waits",
            state=DeliveryState.HELD,
        )


def last_heartbeat() -> datetime | None:
    newest: datetime | None = Heartbeat.objects.aggregate(newest=Max("at"))["newest"]
    return newest


def _deliveries() -> Iterable[Trouble]:
    states = (DeliveryState.FAILED, DeliveryState.UNKNOWN)
    groups = (
        Delivery.objects.filter(state__in=states)
        .order_by()
        .values("state", "kind", "reason")
        .annotate(count=Count("pk"), since=Min("created_at"))
        .order_by("-count")[:REASONS_SHOWN]
    )
    for group in groups:
        kind = group["kind"].replace("_", " ")
        said = "failed" if group["state"] == DeliveryState.FAILED else "may have been sent or not"
        yield Trouble(
            what=f"{kind.capitalize()} {said}: {group['reason']}" if group["reason"] else f"{kind.capitalize()} {said}",
            count=group["count"],
            since=group["since"],
            url=changelist("outbox_delivery", state__exact=group["state"], kind__exact=group["kind"]),
            verb="See and send again",
            state=group["state"],
        )


def oldest_due() -> datetime | None:
    due = Delivery.objects.filter(state=DeliveryState.PENDING, due_at__lte=clock.now())
    oldest: datetime | None = due.aggregate(oldest=Min("due_at"))["oldest"]
    return oldest


def _late() -> Iterable[Trouble]:
    oldest = oldest_due()
    if oldest is not None and clock.now() - oldest > LATE:
        count = Delivery.objects.filter(state=DeliveryState.PENDING, due_at__lte=clock.now()).count()
        yield Trouble(
            what="Deliveries are due and nobody carries them. Is a worker running?",
            count=count,
            since=oldest,
            url=changelist("outbox_delivery", state__exact=DeliveryState.PENDING),
            verb="See them",
            state=DeliveryState.PENDING,
        )


def status_counts() -> list[dict[str, Any]]:
    """Orders of the last 30 days by status; one without a report is pending."""
    recent = Order.objects.filter(created_at__gte=clock.now() - timedelta(days=30)).order_by()
    counts = dict(recent.values_list("status").annotate(count=Count("pk")))
    counts[Status.PENDING] = counts.get(Status.PENDING, 0) + counts.pop("", 0)
    return [
        {"status": status, "count": counts.get(status, 0), "url": changelist("orders_order", status=status)}
        for status in Status.values
    ]
