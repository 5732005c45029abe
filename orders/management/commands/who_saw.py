import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.privacy import access_log


class Command(BaseCommand):
    help = (
        "Say who saw, changed, exported or erased a candidate's data: one line an act, from the audit. It works after "
        "an erasure, too. What a customer's people see of their own orders is not in it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", nargs="?", help="the candidate's address; without it, one line of standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        email = (options["email"] if options["email"] is not None else sys.stdin.readline()).strip()
        if "@" not in email:
            raise CommandError("Give the candidate's e-mail address, as an argument or on standard input.")
        entries = access_log.find_entries(email)
        if not entries:
            self.stderr.write("Nobody: the audit has no act on a candidate with this address.")
        for entry in entries:
            who = entry.actor_name or "the portal, or another system"
            where = f" from {entry.ip}" if entry.ip else ""
            self.stdout.write(f"{entry.at:%Y-%m-%d %H:%M:%S} UTC  {entry.action}  {entry.subject}  {who}{where}")
