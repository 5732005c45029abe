from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders import reconciliation

COLUMNS = ("reported", "confirmed", "waiting", "held", "unknown", "failed", "gap")


class Command(BaseCommand):
    help = (
        "Compare the reported results with their deliveries: confirmed, waiting, on hold, unknown or failed. Exits "
        "with 1 if a result is in none of these states."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        row = reconciliation.reconcile()
        self.stdout.write(", ".join(f"{name} {getattr(row, name)}" for name in COLUMNS))
        if row.gap:
            raise CommandError("\n".join(f"{order_id}: {why}" for order_id, why in row.gaps.items()), returncode=1)
