import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.privacy import access_log


class Command(BaseCommand):
    help = (
        "List who viewed, changed, exported or erased a candidate's data, from the audit log. Works after an erasure, "
        "too. Views by a customer's people of their own orders are not recorded."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "email", nargs="?", help="the candidate's email address; read from standard input if missing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        email = (options["email"] if options["email"] is not None else sys.stdin.readline()).strip()
        if "@" not in email:
            raise CommandError("Give the candidate's email address, as an argument or on standard input.")
        entries = access_log.find_entries(email)
        if not entries:
            self.stderr.write("Nobody: the audit log has no entry about a candidate with this email address.")
        for entry in entries:
            who = entry.actor_name or "system or unknown"
            where = f" from {entry.ip}" if entry.ip else ""
            self.stdout.write(f"{entry.at:%Y-%m-%d %H:%M:%S} UTC  {entry.action}  {entry.subject}  {who}{where}")
