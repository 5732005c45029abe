"""Prometheus metrics that processes count as things happen, so that `/metrics` costs the same at any size.

With PROMETHEUS_MULTIPROC_DIR, which the supervisor sets, the processes of a machine share their counts through files in
that folder (prometheus_client's multiprocess mode). Prometheus adds up machines.
"""

from functools import partial

from django.db import transaction
from prometheus_client import Counter, Histogram

ORDERS = Counter("portal_orders", "Orders accepted, without repeats.", ["kind"])
REPORTS = Counter("portal_reports", "Reports of an engine or of staff that changed an order's status.", ["status"])
DELIVERIES_CREATED = Counter("portal_deliveries_created", "Deliveries created.", ["kind"])
DELIVERIES_FINISHED = Counter("portal_deliveries_finished", "Deliveries that reached a final state.", ["state"])
ATTEMPTS = Counter("portal_attempts", "Attempts of deliveries.", ["kind", "outcome"])
RESULT_DELAY = Histogram(
    "portal_result_delay_seconds",
    "Time from a report to its delivery to SmartRecruiters.",
    buckets=(0.5, 1, 2, 5, 15, 60, 300, 1800, 7200, 86400),
)
REFUSED_REQUESTS = Counter(
    "portal_refused_requests",
    "Requests that the web server refused: too slow, too large, cut off or malformed.",
    ["status"],
)
REQUEST_SECONDS = Histogram(
    "portal_request_seconds",
    "Time to answer requests of programs.",
    ["method", "view", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)


def count_on_commit(counter: Counter, amount: int = 1, **labels: str) -> None:
    """Increment the counter when the current transaction commits."""
    transaction.on_commit(partial(counter.labels(**labels).inc, amount))
