"""Witness: queries of the portal's database, repeated while it is unavailable, and the actions of staff."""

import io
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.db import DatabaseError, close_old_connections, connection
from django.db.models import Count

T = TypeVar("T")
WAITING_STATES = ("pending", "in_flight")


def open_portal(environment: Mapping[str, str]) -> dict[str, Any]:
    """Set up Django on the portal's database, seed it, and return the output of `seed_demo`."""
    os.environ.update(environment, DJANGO_SETTINGS_MODULE="config.settings")
    import django
    from django.core.management import call_command

    django.setup()
    from integrations.database.limits import use_worker_limits

    use_worker_limits()
    output = io.StringIO()
    call_command("seed_demo", json=True, stdout=output)
    data: dict[str, Any] = json.loads(output.getvalue())
    return data


class Witness:
    def __init__(self) -> None:
        from integrations.models import Connection
        from integrations.outbox.models import Delivery
        from orders.models import Order

        self._connections, self._deliveries, self._orders = Connection.objects, Delivery.objects, Order.objects

    def _run_query(self, query: Callable[[], T], patience: float = 30) -> T:
        deadline = time.monotonic() + patience
        while True:
            try:
                close_old_connections()
                return query()
            except DatabaseError:
                connection.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)

    def connection_state(self, company: str) -> str:
        states = self._connections.filter(company_id=company).values_list("state", flat=True)
        return str(self._run_query(states.first) or "")

    def count_states(self, **filters: str) -> dict[str, int]:
        rows = self._deliveries.filter(**filters).order_by().values_list("state").annotate(Count("pk"))
        return dict(self._run_query(lambda: list(rows)))

    def count_waiting(self) -> int:
        """Return the number of results and uploads that have not reached a final state."""
        kinds = (self.count_states(kind="result"), self.count_states(kind="upload"))
        return sum(states.get(state, 0) for states in kinds for state in (*WAITING_STATES, "held", "unknown"))

    def order_ids(self) -> list[str]:
        """Return SmartRecruiters' ids of all stored orders."""
        return self._run_query(lambda: list(self._orders.values_list("smartrecruiters_order_id", flat=True)))

    def replay_failed(self) -> int:
        """Replay failed results (dead letters), as staff would once the cause is gone."""
        from integrations.outbox.models import DeliveryState

        failed = self._run_query(lambda: list(self._deliveries.filter(kind="result", state=DeliveryState.FAILED)))
        return sum(self._run_query(lambda d=delivery: self._replay_delivery(d)) for delivery in failed)

    def settle_unknown(self, find_digests: Callable[[str], set[str]]) -> int:
        """Resolve uploads with an unknown outcome, as staff would: look at SmartRecruiters, then confirm or send again.

        `find_digests` returns the digests of the files that SmartRecruiters has of an order.
        """
        from integrations.outbox import deliveries
        from integrations.outbox.models import DeliveryState
        from orders import uploads

        unknown = self._run_query(lambda: list(self._deliveries.filter(kind="upload", state=DeliveryState.UNKNOWN)))
        for delivery in unknown:
            upload = self._run_query(lambda d=delivery: uploads.load_upload(d))
            has_arrived = upload.digest in find_digests(upload.order.smartrecruiters_order_id)
            self._run_query(
                lambda d=delivery, resolve=deliveries.mark_delivered if has_arrived else deliveries.replay: resolve(d)
            )
        return len(unknown)

    def prefer_uploads(self, company: str) -> None:
        """Let this company receive files instead of links."""
        self._run_query(lambda: self._connections.filter(company_id=company).update(report_delivery="upload"))

    def _replay_delivery(self, delivery: Any) -> int:
        from integrations.outbox import deliveries

        try:
            deliveries.replay(delivery)
        except deliveries.NotReplayableError:
            return 0
        return 1

    def describe_oldest(self, limit: int = 5) -> list[str]:
        rows = self._deliveries.filter(kind="result", state__in=[*WAITING_STATES, "held", "failed"]).order_by("pk")
        deliveries = self._run_query(lambda: list(rows.select_related("stream")[:limit]))
        return [
            f"{d.subject} {d.state} failures={d.failures} due={d.due_at:%H:%M:%S} {d.reason[:120]}; {d.stream.name}"
            f" lease={d.stream.lease_expires_at} held={d.stream.held_reason!r} paused={d.stream.paused_until}"
            for d in deliveries
        ]
