"""Event-sourced state of the simulator, rebuilt from the journal."""

import hashlib
import threading
import time
from collections import Counter
from dataclasses import asdict, replace
from typing import Any

from integrations.simulator.merge_patch import merge_patch
from integrations.simulator.store import entities, sample_data
from integrations.simulator.store.entities import Company, CredentialPair, Fault, Order, Settings, Token
from integrations.simulator.store.journal import Event, Journal


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class SimulatorState:
    """State and its single write path, `record_event`, which writes an event to disk before applying it.

    Reads need no lock, because every value is frozen. Hold `lock` across a check and the event that depends on it.
    `_apply_KIND` applies the events of one kind; other kinds are recorded only.
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
        self.exchanges: dict[str, entities.CredentialExchange] = {}
        self.orders: dict[str, Order] = {}
        self.order_ids_by_company: dict[str, list[str]] = {}
        self.candidates: dict[str, tuple[str, dict[str, Any]]] = {}
        self.jobs: dict[str, tuple[str, dict[str, Any]]] = {}
        self.packages: dict[str, dict[str, dict[str, Any]]] = {}
        self.faults: dict[int, Fault] = {}
        self.breaches: list[entities.Breach] = []
        self.counts: Counter[str] = Counter()
        self._last_serial = 0
        for company_id, name in sample_data.COMPANIES.items():
            self._apply_company_added({"id": company_id, "name": name})
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
        return [self.orders[order_id] for order_id in reversed(self.order_ids_by_company.get(company, []).copy())]

    def find_company(self, client_id: str | None) -> str | None:
        return self.credentials.get(client_id) if client_id else None

    def _apply_event(self, event: Event) -> None:
        self.counts[event["kind"]] += 1
        if apply := getattr(self, f"_apply_{event['kind']}", None):
            apply(event)

    def _apply_company_added(self, event: Event) -> None:
        company = event["id"]
        self.companies[company] = Company(id=company, name=event["name"])
        for job in sample_data.build_jobs(company):
            self.jobs[job["id"]] = (company, job)
        for person in sample_data.build_candidates(company):
            self.candidates[person["id"]] = (company, person)

    def _change_company(self, company: str, **changes: Any) -> None:
        self.companies[company] = replace(self.companies[company], **changes)

    def _change_order(self, order_id: str, **changes: Any) -> None:
        self.orders[order_id] = replace(self.orders[order_id], **changes)

    def _apply_configured(self, event: Event) -> None:
        self.configuration = event["document"]

    def _apply_consented(self, event: Event) -> None:
        company = self.companies[event["company"]]
        self._change_company(company.id, consented=True, consents=company.consents + 1)

    def _apply_exchange(self, event: Event) -> None:
        self.exchanges[event["client_id"]] = entities.CredentialExchange(
            event["company"], event["secret_digest"], event["consent"], event["settled"]
        )

    def _apply_integrated(self, event: Event) -> None:
        own = CredentialPair(**event["own_pair"])
        self.credentials[own.client_id] = event["company"]
        self._change_company(
            event["company"],
            partner_pair=CredentialPair(**event["partner_pair"]),
            own_pair=own,
            connected_at=event["at"],
            disable_owed=False,
        )

    def _apply_revoked(self, event: Event) -> None:
        own = self.companies[event["company"]].own_pair
        if own is not None:
            self.credentials.pop(own.client_id, None)

    def _apply_disconnected(self, event: Event) -> None:
        self._apply_revoked(event)
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

    def _apply_disable_told(self, event: Event) -> None:
        if event["status"] == 204 and not self.companies[event["company"]].is_connected:
            self._change_company(event["company"], disable_owed=False)

    def _apply_token_issued(self, event: Event) -> None:
        self.tokens[event["digest"]] = Token(event["client_id"], event["expires_at"])

    def _apply_tokens_expired(self, event: Event) -> None:
        clients = event["clients"]
        for key, token in list(self.tokens.items()):
            if clients is None or token.client_id in clients:
                self.tokens[key] = replace(token, expires_at=event["at"])

    def _apply_package_seen(self, event: Event) -> None:
        self.packages.setdefault(event["company"], {})[event["package"]["id"]] = event["package"]

    def _apply_order_placed(self, event: Event) -> None:
        company, package = event["company"], event["package"]
        assessments = package.get("assessments")
        order = Order(
            id=event["order_id"],
            company=company,
            kind=event["order_kind"],
            package=package["id"],
            package_name=package.get("name", package["id"]),
            package_type=package.get("type", ""),
            assessments=None if assessments is None else tuple(each["id"] for each in assessments),
            candidate=event["candidate"],
            body=event["body"],
            placed_at=event["at"],
        )
        self.orders[order.id] = order
        self.order_ids_by_company.setdefault(company, []).append(order.id)
        self.candidates[order.candidate["id"]] = (company, order.candidate)

    def _apply_order_answered(self, event: Event) -> None:
        order = self.orders[event["order_id"]]
        answer = entities.Answer(event["at"], event["status"], event["seconds"], event["url"], event["problem"])
        self._change_order(order.id, answers=(*order.answers, answer))

    def _apply_result(self, event: Event) -> None:
        order = self.orders[event["order_id"]]
        if event["repeat"]:
            self._change_order(order.id, repeats=order.repeats + 1)
            return
        merged = merge_patch(order.result, event["patch"])
        notifications = order.notifications
        if merged.get("status") not in (None, order.status):
            notifications = (*notifications, entities.Notification(event["at"], merged["status"]))
        changes = {"result": merged, "result_at": event["at"], "notifications": notifications, "correction": None}
        self._change_order(order.id, effects=order.effects + 1, **changes)

    def _apply_upload(self, event: Event) -> None:
        order = self.orders[event["order_id"]]
        upload = entities.Upload(**event["upload"])
        attachment = {"type": upload.type, "url": upload.url}
        merged = {**order.result, "attachments": [*(order.result.get("attachments") or []), attachment]}
        self._change_order(order.id, result=merged, uploads=(*order.uploads, upload))

    def _apply_upload_reply_lost(self, event: Event) -> None:
        order = self.orders[event["order_id"]]
        changed = tuple(
            replace(upload, reply_lost=True) if upload.id == event["upload"] else upload for upload in order.uploads
        )
        self._change_order(order.id, uploads=changed)

    def _apply_correction_announced(self, event: Event) -> None:
        self._change_order(event["order_id"], correction=event["reason"])

    def _apply_fault_set(self, event: Event) -> None:
        fault = Fault(**event["fault"])
        self._last_serial = max(self._last_serial, fault.id)
        self.faults[fault.id] = fault

    def _apply_fault_fired(self, event: Event) -> None:
        fault = self.faults[event["fault"]]
        left = None if fault.left is None else fault.left - 1
        self.faults[fault.id] = replace(fault, left=left, fired=fault.fired + 1)
        if left == 0:
            del self.faults[fault.id]

    def _apply_faults_cleared(self, event: Event) -> None:
        for fault_id in event["ids"]:
            self.faults.pop(fault_id, None)

    def _apply_breach(self, event: Event) -> None:
        self._last_serial += 1
        fields = {key: event[key] for key in ("what", "detail", "company", "order_id", "route")}
        self.breaches.append(entities.Breach(id=self._last_serial, at=event["at"], **fields))

    def _apply_breaches_cleared(self, event: Event) -> None:
        self.breaches = []

    def _apply_settings_changed(self, event: Event) -> None:
        self.settings = Settings(**{**asdict(self.settings), **event["changes"]})

    def _apply_call(self, event: Event) -> None:
        self.counts[f"call.{event['status']}"] += 1
