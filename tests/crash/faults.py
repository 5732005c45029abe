"""What goes wrong. Each fault is a generator: it breaks something, yields how long that lasts, and mends it."""

import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.crash.rig import COURIERS, Rig

LEASE_SECONDS = 60


@dataclass(frozen=True)
class FaultTarget:
    """What a fault may touch. `companies` are those with traffic from the beginning."""

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
    def kill(scene: FaultTarget) -> Iterator[float]:
        for name in names:
            scene.rig.processes[name].kill()
        return
        yield

    return kill


for victim in (*COURIERS, "dispatcher", "scheduler", "web", "simulator", "broker"):
    FAULTS[f"kill {victim}"] = _kill_parts(victim)
FAULTS["kill both couriers"] = _kill_parts(*COURIERS)
FAULTS["kill all of the portal"] = _kill_parts(*COURIERS, "dispatcher", "scheduler", "web", "broker")


@register_fault("stop a courier past its lease")
def stop_courier(scene: FaultTarget) -> Iterator[float]:
    part = scene.rig.processes[scene.random.choice(COURIERS)]
    part.signal_group(signal.SIGSTOP)
    yield LEASE_SECONDS * scene.rig.scale * 1.5
    part.signal_group(signal.SIGCONT)


@register_fault("end the couriers one after the other")
def restart_couriers(scene: FaultTarget) -> Iterator[float]:
    for name in COURIERS:
        scene.rig.processes[name].send_signal(signal.SIGTERM)
        yield 4.0


@register_fault("end web in order")
def restart_web(scene: FaultTarget) -> Iterator[float]:
    scene.rig.processes["web"].send_signal(signal.SIGTERM)
    return
    yield


@register_fault("a second scheduler and dispatcher")
def start_second_scheduler(scene: FaultTarget) -> Iterator[float]:
    twins = scene.rig.start_twins("scheduler", "dispatcher")
    yield 8.0
    for twin in twins:
        twin.stop(2)


@register_fault("broker down")
def stop_broker(scene: FaultTarget) -> Iterator[float]:
    part = scene.rig.processes["broker"]
    part.should_run = False
    part.kill()
    yield 5.0
    part.should_run = True


@register_fault("broker hangs")
def freeze_broker(scene: FaultTarget) -> Iterator[float]:
    part = scene.rig.processes["broker"]
    part.signal_group(signal.SIGSTOP)
    yield 8.0
    part.signal_group(signal.SIGCONT)


@register_fault("broker wiped")
def flush_broker(scene: FaultTarget) -> Iterator[float]:
    scene.rig.broker_command("FLUSHALL")
    return
    yield


@register_fault("broker throws away what it holds")
def evict_broker_keys(scene: FaultTarget) -> Iterator[float]:
    scene.rig.broker_command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    scene.rig.broker_command("CONFIG", "SET", "maxmemory", "1mb")
    yield 5.0
    scene.rig.broker_command("CONFIG", "SET", "maxmemory", "0")


def _restart_postgresql(number: int) -> Fault:
    def restart(scene: FaultTarget) -> Iterator[float]:
        part = scene.rig.processes["postgres"]
        part.should_run = False
        part.send_signal(number)
        yield 2.5
        part.should_run = True

    return restart


@register_fault("disk full")
def fill_disk(scene: FaultTarget) -> Iterator[float]:
    with scene.rig.fill_disk():
        yield 4.0


@register_fault("tokens expire")
def expire_tokens(scene: FaultTarget) -> Iterator[float]:
    for company in scene.companies:
        scene.rig.make_control(5).expire_tokens(company)
    return
    yield


@register_fault("a pair is revoked")
def revoke_credentials(scene: FaultTarget) -> Iterator[float]:
    scene.rig.make_control(5).revoke_credential(scene.random.choice(scene.companies))
    return
    yield


def _inject_fault(
    action: str, *, route: str = "result", count: int = 2, everywhere: bool = False, **more: object
) -> Fault:
    def inject(scene: FaultTarget) -> Iterator[float]:
        where = {} if everywhere else {"company": scene.random.choice(scene.companies)}
        scene.rig.make_control(5).set_fault(action, route=route, count=count, **where, **more)
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
    "PostgreSQL restarted at once": _restart_postgresql(signal.SIGQUIT),
}


def applicable_faults(rig: Rig) -> dict[str, Fault]:
    """Those that can be played here."""
    found = {name: each for name, each in FAULTS.items() if name != "disk full" or rig.has_small_disk}
    return found | (ON_POSTGRESQL if rig.postgres_is_ours else {})


def plan_faults(names: list[str], seconds: float, rng: random.Random) -> list[tuple[float, str]]:
    """(when, which): each at least once, in an order and at times that the dice say."""
    order = sorted(names)
    rng.shuffle(order)
    return sorted((rng.uniform(0, seconds), name) for name in order)
