"""Engine for the crash test, which uses the engine API only. Every call with a 2xx must reach SmartRecruiters."""

import hashlib
import heapq
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

Json = dict[str, Any]
API = "/api/vendor/v1"
WORKERS = 6
FINAL = ("COMPLETED", "REJECTED")


@dataclass
class TrackedOrder:
    """Order and what the portal accepted for it. The summary of the n-th result is `ORDER/n`."""

    id: str
    order_id: str
    company: str
    assessments: list[str]
    results: int = 0
    status: str = ""
    attachments: dict[str, str] = field(default_factory=dict)
    # Of the attachments that are files, by their URL: SmartRecruiters may have the file instead of the link.
    digests: dict[str, str] = field(default_factory=dict)
    is_done: bool = False


class RefusedError(Exception):
    """The portal refused a valid call."""


class Engine:
    def __init__(
        self, url: str, credentials: tuple[str, str], *, seed: int, results_per_order: int, pause: float
    ) -> None:
        self.url, self.credentials = url, credentials
        self.per_order, self.pause = results_per_order, pause
        self.random = random.Random(f"{seed}-engine")
        self.orders: dict[str, TrackedOrder] = {}
        self.refusals: list[str] = []
        self.status_counts: Counter[int] = Counter()
        self.slowest = 0.0
        self.calls = self.repeated_calls = 0
        self.stopping = threading.Event()
        self._token = ""
        self._lock = threading.Lock()
        self._due: list[tuple[float, int, TrackedOrder, Iterator[None]]] = []
        self._running_count = 0
        self._local = threading.local()
        self._threads = [threading.Thread(target=self._lease_orders, daemon=True)]
        self._threads += [threading.Thread(target=self._run_worker, daemon=True) for _ in range(WORKERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def drop_pauses(self) -> None:
        """Drop the pauses between the results of an order."""
        self.pause = 0.0
        with self._lock:
            self._due = [(0.0, number, order, steps) for _, number, order, steps in self._due]

    @property
    def accepted_results(self) -> int:
        return sum(order.results for order in list(self.orders.values()))

    def is_idle(self) -> bool:
        with self._lock:
            return not self._due and not self._running_count

    def stop(self) -> None:
        self.stopping.set()
        for thread in self._threads:
            thread.join(10)

    # Calls

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Call the portal; repeat after 503, no response or an expired token. Raises RefusedError for other errors."""
        with self._lock:
            self.calls += 1
        while not self.stopping.is_set():
            started = time.monotonic()
            response = self._request_once(method, path, options)
            if response is not None:
                self.status_counts[response.status_code] += 1
            if response is not None and response.status_code < 300:
                self.slowest = max(self.slowest, time.monotonic() - started)
                return response.json() if response.content else None
            if response is not None and response.status_code == 401:
                self._token = ""
            elif response is not None and response.status_code < 501:
                raise RefusedError(f"{method} {path}: {response.status_code} {response.text[:300]}")
            with self._lock:
                self.repeated_calls += 1
            self.stopping.wait(0.25)
        raise RefusedError(f"{method} {path}: not accepted before the end")

    def _request_once(self, method: str, path: str, options: Any) -> requests.Response | None:
        session = self._get_session()
        try:
            if not self._token:
                form = {
                    "grant_type": "client_credentials",
                    "client_id": self.credentials[0],
                    "client_secret": self.credentials[1],
                }
                response = session.post(f"{self.url}/oauth/token", data=form, timeout=20)
                if response.status_code != 200:
                    return response if 400 < response.status_code < 500 and response.status_code != 401 else None
                self._token = response.json()["access_token"]
            headers = {"Authorization": f"Bearer {self._token}"}
            return session.request(method, f"{self.url}{API}{path}", headers=headers, timeout=20, **options)
        except (requests.RequestException, ValueError, KeyError):
            return None

    def _get_session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        session: requests.Session = self._local.session
        return session

    def fetch_events(self) -> list[Json]:
        """Return all events, by pull."""
        events: list[Json] = []
        path = "/events?limit=200"
        while True:
            page = self.call("GET", path)
            events += page["results"]
            if page["next"] is None:
                return events
            path = f"/events?limit=200&after={events[-1]['cursor']}"

    # Work

    def _lease_orders(self) -> None:
        while not self.stopping.is_set():
            try:
                leased = self.call("POST", "/orders/lease", json={"max": 20, "seconds": 10})["orders"]
            except RefusedError as error:
                self._record_refusal(error)
                continue
            for order in leased:
                self._track_order(order)
            self.stopping.wait(0.1 if leased else 0.4)

    def _track_order(self, order: Json) -> None:
        with self._lock:
            if order["id"] in self.orders:
                return
            parts = [each["assessment_id"] for each in order["result"]["assessment_results"]]
            tracked = TrackedOrder(order["id"], order["smartrecruiters_order_id"], order["company_id"], parts)
            self.orders[tracked.id] = tracked
            self._schedule_step(tracked, self._play_order(tracked))

    def _schedule_step(self, tracked: TrackedOrder, steps: Iterator[None]) -> None:
        at = time.monotonic() + self.random.uniform(0.2, 1.8) * self.pause if self.pause else 0.0
        heapq.heappush(self._due, (at, id(steps), tracked, steps))

    def _pop_due(self) -> tuple[TrackedOrder, Iterator[None]] | None:
        with self._lock:
            if not self._due or self._due[0][0] > time.monotonic():
                return None
            _, _, tracked, steps = heapq.heappop(self._due)
            self._running_count += 1
            return tracked, steps

    def _run_worker(self) -> None:
        while not self.stopping.is_set():
            step = self._pop_due()
            if step is None:
                self.stopping.wait(0.05)
                continue
            self._run_step(*step)

    def _run_step(self, tracked: TrackedOrder, steps: Iterator[None]) -> None:
        try:
            next(steps)
            is_finished = False
        except StopIteration:
            is_finished = tracked.is_done = True
        except RefusedError as error:
            is_finished = True
            self._record_refusal(error)
        with self._lock:
            self._running_count -= 1
            if not is_finished:
                self._schedule_step(tracked, steps)

    def _record_refusal(self, error: RefusedError) -> None:
        if not self.stopping.is_set():
            self.refusals.append(str(error))
            self.stopping.wait(0.5)

    def _play_order(self, order: TrackedOrder) -> Iterator[None]:
        """Process an order as an engine does, with a pause at each `yield`."""
        if self.random.random() < 0.7:
            self.call("POST", f"/orders/{order.id}/accept", json={"launch_url": "https://engine.example/start"})
            yield
        attach_at = self.random.sample(range(1, self.per_order + 1), k=min(2, self.per_order))
        for number in range(1, self.per_order + 1):
            self._report_result(order, number, is_last=number == self.per_order)
            yield
            if number in attach_at:
                self._add_attachment(order, number)
                yield

    def _report_result(self, order: TrackedOrder, number: int, *, is_last: bool) -> None:
        status = self.random.choice(FINAL) if is_last else "IN_PROGRESS"
        body: Json = {"status": status, "summary": f"{order.order_id}/{number}"}
        if number > 1:
            body["score"] = {"raw": 20 + number % 60, "min": 20, "max": 80}
        self.call("PATCH", f"/orders/{order.id}/result", json=body)
        order.results, order.status = number, status

    def _add_attachment(self, order: TrackedOrder, number: int) -> None:
        path = f"/orders/{order.id}/attachments"
        if self.random.random() < 0.5:
            url = f"https://engine.example/reports/{order.order_id}/{number}"
            made = self.call("POST", path, json={"type": "OTHER_URL", "url": url, "name": f"report {number}"})
        else:
            content = b"%PDF-1.4\n" + f"{order.order_id}/{number}\n".encode() * 20 + b"%%EOF\n"
            made = self.call("POST", path, files={"file": ("report.pdf", content, "application/pdf")})
            order.digests[made["url"]] = hashlib.sha256(content).hexdigest()
        order.attachments[made["id"]] = made["url"]
