"""HTTP client of the control API, for tests, the crash suite and the benchmark."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import requests

Json = dict[str, Any]


class ControlError(Exception):
    """Error response of the simulator."""


class ControlClient:
    """Client of one running simulator. Not thread-safe: give each thread its own."""

    def __init__(self, base_url: str, *, timeout: float = 900) -> None:
        self.base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False

    def send_request(self, method: str, *path: str, json: Json | None = None, params: Json | None = None) -> Any:
        """Call `/_simulator/` with these path segments. Raises ControlError for an error status."""
        url = "/".join([self.base_url, "_simulator", *(quote(segment, safe="") for segment in path)])
        if json is None and method in ("POST", "PATCH"):
            json = {}
        response = self._session.request(method, url, json=json, params=params, timeout=self._timeout)
        if response.status_code >= 400:
            raise ControlError(f"{method} {'/'.join(path)}: {response.status_code} {response.text[:500]}")
        return response.json()

    def _request_object(self, method: str, *path: str, **options: Any) -> Json:
        return dict(self.send_request(method, *path, **options))

    def _request_list(self, method: str, *path: str, **options: Any) -> list[Json]:
        return list(self.send_request(method, *path, **options))

    def is_up(self) -> bool:
        try:
            return self._session.get(f"{self.base_url}/healthz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def get_state(self) -> Json:
        return self._request_object("GET", "state")

    # Companies and their connection

    def list_companies(self) -> list[Json]:
        return self._request_list("GET", "companies")

    def get_company(self, company: str) -> Json:
        return self._request_object("GET", "companies", company)

    def add_company(self, company: str, name: str | None = None) -> Json:
        return self._request_object("POST", "companies", json={"id": company, "name": name or company})

    def grant_consent(self, company: str) -> str | None:
        """Press the Connect button. Return the consent URL to open in a browser."""
        url: str | None = self.send_request("POST", "companies", company, "consent")["consent_url"]
        return url

    def disconnect_company(self, company: str) -> int | None:
        """End the connection and notify the portal. Return the status of its response, None without one."""
        status: int | None = self.send_request("POST", "companies", company, "disconnect")["status_code"]
        return status

    def notify_disabled(self, company: str) -> int | None:
        status: int | None = self.send_request("POST", "companies", company, "tell-disabled")["status_code"]
        return status

    def revoke_credential(self, company: str) -> None:
        """Invalidate the portal's credentials for this company without notifying the portal."""
        self.send_request("POST", "companies", company, "revoke")

    def expire_tokens(self, company: str | None = None) -> None:
        self.send_request("POST", *(("companies", company) if company else ()), "expire-tokens")

    def list_candidates(self, company: str) -> list[Json]:
        return self._request_list("GET", "companies", company, "candidates")

    # Packages and orders

    def fetch_packages(self, company: str, **query: str) -> Json:
        """Fetch the packages from the portal; `query`: `requester`, location (`country_code` …) and field ids."""
        params = {key if key == "requester" else key.replace("_", "-"): value for key, value in query.items()}
        return self._request_object("GET", "companies", company, "packages", params=params)

    def fetch_package(self, company: str, package: str) -> Json:
        return self._request_object("GET", "companies", company, "packages", package)

    def place_orders(self, company: str, package: str, **options: Any) -> list[Json]:
        """Place `count` orders; README.md lists the options."""
        body = {"company": company, "package": package, **options}
        return list(self.send_request("POST", "orders", json=body)["orders"])

    def list_orders(self, company: str | None = None, *, limit: int = 100) -> list[Json]:
        params = {"limit": limit, **({"company": company} if company else {})}
        return list(self.send_request("GET", "orders", params=params)["orders"])

    def get_order(self, order_id: str) -> Json:
        return self._request_object("GET", "orders", order_id)

    def retry_order(self, order_id: str) -> Json:
        return self._request_object("POST", "orders", order_id, "retry")

    def announce_correction(self, order_id: str, reason: str = "a test") -> None:
        """Declare the order's next change of result intended, so that it is no breach."""
        self.send_request("POST", "orders", order_id, "announce", json={"reason": reason})

    # Ledger and breaches

    def get_ledger_page(self, since: int = 0, *, kinds: str = "", limit: int = 5000) -> Json:
        """Return one page: `events`, `next` (the cursor of the next page) and `more`."""
        return self._request_object("GET", "ledger", params={"since": since, "kinds": kinds, "limit": limit})

    def iterate_events(self, since: int = 0, *, kinds: str = "") -> Iterator[Json]:
        more = True
        while more:
            page = self.get_ledger_page(since, kinds=kinds)
            yield from page["events"]
            since, more = page["next"], page["more"]

    def get_ledger_end(self) -> int:
        return int(self.get_state()["ledger_end"])

    def list_breaches(self) -> list[Json]:
        return self._request_list("GET", "breaches")

    def clear_breaches(self) -> None:
        self.send_request("DELETE", "breaches")

    # Faults and settings

    def set_fault(self, action: str, **options: Any) -> int:
        """Set a fault (`route`, `company`, `count`, `status`, `seconds`, `after_effect` …) and return its id."""
        return int(self.send_request("POST", "faults", json={"action": action, **options})["id"])

    def clear_faults(self) -> None:
        self.send_request("DELETE", "faults")

    def change_settings(self, **changes: Any) -> Json:
        return self._request_object("PATCH", "settings", json=changes)
