"""Time at which a call arrived at the socket, before it waits for one of the simulator's own threads.

A client that keeps to the rate limit must not be refused because the simulator is busy: with hundreds of calls at once,
a thread begins as much as 150 ms late.
"""

import threading
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # it has no types

_thread = threading.local()


def get_arrival() -> float:
    """Return the monotonic time at which this thread's call arrived."""
    at = getattr(_thread, "arrived_at", None)
    return time.monotonic() if at is None else at


class StampingWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, whose loop notes when a kept connection has something to read."""

    def enqueue_req(self, conn: Any) -> None:
        # A new connection has nothing to read yet: its thread waits for that.
        conn.readable_at = time.monotonic() if conn.initialized else None
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        _thread.arrived_at = conn.readable_at
        return super().handle(conn)
