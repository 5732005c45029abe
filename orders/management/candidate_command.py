"""Base class of commands about a candidate, and private output files."""

import os
import sys
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class CandidateCommand(BaseCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        self.add_email_argument(parser)

    def add_email_argument(self, parser: Any) -> None:
        parser.add_argument(
            "email", nargs="?", help="the candidate's email address; without it, read from standard input"
        )

    def read_email(self, options: dict[str, Any]) -> str:
        """Return the email address. Raises CommandError if it is not valid."""
        email: str = (options["email"] if options["email"] is not None else sys.stdin.readline()).strip()
        if "@" not in email:
            raise CommandError("Give the candidate's email address, as an argument or on standard input.")
        return email


def create_private_file(path: str) -> IO[bytes]:
    """Create a new file that only its owner can read. Raises CommandError, also if it exists."""
    try:
        descriptor = os.open(Path(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"Could not write {path}: {error.strerror}. Nothing was done.") from None
    return os.fdopen(descriptor, "wb")
