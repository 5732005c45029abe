from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from assessments.transfer import plan


class Command(BaseCommand):
    help = "Write the whole catalogue, retired packages too, as a file that import_catalogue takes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", help="*.csv or *.json; without it JSON goes to standard output")
        parser.add_argument("--format", choices=sorted(plan.FORMATS), help="default: as the file's name ends, or json")

    def handle(self, *args: Any, file: str | None, format: str | None, **options: Any) -> None:
        form = format or ("csv" if file and file.lower().endswith(".csv") else "json")
        content = plan.export_catalogue(form)
        if file:
            Path(file).write_bytes(content)
        else:
            self.stdout.write(content.decode(), ending="")
