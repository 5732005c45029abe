"""People in the crash test: recruiters place orders, customers' administrators connect and disconnect."""

import random
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import requests

from integrations.simulator.control import ControlError
from tests.crash.rig import COURIERS, Rig
from tests.crash.witness import Witness

Json = dict[str, Any]
ORDER_KINDS = ("manual", "bulk", "hiring_step")


class Recruiters(threading.Thread):
    """Thread that places orders until enough were accepted. Unanswered ones are sent again, as SmartRecruiters may."""

    def __init__(
        self, rig: Rig, packages: list[Json], companies: list[str], *, wanted: int, seconds: float, seed: int
    ) -> None:
        super().__init__(daemon=True)
        self.control = rig.make_control()
        self.packages, self.companies = packages, companies
        self.wanted, self.seconds = wanted, seconds
        self.random = random.Random(f"{seed}-recruiters")
        self.accepted: set[str] = set()
        self.unanswered: set[str] = set()
        self.slowest = 0.0
        self.stopping = threading.Event()

    def run(self) -> None:
        started = time.monotonic()
        while len(self.accepted) < self.wanted and not self.stopping.is_set():
            behind = (time.monotonic() - started) / self.seconds * self.wanted - len(self.accepted)
            if behind < 1:
                self.stopping.wait(0.2)
                continue
            self._place_orders(min(self.random.randint(1, 12), self.wanted - len(self.accepted)))

    def _place_orders(self, count: int) -> None:
        package = self.random.choice(self.packages)
        is_inline = package["type"] == "INLINE_ASSESSMENT"
        kind = {"inline": True} if is_inline else {"kind": self.random.choice(ORDER_KINDS)}
        try:
            placed = self.control.place_orders(
                self.random.choice(self.companies), package["id"], count=count, parallel=4, retries=2, **kind
            )
        except (requests.RequestException, ControlError):
            self.stopping.wait(0.5)
            return
        self._record_placed(placed)
        for order_id in self.random.sample(sorted(self.unanswered), min(3, len(self.unanswered))):
            self.retry_order(order_id)

    def retry_unanswered(self) -> None:
        for order_id in list(self.unanswered):
            self.retry_order(order_id)

    def retry_order(self, order_id: str) -> None:
        try:
            self._record_placed([self.control.retry_order(order_id)])
        except (requests.RequestException, ControlError):
            self.stopping.wait(0.5)

    def _record_placed(self, placed: list[Json]) -> None:
        for order in placed:
            if order["accepted"]:
                self.accepted.add(order["order_id"])
                self.unanswered.discard(order["order_id"])
                self.slowest = max(self.slowest, order["seconds"] or 0)
            elif order["status_code"] is None or order["status_code"] >= 500:
                self.unanswered.add(order["order_id"])

    def stop(self) -> None:
        self.stopping.set()
        self.join(30)


class Admin:
    """Administrator of a customer, with a minimal browser (forms and cookies)."""

    def __init__(self, url: str, account: Json) -> None:
        self.url, self.account = url, account
        self.session = requests.Session()
        self.session.trust_env = False

    def _submit_form(self, page: requests.Response, **fields: str) -> requests.Response:
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        return self.session.post(page.url, data={**hidden, **fields}, headers={"Origin": self.url}, timeout=30)

    def approve_consent(self, consent_url: str) -> bool:
        page = self.session.get(consent_url, timeout=30)
        if 'name="password"' in page.text:
            page = self._submit_form(page, login=self.account["email"], password=self.account["password"])
        return 'name="decision"' in page.text and self._submit_form(page, decision="approve").status_code == 200


