"""Faults to inject. Each is a generator: it breaks something, yields for how many seconds, and repairs it."""

import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.crash.rig import COURIERS, Rig

LEASE_SECONDS = 60


@dataclass(frozen=True)
class FaultTarget:
    """Target of a fault. `companies` are those with traffic from the beginning."""

    rig: Rig
    random: random.Random
    companies: list[str]


Fault = Callable[[FaultTarget], Iterator[float]]
FAULTS: dict[str, Fault] = {}


def register_fault(name: str) -> Callable[[Fault], Fault]:
    def add_fault(function: Fault) -> Fault:
        FAULTS[name] = function
        return function

    return add_fault


def _kill_parts(*names: str) -> Fault:
    def kill(target: FaultTarget) -> Iterator[float]:
        for name in names:
            target.rig.processes[name].kill()
        return
        yield

    return kill


for name in (*COURIERS, "dispatcher", "scheduler", "web", "simulator", "broker"):
    FAULTS[f"kill {name}"] = _kill_parts(name)
FAULTS["kill both couriers"] = _kill_parts(*COURIERS)
FAULTS["kill all of the portal"] = _kill_parts(*COURIERS, "dispatcher", "scheduler", "web", "broker")


@register_fault("courier stopped past its lease")
def stop_courier(target: FaultTarget) -> Iterator[float]:
    part = target.rig.processes[target.random.choice(COURIERS)]
    part.signal_group(signal.SIGSTOP)
    yield LEASE_SECONDS * target.rig.scale * 1.5
    part.signal_group(signal.SIGCONT)


@register_fault("couriers restarted one after the other")
def restart_couriers(target: FaultTarget) -> Iterator[float]:
    for name in COURIERS:
        target.rig.processes[name].send_signal(signal.SIGTERM)
        yield 4.0


@register_fault("web restarted gracefully")
def restart_web(target: FaultTarget) -> Iterator[float]:
    target.rig.processes["web"].send_signal(signal.SIGTERM)
    return
    yield


@register_fault("a second scheduler and dispatcher")
def start_second_scheduler(target: FaultTarget) -> Iterator[float]:
    twins = target.rig.start_twins("scheduler", "dispatcher")
    yield 8.0
    for twin in twins:
        twin.stop(2)


@register_fault("broker down")
def stop_broker(target: FaultTarget) -> Iterator[float]:
    part = target.rig.processes["broker"]
    part.should_run = False
    part.kill()
    yield 5.0
    part.should_run = True


@register_fault("broker hangs")
def freeze_broker(target: FaultTarget) -> Iterator[float]:
    part = target.rig.processes["broker"]
    part.signal_group(signal.SIGSTOP)
    yield 8.0
    part.signal_group(signal.SIGCONT)


@register_fault("broker flushed")
def flush_broker(target: FaultTarget) -> Iterator[float]:
    target.rig.send_broker_command("FLUSHALL")
    return
    yield


@register_fault("broker evicts its keys")
def evict_broker_keys(target: FaultTarget) -> Iterator[float]:
    target.rig.send_broker_command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    target.rig.send_broker_command("CONFIG", "SET", "maxmemory", "1mb")
    yield 5.0
    target.rig.send_broker_command("CONFIG", "SET", "maxmemory", "0")


def _restart_postgresql(number: int) -> Fault:
    def restart(target: FaultTarget) -> Iterator[float]:
        part = target.rig.processes["postgres"]
        part.should_run = False
        part.send_signal(number)
        yield 2.5
        part.should_run = True

    return restart


@register_fault("disk full")
def fill_disk(target: FaultTarget) -> Iterator[float]:
    with target.rig.fill_disk():
        yield 4.0


@register_fault("tokens expire")
def expire_tokens(target: FaultTarget) -> Iterator[float]:
    for company in target.companies:
        target.rig.make_control(5).expire_tokens(company)
    return
    yield


@register_fault("credentials are revoked")
def revoke_credentials(target: FaultTarget) -> Iterator[float]:
    target.rig.make_control(5).revoke_credential(target.random.choice(target.companies))
    return
    yield


def _inject_fault(
    action: str, *, route: str = "result", count: int = 2, everywhere: bool = False, **more: object
) -> Fault:
    def inject(target: FaultTarget) -> Iterator[float]:
        scope = {} if everywhere else {"company": target.random.choice(target.companies)}
        target.rig.make_control(5).set_fault(action, route=route, count=count, **scope, **more)
        return
        yield

    return inject


FAULTS |= {
    "result: slow": _inject_fault("slow", count=10, seconds=1.2),
    "result: hangs": _inject_fault("hang"),
    "result: hangs after the effect": _inject_fault("hang", after_effect=True),
    "result: dropped": _inject_fault("drop", count=4),
    "result: dropped after the effect": _inject_fault("drop", count=4, after_effect=True),
    "result: 401": _inject_fault("status", status=401),
    "result: 403": _inject_fault("status", status=403),
    "result: 404": _inject_fault("status", status=404),
    "result: 409": _inject_fault("status", status=409, count=1),
    "result: 422": _inject_fault("status", status=422, count=1),
    "result: 429": _inject_fault("status", status=429, retry_after=1),
    "result: 500": _inject_fault("status", status=500, count=4),
    "result: 500 after the effect": _inject_fault("status", status=500, count=4, after_effect=True),
    "result: 503": _inject_fault("status", status=503),
    "result: 503 everywhere": _inject_fault("status", status=503, count=6, everywhere=True),
    "result: an HTML page": _inject_fault("html200"),
    "result: an HTML page after the effect": _inject_fault("html200", after_effect=True),
    "result: a redirect": _inject_fault("redirect"),
    "result: truncated": _inject_fault("truncated", after_effect=True),
    "result: garbage": _inject_fault("garbage", after_effect=True),
    "upload: dropped": _inject_fault("drop", route="attachment"),
    "upload: dropped after the effect": _inject_fault("drop", route="attachment", after_effect=True),
    "upload: 500": _inject_fault("status", route="attachment", status=500),
    "upload: truncated": _inject_fault("truncated", route="attachment", after_effect=True),
    "token: dropped": _inject_fault("drop", route="token"),
    "token: 500": _inject_fault("status", route="token", status=500),
    "token: 429": _inject_fault("status", route="token", status=429, count=1),
    "token: hangs": _inject_fault("hang", route="token", count=1),
    "token: an HTML page": _inject_fault("html200", route="token", count=1),
    "candidate: hangs": _inject_fault("hang", route="candidate", count=4),
    "candidate: 401": _inject_fault("status", route="candidate", status=401, count=4),
}
ON_POSTGRESQL = {
    "PostgreSQL restarted fast": _restart_postgresql(signal.SIGINT),
    "PostgreSQL restarted immediately": _restart_postgresql(signal.SIGQUIT),
}


def applicable_faults(rig: Rig) -> dict[str, Fault]:
    """Return the faults that are possible here: a full disk requires a small one, a restart our own server."""
    applicable = {name: each for name, each in FAULTS.items() if name != "disk full" or rig.has_small_disk}
    return applicable | (ON_POSTGRESQL if rig.postgres_is_ours else {})


def plan_faults(names: list[str], seconds: float, rng: random.Random) -> list[tuple[float, str]]:
    """Return (second, name) for each of `names`, at random times in random order."""
    order = sorted(names)
    rng.shuffle(order)
    return sorted((rng.uniform(0, seconds), name) for name in order)
