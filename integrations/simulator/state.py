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
    CredentialExchange,
    CredentialPair,
    Fault,
    Notification,
    Order,
    Settings,
    Token,
    Upload,
)
from integrations.simulator.journal import Event, Journal
from integrations.simulator.merge_patch import merge_patch


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class SimulatorState:
    """Read without the lock (every value is frozen); check and `record_event` under it.

    `record_event` is the only way to change anything: the event is on disk before it is true.
    """

    def __init__(self, journal: Journal, master_pair: CredentialPair) -> None:
        self.journal = journal
        self.master_pair = master_pair
        self.lock = threading.RLock()
        self.settings = Settings()
        self.configuration: dict[str, Any] | None = None
        self.companies: dict[str, Company] = {}
        self.credentials: dict[str, str] = {}
        self.tokens: dict[str, Token] = {}
        self.exchanges: dict[str, CredentialExchange] = {}
        self.orders: dict[str, Order] = {}
        self.order_ids_by_company: dict[str, list[str]] = {}
        self.candidates: dict[str, tuple[str, dict[str, Any]]] = {}
        self.jobs: dict[str, tuple[str, dict[str, Any]]] = {}
        self.packages: dict[str, dict[str, dict[str, Any]]] = {}
        self.faults: dict[int, Fault] = {}
        self.breaches: list[Breach] = []
        self.counts: Counter[str] = Counter()
        self._last_serial = 0
        for company_id, name in sample_data.COMPANIES.items():
            self._add_company({"id": company_id, "name": name})
        for event, _ in journal.read_events():
            self._apply_event(event)

    def record_event(self, kind: str, **fields: Any) -> Event:
        with self.lock:
            event = {"kind": kind, "at": round(time.time(), 4), **fields}
            self.journal.append_event(event)
            self._apply_event(event)
            return event

    def next_serial(self) -> int:
        with self.lock:
            return self._last_serial + 1

    def list_orders(self, company: str) -> list[Order]:
        """Newest first."""
        return [self.orders[order_id] for order_id in reversed(self.order_ids_by_company.get(company, []).copy())]

    def find_company(self, client_id: str | None) -> str | None:
        return self.credentials.get(client_id) if client_id else None

    # The fold

    def _apply_event(self, event: Event) -> None:
        self.counts[event["kind"]] += 1
        fold = _EVENT_HANDLERS.get(event["kind"])
        if fold is not None:
            fold(self, event)

    def _add_company(self, event: Event) -> None:
        company = event["id"]
        self.companies[company] = Company(id=company, name=event["name"])
        for job in sample_data.build_jobs(company):
            self.jobs[job["id"]] = (company, job)
        for number in range(sample_data.CANDIDATE_COUNT):
            person = sample_data.build_candidate(company, number)
            self.candidates[person["id"]] = (company, person)

    def _change_company(self, company: str, **changes: Any) -> None:
        self.companies[company] = replace(self.companies[company], **changes)

    def _change_order(self, order_id: str, **changes: Any) -> None:
        self.orders[order_id] = replace(self.orders[order_id], **changes)

    def _set_configuration(self, event: Event) -> None:
        self.configuration = event["document"]

    def _grant_consent(self, event: Event) -> None:
        company = self.companies[event["company"]]
        self._change_company(company.id, consented=True, consents=company.consents + 1)

    def _add_exchange(self, event: Event) -> None:
        self.exchanges[event["client_id"]] = CredentialExchange(
            event["company"], event["secret_digest"], event["consent"], event["settled"]
        )

    def _connect_company(self, event: Event) -> None:
        own = CredentialPair(**event["own_pair"])
        self.credentials[own.client_id] = event["company"]
        self._change_company(
            event["company"],
            partner_pair=CredentialPair(**event["partner_pair"]),
            own_pair=own,
            connected_at=event["at"],
            disable_owed=False,
        )

    def _revoke_credential(self, event: Event) -> None:
        own = self.companies[event["company"]].own_pair
        if own is not None:
            self.credentials.pop(own.client_id, None)

    def _disconnect_company(self, event: Event) -> None:
        self._revoke_credential(event)
        ended = self.companies[event["company"]].partner_pair
        self._change_company(
            event["company"],
            consented=False,
            partner_pair=None,
            own_pair=None,
            disconnected_at=event["at"],
            disable_owed=ended is not None,
            former_client_id=ended.client_id if ended else "",
        )

    def _confirm_disable(self, event: Event) -> None:
        if event["status"] == 204 and not self.companies[event["company"]].is_connected:
            self._change_company(event["company"], disable_owed=False)

    def _issue_token(self, event: Event) -> None:
        self.tokens[event["digest"]] = Token(event["client_id"], event["expires_at"])

    def _expire_tokens(self, event: Event) -> None:
        clients = event["clients"]
        for key, token in list(self.tokens.items()):
            if clients is None or token.client_id in clients:
                self.tokens[key] = replace(token, expires_at=event["at"])

    def _store_package(self, event: Event) -> None:
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
        self.order_ids_by_company.setdefault(company, []).append(order.id)
        self.candidates[order.candidate["id"]] = (company, order.candidate)

    def _add_answer(self, event: Event) -> None:
        order = self.orders[event["order_id"]]
        answer = Answer(event["at"], event["status"], event["seconds"], event["url"], event["problem"])
        self._change_order(order.id, answers=(*order.answers, answer))

    def _merge_result(self, event: Event) -> None:
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

    def _add_upload(self, event: Event) -> None:
        order = self.orders[event["order_id"]]
        upload = Upload(**event["upload"])
        attachment = {"type": upload.type, "url": upload.url}
        merged = {**order.result, "attachments": [*(order.result.get("attachments") or []), attachment]}
        self._change_order(order.id, result=merged, uploads=(*order.uploads, upload))

    def _mark_reply_lost(self, event: Event) -> None:
        order = self.orders[event["order_id"]]
        changed = tuple(
            replace(upload, reply_lost=True) if upload.id == event["upload"] else upload for upload in order.uploads
        )
        self._change_order(order.id, uploads=changed)

    def _announce_correction(self, event: Event) -> None:
        self._change_order(event["order_id"], correction=event["reason"])

    def _set_fault(self, event: Event) -> None:
        fault = Fault(**event["fault"])
        self._last_serial = max(self._last_serial, fault.id)
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

    def _add_breach(self, event: Event) -> None:
        self._last_serial += 1
        fields = {key: event[key] for key in ("what", "detail", "company", "order_id", "route")}
        self.breaches.append(Breach(id=self._last_serial, at=event["at"], **fields))

    def _clear_breaches(self, event: Event) -> None:
        self.breaches = []

    def _change_settings(self, event: Event) -> None:
        self.settings = Settings(**{**asdict(self.settings), **event["changes"]})

    def _count_call(self, event: Event) -> None:
        self.counts[f"call.{event['status']}"] += 1


