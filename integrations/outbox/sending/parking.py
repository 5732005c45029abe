"""Parking of couriers that only wait for calls, so that hanging calls keep no coordinator from other streams.

A parked courier keeps its lease and makes no claims. One thread of the process settles the outcomes of all parked
couriers, and closes each after its last call.
"""

import threading
import time
from typing import Protocol

import structlog
from django.db import close_old_connections, connections

from integrations.outbox.leases import LeaseLostError

log = structlog.get_logger(__name__)

MAX_CALLS = 256  # Beyond them, couriers wait unparked. The pool has threads for these and for all coordinators.
POLL_SECONDS = 0.25


class ParkableCourier(Protocol):
    @property
    def unsettled_count(self) -> int:
        """Calls that run or are not settled."""

    def settle_outcomes(self) -> None:
        """Settle the outcomes that came back, without waiting for more."""

    def close(self) -> None: ...


class Parking:
    """The parked couriers of this process, and the thread that attends to them while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._couriers: list[ParkableCourier] = []
        self._has_thread = False

    def park(self, courier: ParkableCourier) -> bool:
        """Take over a courier. Return False if there are too many calls."""
        with self._lock:
            if sum(each.unsettled_count for each in (*self._couriers, courier)) > MAX_CALLS:
                return False
            self._couriers.append(courier)
            if not self._has_thread:
                self._has_thread = True
                # Not a daemon: a process that ends waits for the calls.
                threading.Thread(target=self._run, name="parking").start()
        return True

    def _run(self) -> None:
        try:
            while couriers := self._parked_couriers():
                for courier in couriers:
                    if not self._attend(courier):
                        self._remove(courier)
                time.sleep(POLL_SECONDS)
        finally:
            connections.close_all()

    def _parked_couriers(self) -> list[ParkableCourier]:
        with self._lock:
            self._has_thread = bool(self._couriers)
            return list(self._couriers)

    def _remove(self, courier: ParkableCourier) -> None:
        with self._lock:
            self._couriers.remove(courier)

    @staticmethod
    def _attend(courier: ParkableCourier) -> bool:
        """Return True while the courier waits for calls. After an exception its lease is left to expire."""
        try:
            close_old_connections()
            courier.settle_outcomes()
            if courier.unsettled_count:
                return True
            courier.close()
        except LeaseLostError:
            log.warning("parked courier lost its lease to another one")
        except BaseException:  # whatever stopped this one, or killed the thread of its call, must not stop the others
            log.exception("parked courier failed")
        return False


park = Parking().park
