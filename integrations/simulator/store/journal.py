"""Append-only event log (JSON lines), which is the simulator's storage and its ledger of effects."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]
SECRET_KEYS = frozenset({"own_pair", "partner_pair", "digest", "secret_digest"})


class Journal:
    """Event log in one file. Positions are byte offsets, which are also the ledger's cursors.

    A line is written by one system call before the event is answered, so that a SIGKILL loses no answered event;
    an incomplete last line is cut off at the next start.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self.end_offset = self._cut_torn_line()

    def _cut_torn_line(self) -> int:
        size = end = os.fstat(self._descriptor).st_size
        while end > 0:
            start = max(0, end - 65536)
            newline = os.pread(self._descriptor, end - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end != size:
            os.ftruncate(self._descriptor, end)
        return end

    def append_event(self, event: Event) -> None:
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        written = os.write(self._descriptor, line)
        if written != len(line):
            os.ftruncate(self._descriptor, self.end_offset)
            raise OSError("the disk of the journal is full")
        self.end_offset += written

    def read_events(self, since: int = 0) -> Iterator[tuple[Event, int]]:
        """Yield each event from the byte offset `since` on, with the offset of its end."""
        with self.path.open("rb") as lines:
            lines.seek(since)
            offset = since
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                yield json.loads(line), offset

    def tail_events(self, limit: int, kinds: frozenset[str] = frozenset()) -> list[Event]:
        """Return the newest events of these kinds (default: all) within the last 512 KiB, newest first."""
        start = max(0, self.end_offset - 512 * 1024)
        with self.path.open("rb") as lines:
            lines.seek(start)
            if start:
                lines.readline()
            events = [json.loads(line) for line in lines if line.endswith(b"\n")]
        return [event for event in reversed(events) if not kinds or event["kind"] in kinds][:limit]
