"""The append-only file of everything that happened: the simulator's memory and its ledger of effects."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]


class Journal:
    """JSON lines in one file. A place in it is a byte offset, which is also the ledger's cursor.

    A line is written by one system call before anybody is told of the event, so that a SIGKILL
    loses nothing that was answered; a torn last line is cut off at the next start.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self.end_offset = self._cut_torn_line()

    def _cut_torn_line(self) -> int:
        size = os.fstat(self._descriptor).st_size
        whole = size
        while whole > 0:
            start = max(0, whole - 65536)
            newline = os.pread(self._descriptor, whole - start, start).rfind(b"\n")
            if newline >= 0:
                whole = start + newline + 1
                break
            whole = start
        if whole != size:
            os.ftruncate(self._descriptor, whole)
        return whole

    def append_event(self, event: Event) -> None:
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        written = os.write(self._descriptor, line)
        if written != len(line):
            os.ftruncate(self._descriptor, self.end_offset)
            raise OSError("the journal's disk is full")
        self.end_offset += written

    def read_events(self, since: int = 0) -> Iterator[tuple[Event, int]]:
        """Each event from the byte offset `since` on, with the offset behind it."""
        with self.path.open("rb") as lines:
            lines.seek(since)
            place = since
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                place += len(line)
                yield json.loads(line), place

    def tail_events(self, limit: int, kinds: frozenset[str] = frozenset()) -> list[Event]:
        """The last events of these kinds (of all, without any), newest first, as far as half a megabyte reaches."""
        start = max(0, self.end_offset - 512 * 1024)
        with self.path.open("rb") as lines:
            lines.seek(start)
            if start:
                lines.readline()
            events = [json.loads(line) for line in lines if line.endswith(b"\n")]
        return [event for event in reversed(events) if not kinds or event["kind"] in kinds][:limit]
