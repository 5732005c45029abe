"""Serializers of companies and orders."""

from dataclasses import asdict
from typing import Any

from integrations.simulator.store.entities import Company, Order
from integrations.simulator.store.runtime import state


def serialize_company(company: Company) -> dict[str, Any]:
    return {
        "id": company.id,
        "name": company.name,
        "consented": company.consented,
        "connected": company.is_connected,
        "state": "connected" if company.is_connected else "disconnected",
        "connected_at": company.connected_at,
        "disable_owed": company.disable_owed,
        "client_id": company.partner_pair.client_id if company.partner_pair else None,
        "own_client_id": company.own_pair.client_id if company.own_pair else None,
        "orders": len(state.order_ids_by_company.get(company.id, [])),
    }


def serialize_order(order: Order) -> dict[str, Any]:
    last = order.answers[-1] if order.answers else None
    return {
        "order_id": order.id,
        "company": order.company,
        "kind": order.kind,
        "package": order.package,
        "candidate": order.candidate,
        "job_id": order.body.get("jobId") or order.body.get("job", {}).get("id"),
        "placed_at": order.placed_at,
        "accepted": order.is_accepted,
        "status_code": last.status if last else None,
        "seconds": last.seconds if last else None,
        "problem": last.problem if last else None,
        "url": order.url,
        "answers": [asdict(each) for each in order.answers],
        "status": order.status,
        "result": order.result,
        "result_at": order.result_at,
        "effects": order.effects,
        "repeats": order.repeats,
        "notifications": [asdict(each) for each in order.notifications],
        "uploads": [asdict(each) for each in order.uploads],
        "correction": order.correction,
    }
