from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from assessments.transfer import plan


class Command(BaseCommand):
    help = "Export the whole catalogue, including retired packages, in the format of import_catalogue."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", help="*.csv or *.json; default: JSON on standard output")
        parser.add_argument("--format", choices=sorted(plan.FORMATS), help="default: by the file's extension, or json")

    def handle(self, *args: Any, file: str | None, format: str | None, **options: Any) -> None:
        form = format or ("csv" if file and file.lower().endswith(".csv") else "json")
        content = plan.export_catalogue(form)
        if file:
            Path(file).write_bytes(content)
        else:
            self.stdout.write(content.decode(), ending="")
