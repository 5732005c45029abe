from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from integrations.staff.model_admin import MAX_REASON_LENGTH
from orders.management.candidate_command import CandidateCommand, create_private_file
from orders.privacy import export


class Command(CandidateCommand):
    help = (
        "Export all data about a candidate: a ZIP file with candidate.json and the report files, from all orders with "
        "the email address, across customers. Give it to the candidate only. The export is recorded in the audit log."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", default="", help="why; it stays in the audit log, so do not name the candidate")
        parser.add_argument("--output", required=True, help="the ZIP file to write; it must not exist yet")

    def handle(self, *args: Any, **options: Any) -> None:
        email = self.read_email(options)
        with create_private_file(options["output"]) as target:
            done = export.export(email, target, reason=options["reason"].strip()[:MAX_REASON_LENGTH])
        if not done.orders:
            Path(options["output"]).unlink()
            raise CommandError("Nothing to export: no order has this candidate.", returncode=2)
        self.stdout.write(f"Exported {done.orders} orders with {done.files} files.")
