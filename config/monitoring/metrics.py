"""`/metrics` for Prometheus: counted in the database when it asks, so that it is the same of every process.

There only where METRICS_TOKEN is set, for who sends `Authorization: Bearer METRICS_TOKEN`. Nothing of a person in it.
"""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.registry import Collector

from integrations.models import Connection, ConnectionState
from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState, Heartbeat
from orders.models import Order, Status


class PortalCollector(Collector):
    def collect(self) -> Iterator[Gauge]:
        yield _delivery_gauge()
        yield _oldest_due_gauge()
        yield _order_gauge()
        yield _connection_gauge()
        yield _heartbeat_gauge()


def _age_seconds(at: datetime) -> float:
    return max(0.0, (clock.now() - at).total_seconds())


def _delivery_gauge() -> Gauge:
    gauge = Gauge("portal_deliveries", "Deliveries by kind and state.", labels=["kind", "state"])
    for row in Delivery.objects.order_by("kind", "state").values("kind", "state").annotate(count=Count("pk")):
        gauge.add_metric([row["kind"], row["state"]], row["count"])
    return gauge


def _oldest_due_gauge() -> Gauge:
    due = Delivery.objects.filter(state=DeliveryState.PENDING, due_at__lte=clock.now())
    oldest = due.aggregate(oldest=Min("due_at"))["oldest"]
    age = _age_seconds(oldest) if oldest else 0
    return Gauge("portal_oldest_due_delivery_age_seconds", "For how long the oldest due delivery has waited.", age)


def _order_gauge() -> Gauge:
    """By the status that the engine's API tells: without any report an order is pending."""
    counts = dict.fromkeys(Status.values, 0)
    for status, count in Order.objects.order_by().values_list("status").annotate(Count("pk")):
        counts[status or Status.PENDING.value] += count
    gauge = Gauge("portal_orders", "Orders by status.", labels=["status"])
    for status, count in counts.items():
        gauge.add_metric([status], count)
    return gauge


def _connection_gauge() -> Gauge:
    found = dict(Connection.objects.order_by().values_list("state").annotate(Count("pk")))
    gauge = Gauge("portal_connections", "Connections by state.", labels=["state"])
    for state in ConnectionState.values:
        gauge.add_metric([state], found.get(state, 0))
    return gauge


def _heartbeat_gauge() -> Gauge:
    gauge = Gauge("portal_worker_heartbeat_age_seconds", "Since each worker was last seen.", labels=["worker"])
    for heartbeat in Heartbeat.objects.all():
        gauge.add_metric([heartbeat.worker], _age_seconds(heartbeat.at))
    return gauge


registry = CollectorRegistry(auto_describe=False)
registry.register(PortalCollector())


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not constant_time_compare(token.strip(), settings.METRICS_TOKEN):
        refused = HttpResponse("Send the token of METRICS_TOKEN as a bearer.\n", status=401, content_type="text/plain")
        refused["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return refused
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
