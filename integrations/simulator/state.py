"""The simulator's state: a fold over its journal. One lock, one writer, one function per kind of event."""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from integrations.simulator import sample_data
from integrations.simulator.entities import (
    Answer,
    Breach,
    Company,
    Exchange,
    Fault,
    Notification,
    Order,
    Pair,
    Settings,
    Token,
    Upload,
)
from integrations.simulator.journal import Event, Journal
from integrations.simulator.merge_patch import merge_patch


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class World:
    """Read without the lock (every value is frozen); check and `record` under it.

    `record` is the only way to change anything: the event is on disk before it is true.
    """

    def __init__(self, journal: Journal, master: Pair) -> None:
        self.journal = journal
        self.master = master
        self.lock = threading.RLock()
        self.settings = Settings()
        self.configuration: dict[str, Any] | None = None
        self.companies: dict[str, Company] = {}
        self.credentials: dict[str, str] = {}
        self.tokens: dict[str, Token] = {}
        self.exchanges: dict[str, Exchange] = {}
        self.orders: dict[str, Order] = {}
        self.orders_of: dict[str, list[str]] = {}
        self.people: dict[str, tuple[str, dict[str, Any]]] = {}
        self.jobs: dict[str, tuple[str, dict[str, Any]]] = {}
        self.packages: dict[str, dict[str, dict[str, Any]]] = {}
        self.faults: dict[int, Fault] = {}
        self.breaches: list[Breach] = []
        self.counts: Counter[str] = Counter()
        self._serial = 0
        for company_id, name in sample_data.COMPANIES.items():
            self._add_company({"id": company_id, "name": name})
        for event, _ in journal.read():
            self._apply(event)

    def record(self, kind: str, **fields: Any) -> Event:
        with self.lock:
            event = {"kind": kind, "at": round(time.time(), 4), **fields}
            self.journal.append(event)
            self._apply(event)
            return event

    def next_serial(self) -> int:
        with self.lock:
            return self._serial + 1

    def of_company(self, company: str) -> list[Order]:
        """Newest first."""
        return [self.orders[order_id] for order_id in reversed(self.orders_of.get(company, []).copy())]

    def company_of_credential(self, client_id: str | None) -> str | None:
        return self.credentials.get(client_id) if client_id else None

    # The fold

    def _apply(self, event: Event) -> None:
        self.counts[event["kind"]] += 1
        fold = _FOLDS.get(event["kind"])
        if fold is not None:
            fold(self, event)

    def _add_company(self, event: Event) -> None:
        company = event["id"]
        self.companies[company] = Company(id=company, name=event["name"])
        for job in sample_data.jobs(company):
            self.jobs[job["id"]] = (company, job)
        for number in range(sample_data.CANDIDATES_SHOWN):
            person = sample_data.candidate(company, number)
            self.people[person["id"]] = (company, person)

    def _change_company(self, company: str, **changes: Any) -> None:
        self.companies[company] = replace(self.companies[company], **changes)

    def _change_order(self, order_id: str, **changes: Any) -> None:
        self.orders[order_id] = replace(self.orders[order_id], **changes)

    def _configure(self, event: Event) -> None:
        self.configuration = event["document"]

    def _consent(self, event: Event) -> None:
        company = self.companies[event["company"]]
        self._change_company(company.id, consented=True, consents=company.consents + 1)

    def _exchange(self, event: Event) -> None:
        self.exchanges[event["client_id"]] = Exchange(
            event["company"], event["secret_digest"], event["consent"], event["settled"]
        )

    def _integrate(self, event: Event) -> None:
        own = Pair(**event["own_pair"])
        self.credentials[own.client_id] = event["company"]
        self._change_company(
            event["company"],
            partner_pair=Pair(**event["partner_pair"]),
            own_pair=own,
            connected_at=event["at"],
            disable_owed=False,
        )

    def _revoke(self, event: Event) -> None:
        own = self.companies[event["company"]].own_pair
        if own is not None:
            self.credentials.pop(own.client_id, None)

    def _disconnect(self, event: Event) -> None:
        self._revoke(event)
        ended = self.companies[event["company"]].partner_pair
        self._change_company(
            event["company"],
            consented=False,
            partner_pair=None,
            own_pair=None,
            disconnected_at=event["at"],
            disable_owed=ended is not None,
            former_client=ended.client_id if ended else "",
        )

    def _told_disable(self, event: Event) -> None:
        if event["status"] == 204 and not self.companies[event["company"]].connected:
            self._change_company(event["company"], disable_owed=False)

    def _issue_token(self, event: Event) -> None:
        self.tokens[event["digest"]] = Token(event["client_id"], event["expires_at"])

    def _expire_tokens(self, event: Event) -> None:
        clients = event["clients"]
        for key, token in list(self.tokens.items()):
            if clients is None or token.client_id in clients:
                self.tokens[key] = replace(token, expires_at=event["at"])

    def _see_package(self, event: Event) -> None:
        self.packages.setdefault(event["company"], {})[event["package"]["id"]] = event["package"]

    def _place_order(self, event: Event) -> None:
        company, package = event["company"], event["package"]
        known = package.get("assessments")
        order = Order(
            id=event["order_id"],
            company=company,
            kind=event["order_kind"],
            package=package["id"],
            package_name=package.get("name", package["id"]),
            package_type=package.get("type", ""),
            assessments=None if known is None else tuple(each["id"] for each in known),
            candidate=event["candidate"],
            body=event["body"],
            placed_at=event["at"],
        )
        self.orders[order.id] = order
        self.orders_of.setdefault(company, []).append(order.id)
        self.people[order.candidate["id"]] = (company, order.candidate)

    def _answer_order(self, event: Event) -> None:
        order = self.orders[event["order_id"]]
        answer = Answer(event["at"], event["status"], event["seconds"], event["url"], event["problem"])
        self._change_order(order.id, answers=(*order.answers, answer))

    def _take_result(self, event: Event) -> None:
        order = self.orders[event["order_id"]]
        if event["repeat"]:
            self._change_order(order.id, repeats=order.repeats + 1)
            return
        merged = merge_patch(order.result, event["patch"])
        told = order.notifications
        if merged.get("status") not in (None, order.status):
            told = (*told, Notification(event["at"], merged["status"]))
        self._change_order(
            order.id,
            result=merged,
            result_at=event["at"],
            effects=order.effects + 1,
            notifications=told,
            correction=None,
        )

    def _take_upload(self, event: Event) -> None:
        order = self.orders[event["order_id"]]
        upload = Upload(**event["upload"])
        attachment = {"type": upload.type, "url": upload.url}
        merged = {**order.result, "attachments": [*(order.result.get("attachments") or []), attachment]}
        self._change_order(order.id, result=merged, uploads=(*order.uploads, upload))

    def _lose_reply(self, event: Event) -> None:
        order = self.orders[event["order_id"]]
        changed = tuple(
            replace(upload, reply_lost=True) if upload.id == event["upload"] else upload for upload in order.uploads
        )
        self._change_order(order.id, uploads=changed)

    def _announce(self, event: Event) -> None:
        self._change_order(event["order_id"], correction=event["reason"])

    def _set_fault(self, event: Event) -> None:
        fault = Fault(**event["fault"])
        self._serial = max(self._serial, fault.id)
        self.faults[fault.id] = fault

    def _fire_fault(self, event: Event) -> None:
        fault = self.faults[event["fault"]]
        left = None if fault.left is None else fault.left - 1
        self.faults[fault.id] = replace(fault, left=left, fired=fault.fired + 1)
        if left == 0:
            del self.faults[fault.id]

    def _clear_faults(self, event: Event) -> None:
        for fault_id in event["ids"]:
            self.faults.pop(fault_id, None)

    def _breach(self, event: Event) -> None:
        self._serial += 1
        fields = {key: event[key] for key in ("what", "detail", "company", "order_id", "route")}
        self.breaches.append(Breach(id=self._serial, at=event["at"], **fields))

    def _clear_breaches(self, event: Event) -> None:
        self.breaches = []

    def _change_settings(self, event: Event) -> None:
        self.settings = Settings(**{**asdict(self.settings), **event["changes"]})

    def _count_call(self, event: Event) -> None:
        self.counts[f"call.{event['status']}"] += 1


_FOLDS: dict[str, Callable[[World, Event], None]] = {
    "company_added": World._add_company,
    "configured": World._configure,
    "consented": World._consent,
    "exchange": World._exchange,
    "integrated": World._integrate,
    "revoked": World._revoke,
    "disconnected": World._disconnect,
    "disable_told": World._told_disable,
    "token_issued": World._issue_token,
    "tokens_expired": World._expire_tokens,
    "package_seen": World._see_package,
    "order_placed": World._place_order,
    "order_answered": World._answer_order,
    "result": World._take_result,
    "upload": World._take_upload,
    "upload_reply_lost": World._lose_reply,
    "correction_announced": World._announce,
    "fault_set": World._set_fault,
    "fault_fired": World._fire_fault,
    "faults_cleared": World._clear_faults,
    "breach": World._breach,
    "breaches_cleared": World._clear_breaches,
    "settings_changed": World._change_settings,
    "call": World._count_call,
}
