from typing import Any

from django.core.management.base import CommandError, CommandParser

from orders.management.candidate_command import CandidateCommand
from orders.privacy import erasure

WAIT_SECONDS = 90.0  # longer than any call may take


class Command(CandidateCommand):
    help = (
        "Erase a candidate from all orders: name, email address, results, files, and everything sent or received about "
        "them. The orders' ids and status stay. Each erasure is logged under a pseudonym in erasures.log in the data "
        "folder; after a restore, --replay-log repeats the logged erasures."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        self.add_email_argument(which)
        which.add_argument("--replay-log", action="store_true", help="repeat all erasures in the log")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["replay_log"]:
                self._print_summary(erasure.replay_log(wait_seconds=WAIT_SECONDS))
            else:
                self._print_summary([erasure.erase(self.read_email(options), wait_seconds=WAIT_SECONDS)])
        except erasure.DeliveryInFlightError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"Could not write the erasure log ({error.strerror}). Nothing was erased.") from None

    def _print_summary(self, erasures: list[erasure.Erasure]) -> None:
        """Print the counts only, because the output of a terminal may be logged."""
        orders, files = sum(each.orders for each in erasures), sum(each.files for each in erasures)
        if orders:
            deliveries = sum(each.deliveries for each in erasures)
            self.stdout.write(
                f"Erased from {orders} orders, with {files} files and the content of {deliveries} deliveries."
            )
        else:
            self.stdout.write("Nothing to erase: no order has this candidate.")
