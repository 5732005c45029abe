"""One run: traffic, faults, calm, verdict."""

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
ActiveFaults = list[tuple[float, int, Iterator[float]]]
"""Faults on their way: (when to go on, number, fault)."""


@dataclass(frozen=True)
class RunConfig:
    """`seconds` of faults, each of them `rounds` times; then until all has arrived, or for `patience` nothing moved."""

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
        self.played: Counter[str] = Counter()
        self.replayed = self.settled = 0
        self.companies = [f"crash-{number}" for number in range(config.companies)]
        self.database = "PostgreSQL" if on_postgresql else "SQLite"

    def execute(self) -> bool:
        print_message(f"crash: {self.config.results} results on {self.database}, seed {self.seed}")
        began = time.monotonic()
        with self.rig:
            self._set_up()
            print_message(f"{time.monotonic() - began:.0f} s: all runs, faults begin")
            self._break_things()
            print_message(f"{time.monotonic() - began:.0f} s: {sum(self.played.values())} faults played, calm")
            recovery = self._wait_for_all()
            return self._print_report(recovery, time.monotonic() - began)

    # The stage

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
        playable = faults.applicable_faults(self.rig)
        scene = FaultTarget(self.rig, self.random, self.companies)
        names = [name for name in playable for _ in range(self.config.rounds)]
        waiting = [
            (at, number, name)
            for number, (at, name) in enumerate(faults.plan_faults(names, self.config.seconds, self.random))
        ]
        lasting: ActiveFaults = []
        for thread in (self.engine, self.recruiters, self.customers):
            thread.start()
        began = time.monotonic()
        while (waiting or lasting) or time.monotonic() - began < self.config.seconds:
            self.rig.ensure_running()
            now = time.monotonic() - began
            if waiting and waiting[0][0] <= now:
                _, number, name = waiting.pop(0)
                self._log_fault(f"{now:.1f} {name}")
                self._advance_fault(playable[name](scene), name, now, number, lasting)
            while lasting and lasting[0][0] <= now:
                _, number, going = heapq.heappop(lasting)
                self._advance_fault(going, "", now, number, lasting)
            time.sleep(0.05)

    def _advance_fault(
        self,
        going: Iterator[float],
        name: str,
        now: float,
        number: int,
        lasting: ActiveFaults,
    ) -> None:
        try:
            heapq.heappush(lasting, (now + next(going), number, going))
        except StopIteration:
            pass
        except (requests.RequestException, ControlError) as error:
            self._log_fault(f"not played: {name} ({type(error).__name__})")
            return
        if name:
            self.played[name] += 1

    def _log_fault(self, line: str) -> None:
        with (self.folder / "faults.log").open("a") as log:
            log.write(f"{time.strftime('%H:%M:%S')} {line}\n")

    # Calm

    def _wait_for_all(self) -> float | None:
        """Seconds until all that was accepted has arrived; None if nothing moves any more."""
        began = time.monotonic()
        self._end_faults()
        self.engine.drop_pauses()
        self._wait_until(self.rig.is_ready, began + self.config.patience)
        self._run_in_background(self.customers.reconnect_all)
        self._run_in_background(self.recruiters.retry_unanswered)
        standing, moved_at = self._progress_snapshot(), time.monotonic()
        while time.monotonic() - moved_at < self.config.patience and time.monotonic() - began < MAX_WAIT_SECONDS:
            self.rig.ensure_running()
            if self._is_all_taken():
                self.replayed += self.witness.replay_failed()
                self.settled += self.witness.settle_unknown(self._uploaded_digests)
                if not self.witness.count_waiting():
                    return time.monotonic() - began
                if self.witness.count_states(kind="result").get("held"):
                    self._run_in_background(self.customers.reconnect_all)
            if standing != (now := self._progress_snapshot()):
                standing, moved_at = now, time.monotonic()
            time.sleep(0.25)
        return None

    def _uploaded_digests(self, order_id: str) -> set[str]:
        """What SmartRecruiters was given of an order, as files."""
        return {upload["sha256"] for upload in self.control.get_order(order_id)["uploads"]}

    def _progress_snapshot(self) -> tuple[object, ...]:
        """What changes as long as anything moves."""
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

    def _is_all_taken(self) -> bool:
        taken = {order.order_id for order in list(self.engine.orders.values())}
        return self.recruiters.accepted <= taken and self.engine.is_idle()

    def _run_in_background(self, act: Callable[[], object]) -> None:
        """Run something that waits, in a thread beside, while the parts are minded here."""
        thread = threading.Thread(target=act, daemon=True)
        thread.start()
        while thread.is_alive():
            self.rig.ensure_running()
            thread.join(0.1)

    def _wait_until(self, condition: Callable[[], bool], deadline: float) -> None:
        while not condition() and time.monotonic() < deadline:
            self.rig.ensure_running()
            time.sleep(0.1)

    # The end

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
        carried = list(self.engine.orders.values())
        self._run_in_background(lambda: judge.check_events(self._fetch_events(), carried, verdict))
        self.engine.stop()
        judge.check_effects(list(self.control.iterate_events(kinds="result")), verdict)
        for order in carried:
            judge.check_order(order, self.control.get_order(order.order_id), verdict)
        answers = list(self.control.iterate_events(kinds="order_answered"))
        judge.check_answers(answers, verdict)
        taken = {each["order_id"] for each in answers if judge.is_accepted(each)}
        judge.check_orders(taken, self.witness.order_ids(), carried, verdict)
        judge.check_invitations(self.rig.read_invitations(), verdict)
        judge.check_breaches(self.control.list_breaches(), self.rig.processes["web"].starts, verdict)

    def _fetch_events(self) -> list[Json]:
        """The events as the engine gets them, in a minute at most."""
        limit = threading.Timer(60, self.engine.stopping.set)
        limit.start()
        try:
            return self.engine.fetch_events()
        finally:
            limit.cancel()
