from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders import reconciliation

COLUMNS = ("reported", "confirmed", "waiting", "held", "unknown", "failed", "gap")


class Command(BaseCommand):
    help = (
        "Compare what was reported with what SmartRecruiters confirmed, what is on its way, and what stopped where "
        "staff see it. Exits with 1 when a report is none of these."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        row = reconciliation.reconcile()
        self.stdout.write(", ".join(f"{name} {getattr(row, name)}" for name in COLUMNS))
        if row.gap:
            raise CommandError("\n".join(f"{order_id}: {why}" for order_id, why in row.gaps.items()), returncode=1)