_EVENT_HANDLERS: dict[str, Callable[[SimulatorState, Event], None]] = {
    "company_added": SimulatorState._add_company,
    "configured": SimulatorState._set_configuration,
    "consented": SimulatorState._grant_consent,
    "exchange": SimulatorState._add_exchange,
    "integrated": SimulatorState._connect_company,
    "revoked": SimulatorState._revoke_credential,
    "disconnected": SimulatorState._disconnect_company,
    "disable_told": SimulatorState._confirm_disable,
    "token_issued": SimulatorState._issue_token,
    "tokens_expired": SimulatorState._expire_tokens,
    "package_seen": SimulatorState._store_package,
    "order_placed": SimulatorState._place_order,
    "order_answered": SimulatorState._add_answer,
    "result": SimulatorState._merge_result,
    "upload": SimulatorState._add_upload,
    "upload_reply_lost": SimulatorState._mark_reply_lost,
    "correction_announced": SimulatorState._announce_correction,
    "fault_set": SimulatorState._set_fault,
    "fault_fired": SimulatorState._fire_fault,
    "faults_cleared": SimulatorState._clear_faults,
    "breach": SimulatorState._add_breach,
    "breaches_cleared": SimulatorState._clear_breaches,
    "settings_changed": SimulatorState._change_settings,
    "call": SimulatorState._count_call,
}
