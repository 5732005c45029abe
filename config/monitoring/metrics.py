"""Prometheus metrics at `/metrics`, queried from the database, so that every process returns the same.

404 unless METRICS_TOKEN is set; requires `Authorization: Bearer METRICS_TOKEN`. Without personal data.
"""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.registry import Collector

from config.errors import PLAIN_TEXT
from integrations.models import Connection, ConnectionState, RefusedCall
from integrations.outbox import clock, statistics
from integrations.outbox.models import Delivery, Heartbeat
from orders.models import Order, Status


class PortalCollector(Collector):
    def collect(self) -> Iterator[Gauge]:
        yield _delivery_gauge()
        yield _oldest_due_gauge()
        yield _order_gauge()
        yield _connection_gauge()
        yield _refused_call_gauge()
        yield _heartbeat_gauge()


def _age_seconds(at: datetime) -> float:
    return max(0.0, (clock.now() - at).total_seconds())


def _delivery_gauge() -> Gauge:
    gauge = Gauge("portal_deliveries", "Deliveries by kind and state.", labels=["kind", "state"])
    for row in Delivery.objects.order_by("kind", "state").values("kind", "state").annotate(count=Count("pk")):
        gauge.add_metric([row["kind"], row["state"]], row["count"])
    return gauge


def _oldest_due_gauge() -> Gauge:
    oldest = statistics.summarize_due().since
    age = _age_seconds(oldest) if oldest else 0
    return Gauge("portal_oldest_due_delivery_age_seconds", "How long the oldest due delivery has waited.", age)


def _order_gauge() -> Gauge:
    counts = dict.fromkeys(Status.values, 0)
    for status, count in Order.objects.order_by().values_list("status").annotate(Count("pk")):
        counts[Status(status)] += count
    gauge = Gauge("portal_orders", "Orders by status.", labels=["status"])
    for status, count in counts.items():
        gauge.add_metric([status], count)
    return gauge


def _connection_gauge() -> Gauge:
    counts = dict(Connection.objects.order_by().values_list("state").annotate(Count("pk")))
    gauge = Gauge("portal_connections", "Connections by state.", labels=["state"])
    for state in ConnectionState.values:
        gauge.add_metric([state], counts.get(state, 0))
    return gauge


def _refused_call_gauge() -> Gauge:
    description = "Refused calls of SmartRecruiters that admin lists."
    gauge = Gauge("portal_refused_calls", description, labels=["endpoint", "status"])
    counts = RefusedCall.objects.order_by("endpoint", "status").values_list("endpoint", "status")
    for endpoint, status, count in counts.annotate(Sum("count")):
        gauge.add_metric([endpoint, str(status)], count)
    return gauge


def _heartbeat_gauge() -> Gauge:
    gauge = Gauge("portal_worker_heartbeat_age_seconds", "Seconds since each worker was last seen.", labels=["worker"])
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
        refused = HttpResponse("Send METRICS_TOKEN as a bearer token.\n", status=401, content_type=PLAIN_TEXT)
        refused["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return refused
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
