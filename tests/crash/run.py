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

from config.supervisor.console import say
from integrations.simulator.control import ControlError
from tests.crash import faults, report
from tests.crash import verdict as judge
from tests.crash.engine import Engine, Json
from tests.crash.faults import Scene
from tests.crash.people import Customers, Recruiters
from tests.crash.rig import NotStarted, Rig
from tests.crash.verdict import Verdict
from tests.crash.witness import Witness, open_portal

RESULTS_PER_ORDER = 5
LAST_ORDERS_SECONDS = 20
MOST_PATIENCE = 1800
Lasting = list[tuple[float, int, Iterator[float]]]
"""Faults on their way: (when to go on, number, fault)."""


@dataclass(frozen=True)
class Form:
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
    def __init__(self, folder: Path, form: Form, *, seed: int, on_postgresql: bool) -> None:
        self.folder, self.form, self.seed = folder, form, seed
        self.rig = Rig(folder, scale=form.scale, on_postgresql=on_postgresql)
        self.random = random.Random(seed)
        self.played: Counter[str] = Counter()
        self.replayed = self.settled = 0
        self.companies = [f"crash-{number}" for number in range(form.companies)]
        self.database = "PostgreSQL" if on_postgresql else "SQLite"

    def play(self) -> bool:
        say(f"crash: {self.form.results} results on {self.database}, seed {self.seed}")
        began = time.monotonic()
        with self.rig:
            self._set_up()
            say(f"{time.monotonic() - began:.0f} s: all runs, faults begin")
            self._break_things()
            say(f"{time.monotonic() - began:.0f} s: {sum(self.played.values())} faults played, calm")
            recovery = self._wait_for_all()
            return self._report(recovery, time.monotonic() - began)

    # The stage

    def _set_up(self) -> None:
        self.rig.start_world()
        seeded = open_portal(self.rig.environment)
        self.rig.start_portal()
        self._minding(lambda: call_command("publish_configuration", stdout=io.StringIO()))
        self.witness = Witness()
        self.control = self.rig.control()
        self.customers = Customers(
            self.rig, self.witness, seeded["customers"], seed=self.seed, pause=max(2.0, self.form.seconds / 25)
        )
        with ThreadPoolExecutor(len(self.companies)) as pool:
            self._minding(lambda: list(pool.map(self.customers.begin, self.companies)))
        if missing := {*self.companies} - {*self.customers.connected}:
            raise NotStarted(f"not connected: {', '.join(sorted(missing))}")
        for company in self.companies[::2]:
            self.witness.prefer_uploads(company)
        self.engine = Engine(
            self.rig.url,
            (seeded["engine"]["client_id"], seeded["engine"]["client_secret"]),
            seed=self.seed,
            results_per_order=RESULTS_PER_ORDER,
            pause=self.form.seconds / (RESULTS_PER_ORDER * 4),
        )
        self.recruiters = Recruiters(
            self.rig,
            seeded["packages"],
            self.companies,
            wanted=max(1, self.form.results // RESULTS_PER_ORDER),
            seconds=self.form.seconds * 0.7,
            seed=self.seed,
        )

    # Faults

    def _break_things(self) -> None:
        playable = faults.playable(self.rig)
        scene = Scene(self.rig, self.random, self.companies)
        names = [name for name in playable for _ in range(self.form.rounds)]
        waiting = [
            (at, number, name) for number, (at, name) in enumerate(faults.plan(names, self.form.seconds, self.random))
        ]
        lasting: Lasting = []
        for thread in (self.engine, self.recruiters, self.customers):
            thread.start()
        began = time.monotonic()
        while (waiting or lasting) or time.monotonic() - began < self.form.seconds:
            self.rig.mind()
            now = time.monotonic() - began
            if waiting and waiting[0][0] <= now:
                _, number, name = waiting.pop(0)
                self._note(f"{now:.1f} {name}")
                self._go_on(playable[name](scene), name, now, number, lasting)
            while lasting and lasting[0][0] <= now:
                _, number, going = heapq.heappop(lasting)
                self._go_on(going, "", now, number, lasting)
            time.sleep(0.05)

    def _go_on(
        self,
        going: Iterator[float],
        name: str,
        now: float,
        number: int,
        lasting: Lasting,
    ) -> None:
        try:
            heapq.heappush(lasting, (now + next(going), number, going))
        except StopIteration:
            pass
        except (requests.RequestException, ControlError) as error:
            self._note(f"not played: {name} ({type(error).__name__})")
            return
        if name:
            self.played[name] += 1

    def _note(self, line: str) -> None:
        with (self.folder / "faults.log").open("a") as log:
            log.write(f"{time.strftime('%H:%M:%S')} {line}\n")

    # Calm

    def _wait_for_all(self) -> float | None:
        """Seconds until all that was accepted has arrived; None if nothing moves any more."""
        began = time.monotonic()
        self._calm()
        self.engine.hurry()
        self._minding_until(self.rig.is_ready, began + self.form.patience)
        self._minding(self.customers.settle)
        self._minding(self.recruiters.send_again)
        standing, moved_at = self._standing(), time.monotonic()
        while time.monotonic() - moved_at < self.form.patience and time.monotonic() - began < MOST_PATIENCE:
            self.rig.mind()
            if self._all_taken():
                self.replayed += self.witness.replay_failed()
                self.settled += self.witness.settle_unknown(self._given)
                if not self.witness.waiting():
                    return time.monotonic() - began
                if self.witness.states(kind="result").get("held"):
                    self._minding(self.customers.settle)
            if standing != (now := self._standing()):
                standing, moved_at = now, time.monotonic()
            time.sleep(0.25)
        return None

    def _given(self, order_id: str) -> set[str]:
        """What SmartRecruiters was given of an order, as files."""
        return {upload["sha256"] for upload in self.control.order(order_id)["uploads"]}

    def _standing(self) -> tuple[object, ...]:
        """What changes as long as anything moves."""
        return self.engine.accepted_results, len(self.engine.orders), self.witness.states(kind="result")

    def _calm(self) -> None:
        self.rig.calm()
        self.customers.ending.set()
        while not self._faults_cleared():
            self.rig.mind()
            time.sleep(0.2)
        self._minding(lambda: self.recruiters.join(LAST_ORDERS_SECONDS))
        self._minding(self.recruiters.end)
        self._minding(self.customers.end)

    def _faults_cleared(self) -> bool:
        try:
            self.control.clear_faults()
        except (requests.RequestException, ControlError):
            return False
        return True

    def _all_taken(self) -> bool:
        taken = {order.order_id for order in list(self.engine.orders.values())}
        return self.recruiters.accepted <= taken and self.engine.is_idle()

    def _minding(self, act: Callable[[], object]) -> None:
        """Run something that waits, in a thread beside, while the parts are minded here."""
        thread = threading.Thread(target=act, daemon=True)
        thread.start()
        while thread.is_alive():
            self.rig.mind()
            thread.join(0.1)

    def _minding_until(self, condition: Callable[[], bool], deadline: float) -> None:
        while not condition() and time.monotonic() < deadline:
            self.rig.mind()
            time.sleep(0.1)

    # The end

    def _report(self, recovery: float | None, seconds: float) -> bool:
        verdict = Verdict()
        self._judge(verdict)
        balance = self.rig.manage("reconcile", check=False)
        for line in report.lines(self, verdict, recovery, seconds):
            say(line)
        say(f"reconcile: {' '.join(balance.stdout.split()) or balance.stderr[-500:]}")
        say(verdict.line())
        is_whole = recovery is not None and not self.engine.refusals and balance.returncode == 0
        return verdict.is_good and is_whole

    def _judge(self, verdict: Verdict) -> None:
        carried = list(self.engine.orders.values())
        self._minding(lambda: judge.events(self._told(), carried, verdict))
        self.engine.end()
        judge.effects(list(self.control.events(kinds="result")), verdict)
        for order in carried:
            judge.order(order, self.control.order(order.order_id), verdict)
        answers = list(self.control.events(kinds="order_answered"))
        judge.answers(answers, verdict)
        taken = {each["order_id"] for each in answers if judge.was_taken(each)}
        judge.orders(taken, self.witness.order_ids(), carried, verdict)
        judge.invitations(self.rig.invitations(), verdict)
        judge.breaches(self.control.breaches(), self.rig.parts["web"].starts, verdict)

    def _told(self) -> list[Json]:
        """The events as the engine gets them, in a minute at most."""
        limit = threading.Timer(60, self.engine.ending.set)
        limit.start()
        try:
            return self.engine.events()
        finally:
            limit.cancel()
