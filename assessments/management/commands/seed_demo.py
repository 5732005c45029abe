import json
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from assessments import seed
from integrations.database import migration_lock


class Command(BaseCommand):
    help = "Migrate, then create two sample customers, packages of all six types, a staff user and an engine client."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print only JSON, the same each time")
        parser.add_argument("--i-know", action="store_true", help="also if PUBLIC_URL is not loopback")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.IS_LOOPBACK or options["i_know"]):
            raise CommandError(
                f"{settings.PUBLIC_URL} is not loopback, and seed_demo would add an administrator and sample customers "
                "to a portal that others reach. Nothing was changed. To add them, repeat the command with --i-know"
            )
        call_command("migrate", interactive=False, verbosity=0, stdout=self.stderr)
        with migration_lock.hold_migration_lock(connection):
            seeded = seed.seed_demo()
        self.stdout.write(json.dumps(seeded) if options["json"] else _format_text(seeded))


def _format_text(seeded: dict[str, Any]) -> str:
    people = [("Partner staff", seeded["admin"]), *((each["name"], each) for each in seeded["customers"])]
    lines = [f"{name:<18} {person['email']:<28} {person['password']}" for name, person in people]
    lines += ["", *(f"{key:<18} {value}" for key, value in seeded["engine"].items()), ""]
    return "\n".join([*lines, *(f"{package['id']:<24} {package['type']}" for package in seeded["packages"])])
