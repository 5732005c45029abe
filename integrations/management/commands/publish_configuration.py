import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.connections import partner_configuration


class Command(BaseCommand):
    help = "Publish the partner configuration to SmartRecruiters, or compare it with the published one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only compare; exit code 1 if there are differences")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if not options["check"]:
                sent = partner_configuration.publish_configuration()
                self.stdout.write(json.dumps(sent, indent=2))
                return
            differences = partner_configuration.find_drift()
        except partner_configuration.PartnerError as error:
            raise CommandError(str(error)) from None
        for line in differences:
            self.stdout.write(line)
        if differences:
            raise CommandError(
                f"{len(differences)} differences; run publish_configuration without --check to publish ours."
            )
        self.stdout.write("SmartRecruiters has the same configuration.")
