"""Output of processes: to the console with the process's name, to memory, or to a log file."""

import contextlib
import os
import sys
from pathlib import Path
from typing import Protocol

MAX_LOG_BYTES = 10 * 1024 * 1024


class Output(Protocol):
    def write_line(self, line: bytes) -> None: ...

    def describe_location(self) -> str: ...


class ConsoleOutput:
    def __init__(self, name: str) -> None:
        self._prefix = f"{name:<10} | ".encode()

    def write_line(self, line: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.buffer.write(self._prefix + line + b"\n")
            sys.stdout.buffer.flush()

    def describe_location(self) -> str:
        return "see above"


class CapturedOutput:
    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def write_line(self, line: bytes) -> None:
        self._lines.append(line)

    def describe_location(self) -> str:
        return ""

    def join_lines(self) -> str:
        return b"\n".join(self._lines).decode()


class LogFile:
    """Log file with rotation: one older file is kept, from the previous start or from before `max_bytes`."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_LOG_BYTES) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._rotate_file()

    def write_line(self, line: bytes) -> None:
        # A full disk must not stop the portal's other processes.
        with contextlib.suppress(OSError):
            self.file.write(line + b"\n")
            if self.file.tell() > self._max_bytes:
                self._rotate_file()

    def describe_location(self) -> str:
        return f"see {os.path.relpath(self.path)}"

    def read_tail(self, lines: int) -> str:
        return "\n".join(self.path.read_text(errors="replace").splitlines()[-lines:])

    def _rotate_file(self) -> None:
        if self.path.exists() and self.path.stat().st_size:
            self.path.replace(self.path.with_name(self.path.name + ".1"))
        self.file = self.path.open("ab", buffering=0)
