from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.audit import chain
from integrations.models import AuditEntry


class Command(BaseCommand):
    help = (
        "Check the audit's chain: whether an entry was changed, taken out or put in. Exits with 1 and names what was. "
        "It needs the SECRET_KEY under which the entries were written."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if wrong := list(chain.verify_chain()):
            raise CommandError("\n".join(wrong), returncode=1)
        last = AuditEntry.objects.exclude(number=None).order_by("-number").first()
        waiting = AuditEntry.objects.filter(number=None).count()
        head = f"The newest is {last.number}, sealed {last.mac}." if last else "There is none yet."
        self.stdout.write(f"The audit's chain is whole. {head} {waiting} wait for their number.")
