"""Settings, tokens that die, and faults."""

from dataclasses import asdict, fields
from typing import Any

from django.http import HttpRequest

from integrations.simulator.control_api.decorators import Wrong, check_types, control
from integrations.simulator.entities import SETTING_CHOICES, Fault, Settings
from integrations.simulator.faults import ACTIONS, ROUTES
from integrations.simulator.runtime import world

_FAULT_KEYS = {each.name for each in fields(Fault)} - {"id", "fired"}


@control("GET", "PATCH")
def settings(body: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    if request.method == "PATCH":
        change_settings(body)
    return asdict(world.settings)


def change_settings(changes: dict[str, Any]) -> None:
    if strange := sorted(changes.keys() - asdict(Settings()).keys()):
        raise Wrong(f"there is no setting {strange[0]}")
    check_types(changes, Settings)
    for key, value in changes.items():
        if value not in SETTING_CHOICES.get(key, [value]):
            raise Wrong(f"{key} is one of {', '.join(SETTING_CHOICES[key])}")
    world.record("settings_changed", changes=changes)


@control("POST")
def expire_tokens(body: dict[str, Any], request: HttpRequest, company: str | None = None) -> dict[str, Any]:
    expire(company)
    return {}


def expire(company: str | None) -> None:
    """End every token of this company, or of everybody; the credentials stay good."""
    clients = None if company is None else [client for client, owner in world.credentials.items() if owner == company]
    world.record("tokens_expired", clients=clients)


@control("GET", "POST", "DELETE")
def faults(body: dict[str, Any], request: HttpRequest) -> Any:
    if request.method == "POST":
        return asdict(set_fault(body))
    if request.method == "DELETE":
        world.record("faults_cleared", ids=[*world.faults])
    return [asdict(each) for each in world.faults.copy().values()]


@control("DELETE")
def fault(body: dict[str, Any], request: HttpRequest, fault_id: int) -> dict[str, Any]:
    world.record("faults_cleared", ids=[fault_id])
    return {}


def set_fault(wish: dict[str, Any]) -> Fault:
    """`count` is how often; without it the fault stays until it is cleared."""
    wish = {**wish, "left": wish.get("count")}
    wish.pop("count", None)
    strange = wish.keys() - _FAULT_KEYS
    if strange:
        raise Wrong(f"a fault has no {', '.join(sorted(strange))}")
    check_types(wish, Fault)
    if wish.get("action") not in ACTIONS:
        raise Wrong(f"action is one of {', '.join(ACTIONS)}")
    if wish.get("route") not in (None, *ROUTES):
        raise Wrong(f"route is one of {', '.join(ROUTES)}")
    if wish.get("company") not in (None, *world.companies):
        raise Wrong(f"there is no company {wish['company']}")
    with world.lock:
        made = Fault(id=world.next_serial(), **wish)
        world.record("fault_set", fault=asdict(made))
    return made
