import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from assessments.transfer import plan
from assessments.transfer.plan import Change, Plan
from integrations import audit


class Command(BaseCommand):
    help = "Show what a CSV or JSON file would change in the catalogue. With --apply, change it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a file in the format of export_catalogue; - for standard input")
        parser.add_argument("--apply", action="store_true", help="apply the changes in one transaction")
        parser.add_argument("--retire-missing", action="store_true", help="retire packages that are not in the file")

    def handle(self, *args: Any, file: str, apply: bool, retire_missing: bool, **options: Any) -> None:
        content = sys.stdin.buffer.read() if file == "-" else _read_file(file)
        import_plan = plan.build_plan(content, retire_missing=retire_missing, progress=self._report_progress("checked"))
        self._reject_problems(import_plan)
        for change in import_plan.changes:
            self._print_change(change)
        if apply:
            self._apply_plan(content, import_plan, retire_missing)
        counts = ", ".join(f"{count} {kind}" for kind, count in import_plan.counts.items())
        self.stdout.write(f"{counts}{'' if apply else ' (nothing was changed; use --apply)'}")

    def _apply_plan(self, content: bytes, import_plan: Plan, retire_missing: bool) -> None:
        try:
            progress = self._report_progress("written")
            plan.apply_plan(
                content, retire_missing=retire_missing, expected_digest=import_plan.digest, write_progress=progress
            )
        except plan.CatalogueChangedError as error:
            raise CommandError(str(error)) from None
        audit.record("catalogue.imported", "catalogue", counts=import_plan.counts)

    def _reject_problems(self, import_plan: Plan) -> None:
        for line, field, message in import_plan.problems:
            self.stderr.write(f"line {line}: {field + ': ' if field else ''}{message}")
        if import_plan.problems:
            raise CommandError(f"{len(import_plan.problems)} to correct; nothing was changed.")

    def _print_change(self, change: Change) -> None:
        if change.kind == "unchanged":
            return
        self.stdout.write(f"{change.kind} {change.id} ({change.name})")
        for name, before, after in change.differences:
            self.stdout.write(f"  {name}: {before or '–'} → {after or '–'}")

    def _report_progress(self, label: str) -> plan.ProgressCallback:
        return lambda done, total: self.stderr.write(f"{done:,} of {total:,} {label}")


def _read_file(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None
