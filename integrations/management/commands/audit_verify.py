from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.audit import chain
from integrations.models import AuditEntry


class Command(BaseCommand):
    help = (
        "Verify the audit log: report entries that were changed, removed or inserted, with exit code 1. "
        "Requires the SECRET_KEY with which the entries were written."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if defects := list(chain.verify_chain()):
            raise CommandError("\n".join(defects), returncode=1)
        last = AuditEntry.objects.exclude(number=None).order_by("-number").first()
        pending = AuditEntry.objects.filter(number=None).count()
        newest = f"The newest entry is {last.number}, MAC {last.mac}." if last else "It has no entries yet."
        self.stdout.write(f"The audit log is intact. {newest} Entries without a number yet: {pending}.")
