"""Prometheus metrics at `/metrics`, without personal data: counts of all processes, and a few figures of the database.

404 unless METRICS_TOKEN is set; requires `Authorization: Bearer METRICS_TOKEN`. No metric counts rows of a table
that grows: events are counted when they happen (`integrations/metrics.py`).
"""

import os
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from config.errors import PLAIN_TEXT
from integrations.models import Connection, ConnectionState, RefusedCall
from integrations.outbox import clock, statistics
from integrations.outbox.models import Delivery, Heartbeat


class DatabaseCollector(Collector):
    def collect(self) -> Iterator[Gauge]:
        yield _stuck_gauge()
        yield _oldest_due_gauge()
        yield _connection_gauge()
        yield _refused_call_gauge()
        yield _heartbeat_gauge()


def _age_seconds(at: datetime) -> float:
    return max(0.0, (clock.now() - at).total_seconds())


def _stuck_gauge() -> Gauge:
    gauge = Gauge(
        "portal_stuck_deliveries",
        "Deliveries that failed, are uncertain or are on hold, by kind and state.",
        labels=["kind", "state"],
    )
    stuck = Delivery.objects.filter(state__in=statistics.STUCK_STATES).order_by("kind", "state")
    for kind, state, count in stuck.values_list("kind", "state").annotate(Count("pk")):
        gauge.add_metric([kind, state], count)
    return gauge


def _oldest_due_gauge() -> Gauge:
    oldest = statistics.find_oldest_due()
    age = _age_seconds(oldest) if oldest else 0
    return Gauge("portal_oldest_due_delivery_age_seconds", "How long the oldest due delivery has waited.", age)


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


def collect_metrics() -> bytes:
    """Return all metrics in Prometheus' text format: the machine's processes together, or this process alone."""
    counted = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    figures = CollectorRegistry(auto_describe=False)
    figures.register(DatabaseCollector())
    return generate_latest(counted) + generate_latest(figures)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not constant_time_compare(token.strip(), settings.METRICS_TOKEN):
        refused = HttpResponse("Send METRICS_TOKEN as a bearer token.\n", status=401, content_type=PLAIN_TEXT)
        refused["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return refused
    return HttpResponse(collect_metrics(), content_type=CONTENT_TYPE_LATEST)
