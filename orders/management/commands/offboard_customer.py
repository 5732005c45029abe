import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.models import Customer
from orders.management.candidate_command import create_private_file
from orders.privacy import offboarding

WAIT_SECONDS = 90.0  # longer than any call may take


class Command(BaseCommand):
    help = (
        "Offboard a customer: its people and tokens lose access at once, its data is written to a ZIP file to return, "
        "and all candidates of its orders are erased here. Prints a certificate as JSON."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("customer", help="the customer's id, cus_…")
        parser.add_argument("--output", required=True, help="the ZIP file to write; it must not exist yet")

    def handle(self, *args: Any, **options: Any) -> None:
        customer = Customer.objects.filter(pk=options["customer"]).first()
        if customer is None:
            raise CommandError("There is no customer with this id.")
        with create_private_file(options["output"]) as target:
            certificate = offboarding.offboard(customer, target, wait_seconds=WAIT_SECONDS)
        self.stdout.write(json.dumps(asdict(certificate), indent=2, ensure_ascii=False))
        if certificate.candidates_left:
            raise CommandError("Some candidates are not erased yet: run the command again in a minute.", returncode=1)
