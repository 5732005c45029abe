"""Settings, token expiry and faults."""

from dataclasses import asdict, fields
from typing import Any

from django.http import HttpRequest

from integrations.simulator.control_api.decorators import InvalidRequestError, check_types, control_endpoint
from integrations.simulator.faults import ACTIONS, ROUTES
from integrations.simulator.store.entities import SETTING_CHOICES, Fault, Settings
from integrations.simulator.store.runtime import state

_FAULT_KEYS = {each.name for each in fields(Fault)} - {"id", "fired"}


@control_endpoint("GET", "PATCH")
def manage_settings(body: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    if request.method == "PATCH":
        change_settings(body)
    return asdict(state.settings)


def change_settings(changes: dict[str, Any]) -> None:
    if unknown := sorted(changes.keys() - asdict(Settings()).keys()):
        raise InvalidRequestError(f"there is no setting {unknown[0]}")
    check_types(changes, Settings)
    for key, value in changes.items():
        if value not in SETTING_CHOICES.get(key, [value]):
            raise InvalidRequestError(f"{key} must be one of {', '.join(SETTING_CHOICES[key])}")
    state.record_event("settings_changed", changes=changes)


@control_endpoint("POST")
def expire_tokens(body: dict[str, Any], request: HttpRequest, company: str | None = None) -> dict[str, Any]:
    expire_company_tokens(company)
    return {}


def expire_company_tokens(company: str | None) -> None:
    """Expire the tokens of this company (None: all tokens). The credentials stay valid."""
    clients = None if company is None else [client for client, owner in state.credentials.items() if owner == company]
    state.record_event("tokens_expired", clients=clients)


@control_endpoint("GET", "POST", "DELETE")
def manage_faults(body: dict[str, Any], request: HttpRequest) -> Any:
    if request.method == "POST":
        return asdict(set_fault(body))
    if request.method == "DELETE":
        state.record_event("faults_cleared", ids=[*state.faults])
    return [asdict(each) for each in state.faults.copy().values()]


@control_endpoint("DELETE")
def clear_fault(body: dict[str, Any], request: HttpRequest, fault_id: int) -> dict[str, Any]:
    state.record_event("faults_cleared", ids=[fault_id])
    return {}


def set_fault(values: dict[str, Any]) -> Fault:
    """Set a fault. `count` is how often it fires; without it the fault stays until it is cleared."""
    values = {**values, "left": values.get("count")}
    values.pop("count", None)
    if unknown := values.keys() - _FAULT_KEYS:
        raise InvalidRequestError(f"a fault has no {', '.join(sorted(unknown))}")
    check_types(values, Fault)
    if values.get("action") not in ACTIONS:
        raise InvalidRequestError(f"action must be one of {', '.join(ACTIONS)}")
    if values.get("route") not in (None, *ROUTES):
        raise InvalidRequestError(f"route must be one of {', '.join(ROUTES)}")
    if values.get("company") not in (None, *state.companies):
        raise InvalidRequestError(f"there is no company {values['company']}")
    with state.lock:
        fault = Fault(id=state.next_serial(), **values)
        state.record_event("fault_set", fault=asdict(fault))
    return fault