class Customers(threading.Thread):
    """Thread that reconnects companies under load, and connects new ones while a fault hits the exchange."""

    EXCHANGE_FAULTS: list[Json] = [
        {"action": "drop", "after_effect": True},
        {"action": "drop"},
        {"action": "truncated", "after_effect": True},
        {"action": "html200"},
        {"action": "hang", "after_effect": True},
        {"action": "status", "status": 500},
        {"action": "status", "status": 503, "retry_after": 1},
        {"action": "garbage", "after_effect": True},
        {"action": "slow", "seconds": 1.5},
        {"action": "slow", "seconds": 1.5, "after_effect": True},
    ]

    def __init__(self, rig: Rig, witness: Witness, accounts: list[Json], *, seed: int, pause: float) -> None:
        super().__init__(daemon=True)
        self.rig, self.witness, self.accounts, self.pause = rig, witness, accounts, pause
        self.control = rig.make_control()
        self.random = random.Random(f"{seed}-customers")
        self.connected: list[str] = []
        self.outcomes: list[str] = []
        self.problems: list[str] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        steps = list(self.EXCHANGE_FAULTS)
        self.random.shuffle(steps)
        number = 0
        while not self.stopping.is_set():
            number += 1
            try:
                if number % 3 == 0:
                    self._reconnect(self.random.choice(self.connected))
                else:
                    self._connect_with(f"late-{number}", steps[number % len(steps)])
            except (requests.RequestException, ControlError) as error:
                self.outcomes.append(f"interrupted ({type(error).__name__})")
            self.stopping.wait(self.random.uniform(0.5, 1.5) * self.pause)

    def _reconnect(self, company: str) -> None:
        self.outcomes.append("disconnected and reconnected")
        self.disconnect_company(company)
        self.stopping.wait(self.random.uniform(0, 2))
        self.connect_company(company, patience=20)

    def _connect_with(self, company: str, fault: Json) -> None:
        self.control.add_company(company)
        self.connected.append(company)
        is_slow = fault["action"] == "slow"
        self.control.set_fault(company=company, route="integration", count=1, **fault)
        self._approve_consent(company)
        if is_slow:
            time.sleep(self.random.uniform(0, 3))
            for name in (*COURIERS, "web") if self.random.random() < 0.3 else COURIERS:
                self.rig.processes[name].kill()
        self.outcomes.append(f"connected despite {'a killed process' if is_slow else fault['action']}")

    def connect_first(self, company: str) -> None:
        """Connect a company before the faults begin."""
        control = self.rig.make_control()
        control.add_company(company)
        if self.connect_company(company):
            self.connected.append(company)

    def disconnect_company(self, company: str) -> None:
        """Disconnect a company and notify the portal until it responds with 204, as SmartRecruiters does."""
        status = self.control.disconnect_company(company)
        deadline = time.monotonic() + 20
        while status != 204 and time.monotonic() < deadline:
            time.sleep(0.3)
            status = self.control.notify_disabled(company)

    def connect_company(self, company: str, *, patience: float = 60) -> bool:
        """Connect a company until it is live. After a lost response, disconnect and reconnect, as the page advises."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and not self.stopping.is_set():
            state = self.witness.connection_state(company)
            if state == "live" and self.control.get_company(company)["connected"]:
                return True
            if state in ("approved", "exchanging"):
                time.sleep(0.2)
                continue
            if self.control.get_company(company)["connected"]:
                self.disconnect_company(company)
            self._approve_consent(company)
            time.sleep(0.3)
        return False

    def _approve_consent(self, company: str) -> None:
        try:
            account = self.accounts[sum(company.encode()) % len(self.accounts)]
            Admin(self.rig.url, account).approve_consent(self.control.grant_consent(company) or "")
        except requests.RequestException:
            time.sleep(0.5)

    def reconnect_all(self) -> list[str]:
        """Reconnect all companies after the faults, and return those that are still not live."""
        self.stopping.clear()
        return [
            company
            for company in self.connected
            if not self._record_problems(lambda c=company: self.connect_company(c))
        ]

    def _record_problems(self, action: Callable[[], bool]) -> bool:
        try:
            return action()
        except (requests.RequestException, ControlError) as error:
            self.problems.append(str(error)[:200])
            return False

    def stop(self) -> None:
        self.stopping.set()
        self.join(60)
