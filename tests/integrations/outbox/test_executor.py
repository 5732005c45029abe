"""Counts of the executor, which the courier reads while calls start and end."""

import threading
from datetime import timedelta

from integrations.http.client import Response
from integrations.outbox import clock
from integrations.outbox.handlers import Call
from integrations.outbox.leases import Lease
from integrations.outbox.models import Attempt, Delivery
from integrations.outbox.sending.executor import ClaimedDelivery, PacedExecutor
from integrations.outbox.sending.rate_limiter import RateLimiter
from tests.integrations.outbox.conftest import Probe


def test_call_that_is_starting_is_counted(db: None) -> None:
    """Between leaving the queue and running: a courier that read 0 there would give the stream back."""
    release, counts, readers = threading.Event(), [], []

    class Waiting(list[ClaimedDelivery]):
        def remove(self, claimed: ClaimedDelivery) -> None:
            super().remove(claimed)
            reader = threading.Thread(target=lambda: counts.append(executor.active_count))
            readers.append(reader)
            reader.start()
            reader.join(0.2)

    def run(deadline: float) -> Response:
        release.wait(5)
        return Response(200)

    executor = PacedExecutor(RateLimiter(9.25, {}), Lease(1, 1, 60, clock.now() + timedelta(seconds=60)))
    executor._waiting = Waiting()
    executor.start_thread()
    executor.add_claimed([ClaimedDelivery(Delivery(kind="probe"), Probe(), Call("x", run), "", Attempt())])
    executor.resume_starts(1, 9.25)
    while not readers:
        threading.Event().wait(0.01)
    readers[0].join(5)
    release.set()
    executor.wait_for_event(5)
    executor.stop_thread()
    assert (counts, executor.active_count, len(executor.collect_outcomes())) == ([1], 0, 1)
