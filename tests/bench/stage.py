"""Test bed for measurements: a running portal with connections and orders. This process shares its database."""

import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import django

from integrations.simulator.control import ControlClient
from tests.e2e.world import World, wait_for

Json = dict[str, Any]
PACKAGE_TYPE = "SKILL_TEST"


class Stage:
    """World without an engine: the benchmark reports results by the same domain function as the engine API."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.world = World(folder, engine=False, **settings)
        self.companies: list[str] = []

    def __enter__(self) -> "Stage":
        self.world.__enter__()
        os.environ.update(self.world.environment)
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        django.setup()
        self.package = self.world.package_ids(PACKAGE_TYPE)[0]
        return self

    def __exit__(self, *error: object) -> None:
        self.world.__exit__(*error)

    @property
    def control(self) -> ControlClient:
        return self.world.control

    def connect_companies(self, count: int) -> list[str]:
        """Add `count` companies with a live connection each, and return their ids."""
        from integrations.audit import Actor
        from integrations.connections import lifecycle
        from integrations.models import Connection, Consent, User

        admin = User.objects.filter(memberships__isnull=False).order_by("pk").first()
        assert admin is not None
        added = [f"bench-{len(self.companies) + number}" for number in range(count)]
        for company in added:
            self.control.add_company(company)
            self.control.grant_consent(company)
            consent = Consent.objects.create(company_id=company, mode="REDIRECT")
            lifecycle.approve_consent(consent, actor=Actor(admin), customer=admin.customers.get())
        live = Connection.objects.filter(company_id__in=added, state="live")
        wait_for("the connections", lambda: live.count() == count, 120 + count * 2)
        self.companies += added
        return added

    def place_orders(self, company: str, count: int) -> list[str]:
        """Place orders by the simulator, and return their ids there."""
        placed = ControlClient(self.world.simulator.url).place_orders(
            company, self.package, count=count, parallel=8, retries=5
        )
        assert all(order["accepted"] for order in placed), [order for order in placed if not order["accepted"]][:3]
        return [order["order_id"] for order in placed]

    def place_everywhere(self, companies: Iterable[str], count: int) -> list[str]:
        with ThreadPoolExecutor(4) as pool:
            return [
                order
                for orders in pool.map(lambda company: self.place_orders(company, count), companies)
                for order in orders
            ]

    def report_results(self, orders: Iterable[str], **result: Any) -> int:
        """Report a result of each order, as the engine API would. Nothing is sent while the streams are on hold."""
        from orders import results
        from orders.models import Order

        count = 0
        for order in Order.objects.filter(smartrecruiters_order_id__in=list(orders)).only("pk"):
            score = {"raw": 28, "min": 20, "max": 80}
            results.report(order.pk, {"status": "COMPLETED", "score": score, **result}, by="bench")
            count += 1
        return count

    def hold_streams(self, companies: Iterable[str]) -> None:
        from integrations.models import Connection
        from integrations.outbox import deliveries

        for connection in Connection.objects.filter(company_id__in=list(companies)):
            deliveries.hold_stream(connection.stream_name, "until the benchmark begins")

    def release_streams(self, companies: Iterable[str]) -> float:
        """Release all streams in one transaction, and return the time in seconds since 1970."""
        from django.db import transaction

        from integrations.models import Connection
        from integrations.outbox import deliveries

        with transaction.atomic():
            for connection in Connection.objects.filter(company_id__in=list(companies)):
                deliveries.release_stream(connection.stream_name)
        return time.time()

    def wait_until_drained(self, companies: Iterable[str]) -> None:
        """Wait until these companies have no pending deliveries."""
        from integrations.models import Connection
        from integrations.outbox.models import Delivery

        names = [c.stream_name for c in Connection.objects.filter(company_id__in=list(companies))]
        waiting = Delivery.objects.filter(stream__name__in=names, state__in=["pending", "in_flight"])
        wait_for("the backlog to drain", lambda: not waiting.exists(), 900)

    def recorded_calls(self, since: int, route: str = "result") -> list[Json]:
        """Return the calls of one route since a cursor of the simulator's ledger."""
        return [event for event in self.control.iterate_events(since, kinds="call") if event["route"] == route]


def print_progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")
