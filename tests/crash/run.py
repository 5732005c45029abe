"""One run: traffic, faults, recovery, verdict."""

import heapq
import io
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import requests
from django.core.management import call_command

from config.supervisor.console import print_message
from integrations.simulator.control import ControlError
from tests.crash import faults, report
from tests.crash import verdict as judge
from tests.crash.engine import Engine, Json
from tests.crash.faults import FaultTarget
from tests.crash.people import Customers, Recruiters
from tests.crash.rig import Rig, RigStartError
from tests.crash.verdict import Verdict
from tests.crash.witness import Witness, open_portal

RESULTS_PER_ORDER = 5
LAST_ORDERS_SECONDS = 20
MAX_WAIT_SECONDS = 1800
ActiveFaults = list[tuple[float, int, Iterator[float]]]  # (when to repair it, number, fault)


@dataclass(frozen=True)
class RunConfig:
    """Parameters of a run: `seconds` of faults, each `rounds` times, then recovery until `patience` seconds idle."""

    results: int
    companies: int
    seconds: float
    patience: float
    scale: float
    rounds: int

    def with_results(self, results: int | None) -> Self:
        return replace(self, results=results) if results else self


class Run:
    def __init__(self, folder: Path, config: RunConfig, *, seed: int, on_postgresql: bool) -> None:
        self.folder, self.config, self.seed = folder, config, seed
        self.rig = Rig(folder, scale=config.scale, on_postgresql=on_postgresql)
        self.random = random.Random(seed)
        self.injected: Counter[str] = Counter()
        self.replayed = self.settled = 0
        self.companies = [f"crash-{number}" for number in range(config.companies)]
        self.database = "PostgreSQL" if on_postgresql else "SQLite"

    def execute(self) -> bool:
        print_message(f"crash: {self.config.results} results on {self.database}, seed {self.seed}")
        started = time.monotonic()
        with self.rig:
            self._set_up()
            print_message(f"{time.monotonic() - started:.0f} s: everything runs, injecting faults")
            self._break_things()
            injected = sum(self.injected.values())
            print_message(f"{time.monotonic() - started:.0f} s: {injected} faults injected, waiting for recovery")
            recovery = self._wait_for_all()
            return self._print_report(recovery, time.monotonic() - started)

    # Setup

    def _set_up(self) -> None:
        self.rig.start_dependencies()
        seeded = open_portal(self.rig.environment)
        self.rig.start_portal()
        self._run_in_background(lambda: call_command("publish_configuration", stdout=io.StringIO()))
        self.witness = Witness()
        self.control = self.rig.make_control()
        self.customers = Customers(
            self.rig, self.witness, seeded["customers"], seed=self.seed, pause=max(2.0, self.config.seconds / 25)
        )
        with ThreadPoolExecutor(len(self.companies)) as pool:
            self._run_in_background(lambda: list(pool.map(self.customers.connect_first, self.companies)))
        if missing := {*self.companies} - {*self.customers.connected}:
            raise RigStartError(f"not connected: {', '.join(sorted(missing))}")
        for company in self.companies[::2]:
            self.witness.prefer_uploads(company)
        self.engine = Engine(
            self.rig.url,
            (seeded["engine"]["client_id"], seeded["engine"]["client_secret"]),
            seed=self.seed,
            results_per_order=RESULTS_PER_ORDER,
            pause=self.config.seconds / (RESULTS_PER_ORDER * 4),
        )
        self.recruiters = Recruiters(
            self.rig,
            seeded["packages"],
            self.companies,
            wanted=max(1, self.config.results // RESULTS_PER_ORDER),
            seconds=self.config.seconds * 0.7,
            seed=self.seed,
        )

    # Faults

    def _break_things(self) -> None:
        applicable = faults.applicable_faults(self.rig)
        target = FaultTarget(self.rig, self.random, self.companies)
        names = [name for name in applicable for _ in range(self.config.rounds)]
        waiting = [
            (at, number, name)
            for number, (at, name) in enumerate(faults.plan_faults(names, self.config.seconds, self.random))
        ]
        active: ActiveFaults = []
        for thread in (self.engine, self.recruiters, self.customers):
            thread.start()
        started = time.monotonic()
        while (waiting or active) or time.monotonic() - started < self.config.seconds:
            self.rig.ensure_running()
            now = time.monotonic() - started
            if waiting and waiting[0][0] <= now:
                _, number, name = waiting.pop(0)
                self._log_fault(f"{now:.1f} {name}")
                self._advance_fault(applicable[name](target), name, now, number, active)
            while active and active[0][0] <= now:
                _, number, fault = heapq.heappop(active)
                self._advance_fault(fault, "", now, number, active)
            time.sleep(0.05)

    def _advance_fault(
        self,
        fault: Iterator[float],
        name: str,
        now: float,
        number: int,
        active: ActiveFaults,
    ) -> None:
        try:
            heapq.heappush(active, (now + next(fault), number, fault))
        except StopIteration:
            pass
        except (requests.RequestException, ControlError) as error:
            self._log_fault(f"not injected: {name} ({type(error).__name__})")
            return
        if name:
            self.injected[name] += 1

    def _log_fault(self, line: str) -> None:
        with (self.folder / "faults.log").open("a") as log:
            log.write(f"{time.strftime('%H:%M:%S')} {line}\n")

    # Recovery

    def _wait_for_all(self) -> float | None:
        """Return the seconds until everything accepted has arrived, None if there is no more progress."""
        started = time.monotonic()
        self._end_faults()
        self.engine.drop_pauses()
        self._wait_until(self.rig.is_ready, started + self.config.patience)
        self._run_in_background(self.customers.reconnect_all)
        self._run_in_background(self.recruiters.retry_unanswered)
        progress, moved_at = self._progress_snapshot(), time.monotonic()
        while time.monotonic() - moved_at < self.config.patience and time.monotonic() - started < MAX_WAIT_SECONDS:
            self.rig.ensure_running()
            if self._is_all_accepted():
                self.replayed += self.witness.replay_failed()
                self.settled += self.witness.settle_unknown(self._uploaded_digests)
                if not self.witness.count_waiting():
                    return time.monotonic() - started
                if self.witness.count_states(kind="result").get("held"):
                    self._run_in_background(self.customers.reconnect_all)
            if progress != (current := self._progress_snapshot()):
                progress, moved_at = current, time.monotonic()
            time.sleep(0.25)
        return None

    def _uploaded_digests(self, order_id: str) -> set[str]:
        """Return the digests of the files that SmartRecruiters has of an order."""
        return {upload["sha256"] for upload in self.control.get_order(order_id)["uploads"]}

    def _progress_snapshot(self) -> tuple[object, ...]:
        """Return a value that changes as long as there is progress."""
        return self.engine.accepted_results, len(self.engine.orders), self.witness.count_states(kind="result")

    def _end_faults(self) -> None:
        self.rig.restore_processes()
        self.customers.stopping.set()
        while not self._clear_faults():
            self.rig.ensure_running()
            time.sleep(0.2)
        self._run_in_background(lambda: self.recruiters.join(LAST_ORDERS_SECONDS))
        self._run_in_background(self.recruiters.stop)
        self._run_in_background(self.customers.stop)

    def _clear_faults(self) -> bool:
        try:
            self.control.clear_faults()
        except (requests.RequestException, ControlError):
            return False
        return True

    def _is_all_accepted(self) -> bool:
        leased = {order.order_id for order in list(self.engine.orders.values())}
        return self.recruiters.accepted <= leased and self.engine.is_idle()

    def _run_in_background(self, action: Callable[[], object]) -> None:
        """Run a blocking action in a thread while this one keeps the processes running."""
        thread = threading.Thread(target=action, daemon=True)
        thread.start()
        while thread.is_alive():
            self.rig.ensure_running()
            thread.join(0.1)

    def _wait_until(self, condition: Callable[[], bool], deadline: float) -> None:
        while not condition() and time.monotonic() < deadline:
            self.rig.ensure_running()
            time.sleep(0.1)

    # Verdict

    def _print_report(self, recovery: float | None, seconds: float) -> bool:
        verdict = Verdict()
        self._judge_run(verdict)
        balance = self.rig.run_manage("reconcile", check=False)
        for line in report.report_lines(self, verdict, recovery, seconds):
            print_message(line)
        print_message(f"reconcile: {' '.join(balance.stdout.split()) or balance.stderr[-500:]}")
        print_message(verdict.summary_line())
        is_whole = recovery is not None and not self.engine.refusals and balance.returncode == 0
        return verdict.is_good and is_whole

    def _judge_run(self, verdict: Verdict) -> None:
        tracked = list(self.engine.orders.values())
        self._run_in_background(lambda: judge.check_events(self._fetch_events(), tracked, verdict))
        self.engine.stop()
        judge.check_effects(list(self.control.iterate_events(kinds="result")), verdict)
        for order in tracked:
            judge.check_order(order, self.control.get_order(order.order_id), verdict)
        answers = list(self.control.iterate_events(kinds="order_answered"))
        judge.check_answers(answers, verdict)
        accepted = {each["order_id"] for each in answers if judge.is_accepted(each)}
        judge.check_orders(accepted, self.witness.order_ids(), tracked, verdict)
        judge.check_invitations(self.rig.read_invitations(), verdict)
        judge.check_breaches(self.control.list_breaches(), self.rig.processes["web"].starts, verdict)

    def _fetch_events(self) -> list[Json]:
        """Return the events as the engine pulls them, within a minute."""
        limit = threading.Timer(60, self.engine.stopping.set)
        limit.start()
        try:
            return self.engine.fetch_events()
        finally:
            limit.cancel()
