import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.privacy import erasure

WAIT_SECONDS = 90.0
"""Longer than any call may last."""


class Command(BaseCommand):
    help = (
        "Erase a candidate from every order: name, address, results, files, and all that was sent or received about "
        "them. The orders' ids and status stay. Each erasure is noted in erasures.log in the data folder, under a "
        "pseudonym; after a restore, --replay-log erases again whom the backup brought back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("email", nargs="?", help="the candidate's address; without it, one line of standard input")
        which.add_argument("--replay-log", action="store_true", help="repeat every erasure of the log")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["replay_log"]:
                self._print_summary(erasure.replay_log(wait_seconds=WAIT_SECONDS))
                return
            email = (options["email"] if options["email"] is not None else sys.stdin.readline()).strip()
            if "@" not in email:
                raise CommandError("Give the candidate's e-mail address, as an argument or on standard input.")
            self._print_summary([erasure.erase(email, wait_seconds=WAIT_SECONDS)])
        except erasure.DeliveryInFlightError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"The erasure log cannot be written ({error.strerror}): nothing was erased.") from None

    def _print_summary(self, done: list[erasure.Erasure]) -> None:
        """Nothing of the candidate: what a terminal shows, some log may keep."""
        orders, files = sum(each.orders for each in done), sum(each.files for each in done)
        if orders:
            sent = sum(each.deliveries for each in done)
            self.stdout.write(f"Erased from {orders} orders: {files} files, {sent} deliveries emptied.")
        else:
            self.stdout.write("Nothing to erase: no order is for such a candidate.")
