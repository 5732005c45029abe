import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.staff.model_admin import MAX_REASON_LENGTH
from orders.privacy import export


class Command(BaseCommand):
    help = (
        "Export all data about a candidate: a ZIP file with candidate.json and the report files, from all orders with "
        "the email address, across customers. Give it to the candidate only. The export is recorded in the audit log."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "email", nargs="?", help="the candidate's email address; read from standard input if missing"
        )
        parser.add_argument("--reason", default="", help="why; it stays in the audit log, so do not name the candidate")
        parser.add_argument("--output", required=True, help="the ZIP file to write; it must not exist yet")

    def handle(self, *args: Any, **options: Any) -> None:
        email = (options["email"] if options["email"] is not None else sys.stdin.readline()).strip()
        if "@" not in email:
            raise CommandError("Give the candidate's email address, as an argument or on standard input.")
        path = Path(options["output"])
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"Could not write {path}: {error.strerror}.") from None
        with os.fdopen(descriptor, "wb") as target:
            done = export.export(email, target, reason=options["reason"].strip()[:MAX_REASON_LENGTH])
        if not done.orders:
            path.unlink()
            raise CommandError("Nothing to export: no order has this candidate.", returncode=2)
        self.stdout.write(f"Exported {done.orders} orders with {done.files} files.")
