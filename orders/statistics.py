"""Statistics of orders for staff's overview."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count

from integrations.outbox import statistics
from orders.models import Order, Status


@dataclass(frozen=True)
class DailyOrders:
    """The number of orders that were placed on one day, by their present status."""

    day: date
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def count_daily_orders() -> list[DailyOrders]:
    """Return the orders of each day shown, by `Order.reported_status`."""
    days = {day: dict.fromkeys(Status.values, 0) for day in statistics.list_days()}
    rows = (
        Order.objects.filter(created_at__gte=statistics.window_start())
        .order_by()
        .values("status", day=statistics.utc_day("created_at"))
    )
    for row in rows.annotate(count=Count("pk")):
        if counts := days.get(date.fromisoformat(row["day"])):
            counts[Status(row["status"])] += row["count"]
    return [DailyOrders(day, counts) for day, counts in days.items()]
