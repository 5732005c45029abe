"""A typed client of the control API, for tests, the crash suite and the bench."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import requests

Json = dict[str, Any]


class ControlError(Exception):
    """The simulator said no, and why."""


class Control:
    """Drives one running simulator. Thread-safe as far as a `requests.Session` is: give each thread its own."""

    def __init__(self, base_url: str, *, timeout: float = 900) -> None:
        self.base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False

    def call(self, method: str, path: str, *, json: Json | None = None, params: Json | None = None) -> Any:
        url = f"{self.base_url}/_simulator/{path}"
        if json is None and method in ("POST", "PATCH"):
            json = {}
        answer = self._session.request(method, url, json=json, params=params, timeout=self._timeout)
        if answer.status_code >= 400:
            raise ControlError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def is_up(self) -> bool:
        try:
            return self._session.get(f"{self.base_url}/healthz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def state(self) -> Json:
        return _object(self.call("GET", "state"))

    # Companies and their connection

    def companies(self) -> list[Json]:
        return _list(self.call("GET", "companies"))

    def company(self, company: str) -> Json:
        return _object(self.call("GET", f"companies/{_segment(company)}"))

    def add_company(self, company: str, name: str | None = None) -> Json:
        return _object(self.call("POST", "companies", json={"id": company, "name": name or company}))

    def consent(self, company: str) -> str | None:
        """What the Connect button does; answers the consent URL to open in a browser."""
        url: str | None = self.call("POST", f"companies/{_segment(company)}/consent")["consent_url"]
        return url

    def disconnect(self, company: str) -> int | None:
        """Ends the connection and tells the portal; answers the status of its answer, None for none."""
        status: int | None = self.call("POST", f"companies/{_segment(company)}/disconnect")["status_code"]
        return status

    def tell_disabled(self, company: str) -> int | None:
        status: int | None = self.call("POST", f"companies/{_segment(company)}/tell-disabled")["status_code"]
        return status

    def revoke(self, company: str) -> None:
        """The portal's credential for this company dies without a word."""
        self.call("POST", f"companies/{_segment(company)}/revoke")

    def expire_tokens(self, company: str | None = None) -> None:
        self.call("POST", f"companies/{_segment(company)}/expire-tokens" if company else "expire-tokens")

    def candidates(self, company: str) -> list[Json]:
        return _list(self.call("GET", f"companies/{_segment(company)}/candidates"))

    # Packages and orders

    def packages(self, company: str, **query: str) -> Json:
        """`requester`, location keys (`country_code` …) and mapped fields as keywords."""
        params = {key if key == "requester" else key.replace("_", "-"): value for key, value in query.items()}
        return _object(self.call("GET", f"companies/{_segment(company)}/packages", params=params))

    def package(self, company: str, package: str) -> Json:
        return _object(self.call("GET", f"companies/{_segment(company)}/packages/{_segment(package)}"))

    def place(self, company: str, package: str, **wish: Any) -> list[Json]:
        """Places `count` orders; further keys as in the package's docstring."""
        return _list(self.call("POST", "orders", json={"company": company, "package": package, **wish})["orders"])

    def orders(self, company: str | None = None, *, limit: int = 100) -> list[Json]:
        params = {"limit": limit, **({"company": company} if company else {})}
        return _list(self.call("GET", "orders", params=params)["orders"])

    def order(self, order_id: str) -> Json:
        return _object(self.call("GET", f"orders/{_segment(order_id)}"))

    def retry(self, order_id: str) -> Json:
        return _object(self.call("POST", f"orders/{_segment(order_id)}/retry"))

    def announce(self, order_id: str, reason: str = "a test") -> None:
        """The order's next change of result is meant: no breach, whatever it drops or turns back."""
        self.call("POST", f"orders/{_segment(order_id)}/announce", json={"reason": reason})

    # What happened

    def ledger(self, since: int = 0, *, kinds: str = "", limit: int = 5000) -> Json:
        """One page: `events`, `next` (the cursor behind them), `more`."""
        return _object(self.call("GET", "ledger", params={"since": since, "kinds": kinds, "limit": limit}))

    def events(self, since: int = 0, *, kinds: str = "") -> Iterator[Json]:
        """All of the ledger from the cursor on."""
        more = True
        while more:
            page = self.ledger(since, kinds=kinds)
            yield from page["events"]
            since, more = page["next"], page["more"]

    def ledger_end(self) -> int:
        end: int = self.state()["ledger_end"]
        return end

    def breaches(self) -> list[Json]:
        return _list(self.call("GET", "breaches"))

    def clear_breaches(self) -> None:
        self.call("DELETE", "breaches")

    # Switches

    def fault(self, action: str, **fault: Any) -> int:
        """Sets a switch (`route`, `company`, `count`, `status`, `seconds`, `after_effect` …); answers its id."""
        made: int = self.call("POST", "faults", json={"action": action, **fault})["id"]
        return made

    def clear_faults(self) -> None:
        self.call("DELETE", "faults")

    def settings(self, **changes: Any) -> Json:
        return _object(self.call("PATCH", "settings", json=changes))


def _segment(text: str) -> str:
    return quote(text, safe="")


def _object(answer: Any) -> Json:
    return dict(answer)


def _list(answer: Any) -> list[Json]:
    return list(answer)
