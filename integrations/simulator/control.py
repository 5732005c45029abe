"""A typed client of the control API, for tests, the crash suite and the bench."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import requests

Json = dict[str, Any]


class ControlError(Exception):
    """The simulator said no, and why."""


class ControlClient:
    """Drives one running simulator. Thread-safe as far as a `requests.Session` is: give each thread its own."""

    def __init__(self, base_url: str, *, timeout: float = 900) -> None:
        self.base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False

    def send_request(self, method: str, path: str, *, json: Json | None = None, params: Json | None = None) -> Any:
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

    def get_state(self) -> Json:
        return _as_object(self.send_request("GET", "state"))

    # Companies and their connection

    def list_companies(self) -> list[Json]:
        return _as_list(self.send_request("GET", "companies"))

    def get_company(self, company: str) -> Json:
        return _as_object(self.send_request("GET", f"companies/{_quote_segment(company)}"))

    def add_company(self, company: str, name: str | None = None) -> Json:
        return _as_object(self.send_request("POST", "companies", json={"id": company, "name": name or company}))

    def grant_consent(self, company: str) -> str | None:
        """What the Connect button does; answers the consent URL to open in a browser."""
        url: str | None = self.send_request("POST", f"companies/{_quote_segment(company)}/consent")["consent_url"]
        return url

    def disconnect_company(self, company: str) -> int | None:
        """Ends the connection and tells the portal; answers the status of its answer, None for none."""
        status: int | None = self.send_request("POST", f"companies/{_quote_segment(company)}/disconnect")["status_code"]
        return status

    def notify_disabled(self, company: str) -> int | None:
        status: int | None = self.send_request("POST", f"companies/{_quote_segment(company)}/tell-disabled")[
            "status_code"
        ]
        return status

    def revoke_credential(self, company: str) -> None:
        """The portal's credential for this company dies without a word."""
        self.send_request("POST", f"companies/{_quote_segment(company)}/revoke")

    def expire_tokens(self, company: str | None = None) -> None:
        self.send_request("POST", f"companies/{_quote_segment(company)}/expire-tokens" if company else "expire-tokens")

    def list_candidates(self, company: str) -> list[Json]:
        return _as_list(self.send_request("GET", f"companies/{_quote_segment(company)}/candidates"))

    # Packages and orders

    def fetch_packages(self, company: str, **query: str) -> Json:
        """`requester`, location keys (`country_code` …) and mapped fields as keywords."""
        params = {key if key == "requester" else key.replace("_", "-"): value for key, value in query.items()}
        return _as_object(self.send_request("GET", f"companies/{_quote_segment(company)}/packages", params=params))

    def fetch_package(self, company: str, package: str) -> Json:
        return _as_object(
            self.send_request("GET", f"companies/{_quote_segment(company)}/packages/{_quote_segment(package)}")
        )

    def place_orders(self, company: str, package: str, **options: Any) -> list[Json]:
        """Places `count` orders; further keys as in the package's docstring."""
        return _as_list(
            self.send_request("POST", "orders", json={"company": company, "package": package, **options})["orders"]
        )

    def list_orders(self, company: str | None = None, *, limit: int = 100) -> list[Json]:
        params = {"limit": limit, **({"company": company} if company else {})}
        return _as_list(self.send_request("GET", "orders", params=params)["orders"])

    def get_order(self, order_id: str) -> Json:
        return _as_object(self.send_request("GET", f"orders/{_quote_segment(order_id)}"))

    def retry_order(self, order_id: str) -> Json:
        return _as_object(self.send_request("POST", f"orders/{_quote_segment(order_id)}/retry"))

    def announce_correction(self, order_id: str, reason: str = "a test") -> None:
        """The order's next change of result is meant: no breach, whatever it drops or turns back."""
        self.send_request("POST", f"orders/{_quote_segment(order_id)}/announce", json={"reason": reason})

    # What happened

    def get_ledger_page(self, since: int = 0, *, kinds: str = "", limit: int = 5000) -> Json:
        """One page: `events`, `next` (the cursor behind them), `more`."""
        return _as_object(self.send_request("GET", "ledger", params={"since": since, "kinds": kinds, "limit": limit}))

    def iterate_events(self, since: int = 0, *, kinds: str = "") -> Iterator[Json]:
        """All of the ledger from the cursor on."""
        more = True
        while more:
            page = self.get_ledger_page(since, kinds=kinds)
            yield from page["events"]
            since, more = page["next"], page["more"]

    def get_ledger_end(self) -> int:
        end: int = self.get_state()["ledger_end"]
        return end

    def list_breaches(self) -> list[Json]:
        return _as_list(self.send_request("GET", "breaches"))

    def clear_breaches(self) -> None:
        self.send_request("DELETE", "breaches")

    # Switches

    def set_fault(self, action: str, **options: Any) -> int:
        """Sets a switch (`route`, `company`, `count`, `status`, `seconds`, `after_effect` …); answers its id."""
        made: int = self.send_request("POST", "faults", json={"action": action, **options})["id"]
        return made

    def clear_faults(self) -> None:
        self.send_request("DELETE", "faults")

    def change_settings(self, **changes: Any) -> Json:
        return _as_object(self.send_request("PATCH", "settings", json=changes))


def _quote_segment(text: str) -> str:
    return quote(text, safe="")


def _as_object(answer: Any) -> Json:
    return dict(answer)


def _as_list(answer: Any) -> list[Json]:
    return list(answer)
