"""Looks at the portal's rows from outside. A database that is away is asked again."""

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
    """Make this process one of the portal's, its database too; what `seed_demo` made."""
    os.environ.update(environment, PORTAL_WORKER="1", DJANGO_SETTINGS_MODULE="config.settings")
    import django
    from django.core.management import call_command

    django.setup()
    seeded = io.StringIO()
    call_command("seed_demo", json=True, stdout=seeded)
    found: dict[str, Any] = json.loads(seeded.getvalue())
    return found


class Witness:
    def __init__(self) -> None:
        from integrations.models import Connection
        from integrations.outbox.models import Delivery
        from orders.models import Order

        self._connections, self._deliveries, self._orders = Connection.objects, Delivery.objects, Order.objects

    def _run_query(self, question: Callable[[], T], patience: float = 30) -> T:
        deadline = time.monotonic() + patience
        while True:
            try:
                close_old_connections()
                return question()
            except DatabaseError:
                connection.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)

    def connection_state(self, company: str) -> str:
        found = self._run_query(
            lambda: self._connections.filter(company_id=company).values_list("state", flat=True).first()
        )
        return str(found or "")

    def count_states(self, **which: str) -> dict[str, int]:
        rows = self._deliveries.filter(**which).order_by().values_list("state").annotate(Count("pk"))
        return dict(self._run_query(lambda: list(rows)))

    def count_waiting(self) -> int:
        """What of results and uploads has not come to an end."""
        kinds = (self.count_states(kind="result"), self.count_states(kind="upload"))
        return sum(states.get(state, 0) for states in kinds for state in (*WAITING_STATES, "held", "unknown"))

    def order_ids(self) -> list[str]:
        """SmartRecruiters' ids of all orders here."""
        return self._run_query(lambda: list(self._orders.values_list("smartrecruiters_order_id", flat=True)))

    def replay_failed(self) -> int:
        """What staff do with dead letters once the cause is gone."""
        from integrations.outbox.models import DeliveryState

        failed = self._run_query(lambda: list(self._deliveries.filter(kind="result", state=DeliveryState.FAILED)))
        return sum(self._run_query(lambda d=delivery: self._replay_delivery(d)) for delivery in failed)

    def settle_unknown(self, find_digests: Callable[[str], set[str]]) -> int:
        """What staff do with an upload that nobody knows of: look at SmartRecruiters, and say so or send it again.

        `find_digests`: the digests of what SmartRecruiters was given of an order, by its id there.
        """
        from integrations.outbox import deliveries
        from integrations.outbox.models import DeliveryState
        from orders import uploads

        unknown = self._run_query(lambda: list(self._deliveries.filter(kind="upload", state=DeliveryState.UNKNOWN)))
        for delivery in unknown:
            upload = self._run_query(lambda d=delivery: uploads.load_upload(d))
            is_there = upload.digest in find_digests(upload.order.smartrecruiters_order_id)
            self._run_query(lambda d=delivery, act=deliveries.mark_delivered if is_there else deliveries.replay: act(d))
        return len(unknown)

    def prefer_uploads(self, company: str) -> None:
        """This company gets files, not links."""
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
        found = self._run_query(lambda: list(rows.select_related("stream")[:limit]))
        return [
            f"{d.subject} {d.state} failures={d.failures} due={d.due_at:%H:%M:%S} {d.reason[:120]}; {d.stream.name}"
            f" lease={d.stream.lease_expires_at} held={d.stream.held_reason!r} paused={d.stream.paused_until}"
            for d in found
        ]
