"""Messages of the supervisor on the terminal."""

import contextlib
import sys
from typing import TextIO


def print_message(text: str, *, to: TextIO | None = None) -> None:
    """Print to the terminal, ignoring a terminal that was closed."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=to or sys.stdout, flush=True)
