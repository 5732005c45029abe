import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from assessments.transfer import plan
from assessments.transfer.plan import Change, Plan, Problem
from integrations import audit


class Command(BaseCommand):
    help = "Show what a CSV or JSON file would change in the catalogue. With --apply, change it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a file in the format of export_catalogue; - for standard input")
        parser.add_argument("--apply", action="store_true", help="apply the changes in one transaction")
        parser.add_argument("--retire-missing", action="store_true", help="retire packages that are not in the file")
        parser.add_argument("--accept-warnings", action="store_true", help="apply also a file with warnings")

    def handle(
        self, *args: Any, file: str, apply: bool, retire_missing: bool, accept_warnings: bool, **options: Any
    ) -> None:
        content = sys.stdin.buffer.read() if file == "-" else _read_file(file)
        import_plan = plan.build_plan(content, retire_missing=retire_missing, progress=self._report_progress("checked"))
        self._print_lines(import_plan.problems)
        self._print_lines(import_plan.warnings, "warning, ")
        if import_plan.problems:
            raise CommandError(f"{len(import_plan.problems)} to correct; nothing was changed.")
        for change in import_plan.changes:
            self._print_change(change)
        if apply and import_plan.warnings and not accept_warnings:
            raise CommandError("Nothing was changed. Correct what the warnings name, or use --accept-warnings.")
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

    def _print_lines(self, problems: Sequence[Problem], prefix: str = "") -> None:
        for line, field, message in problems:
            self.stderr.write(f"{prefix}line {line}: {field + ': ' if field else ''}{message}")

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
