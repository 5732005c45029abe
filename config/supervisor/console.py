import contextlib
import sys
from typing import TextIO


def print_message(text: str, *, to: TextIO | None = None) -> None:
    """Write to the terminal; a terminal that has gone away is no reason to stop."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=to or sys.stdout, flush=True)
