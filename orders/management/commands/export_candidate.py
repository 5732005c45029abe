import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.staff.model_admin import MAX_REASON_LENGTH
from orders.privacy import export


class Command(BaseCommand):
    help = (
        "Export all that is held of a candidate: a zip of candidate.json and the reports' files, from every order for "
        "the address, whichever customer's. Hand it to the candidate alone. The export is recorded in the audit."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", nargs="?", help="the candidate's address; without it, one line of standard input")
        parser.add_argument("--reason", default="", help="why; it stays in the audit, so name nobody")
        parser.add_argument("--output", required=True, help="the zip to write; it must not be there yet")

    def handle(self, *args: Any, **options: Any) -> None:
        email = (options["email"] if options["email"] is not None else sys.stdin.readline()).strip()
        if "@" not in email:
            raise CommandError("Give the candidate's e-mail address, as an argument or on standard input.")
        path = Path(options["output"])
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
        with os.fdopen(descriptor, "wb") as target:
            done = export.export(email, target, reason=options["reason"].strip()[:MAX_REASON_LENGTH])
        if not done.orders:
            path.unlink()
            raise CommandError("Nothing to export: no order is for such a candidate.", returncode=2)
        self.stdout.write(f"Exported from {done.orders} orders: {done.files} files.")
