"""What goes wrong. Each fault is a generator: it breaks something, yields how long that lasts, and mends it."""

import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.crash.rig import COURIERS, Rig

LEASE_SECONDS = 60


@dataclass(frozen=True)
class Scene:
    """What a fault may touch. `companies` are those with traffic from the beginning."""

    rig: Rig
    random: random.Random
    companies: list[str]


Fault = Callable[[Scene], Iterator[float]]
FAULTS: dict[str, Fault] = {}


def fault(name: str) -> Callable[[Fault], Fault]:
    def register(function: Fault) -> Fault:
        FAULTS[name] = function
        return function

    return register


def _killing(*names: str) -> Fault:
    def kill(scene: Scene) -> Iterator[float]:
        for name in names:
            scene.rig.parts[name].kill()
        return
        yield

    return kill


for victim in (*COURIERS, "dispatcher", "scheduler", "web", "simulator", "broker"):
    FAULTS[f"kill {victim}"] = _killing(victim)
FAULTS["kill both couriers"] = _killing(*COURIERS)
FAULTS["kill all of the portal"] = _killing(*COURIERS, "dispatcher", "scheduler", "web", "broker")


@fault("stop a courier past its lease")
def stop_courier(scene: Scene) -> Iterator[float]:
    part = scene.rig.parts[scene.random.choice(COURIERS)]
    part.signal(signal.SIGSTOP)
    yield LEASE_SECONDS * scene.rig.scale * 1.5
    part.signal(signal.SIGCONT)


@fault("end the couriers one after the other")
def roll_couriers(scene: Scene) -> Iterator[float]:
    for name in COURIERS:
        scene.rig.parts[name].ask(signal.SIGTERM)
        yield 4.0


@fault("end web in order")
def roll_web(scene: Scene) -> Iterator[float]:
    scene.rig.parts["web"].ask(signal.SIGTERM)
    return
    yield


@fault("a second scheduler and dispatcher")
def second_scheduler(scene: Scene) -> Iterator[float]:
    twins = scene.rig.twins("scheduler", "dispatcher")
    yield 8.0
    for twin in twins:
        twin.end(2)


@fault("broker down")
def broker_down(scene: Scene) -> Iterator[float]:
    part = scene.rig.parts["broker"]
    part.is_wanted = False
    part.kill()
    yield 5.0
    part.is_wanted = True


@fault("broker hangs")
def broker_hangs(scene: Scene) -> Iterator[float]:
    part = scene.rig.parts["broker"]
    part.signal(signal.SIGSTOP)
    yield 8.0
    part.signal(signal.SIGCONT)


@fault("broker wiped")
def broker_wiped(scene: Scene) -> Iterator[float]:
    scene.rig.broker_command("FLUSHALL")
    return
    yield


@fault("broker throws away what it holds")
def broker_evicts(scene: Scene) -> Iterator[float]:
    scene.rig.broker_command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    scene.rig.broker_command("CONFIG", "SET", "maxmemory", "1mb")
    yield 5.0
    scene.rig.broker_command("CONFIG", "SET", "maxmemory", "0")


def _restarting_postgresql(number: int) -> Fault:
    def restart(scene: Scene) -> Iterator[float]:
        part = scene.rig.parts["postgres"]
        part.is_wanted = False
        part.ask(number)
        yield 2.5
        part.is_wanted = True

    return restart


@fault("disk full")
def disk_full(scene: Scene) -> Iterator[float]:
    with scene.rig.full_disk():
        yield 4.0


@fault("tokens expire")
def tokens_expire(scene: Scene) -> Iterator[float]:
    for company in scene.companies:
        scene.rig.control(5).expire_tokens(company)
    return
    yield


@fault("a pair is revoked")
def pair_revoked(scene: Scene) -> Iterator[float]:
    scene.rig.control(5).revoke(scene.random.choice(scene.companies))
    return
    yield


def _switch(action: str, *, route: str = "result", count: int = 2, everywhere: bool = False, **more: object) -> Fault:
    def switch(scene: Scene) -> Iterator[float]:
        where = {} if everywhere else {"company": scene.random.choice(scene.companies)}
        scene.rig.control(5).fault(action, route=route, count=count, **where, **more)
        return
        yield

    return switch


FAULTS |= {
    "result: slow": _switch("slow", count=10, seconds=1.2),
    "result: hangs": _switch("hang"),
    "result: hangs after the effect": _switch("hang", after_effect=True),
    "result: dropped": _switch("drop", count=4),
    "result: dropped after the effect": _switch("drop", count=4, after_effect=True),
    "result: 401": _switch("status", status=401),
    "result: 403": _switch("status", status=403),
    "result: 404": _switch("status", status=404),
    "result: 409": _switch("status", status=409, count=1),
    "result: 422": _switch("status", status=422, count=1),
    "result: 429": _switch("status", status=429, retry_after=1),
    "result: 500": _switch("status", status=500, count=4),
    "result: 500 after the effect": _switch("status", status=500, count=4, after_effect=True),
    "result: 503": _switch("status", status=503),
    "result: 503 everywhere": _switch("status", status=503, count=6, everywhere=True),
    "result: an HTML page": _switch("html200"),
    "result: an HTML page after the effect": _switch("html200", after_effect=True),
    "result: a redirect": _switch("redirect"),
    "result: truncated": _switch("truncated", after_effect=True),
    "result: garbage": _switch("garbage", after_effect=True),
    "upload: dropped": _switch("drop", route="attachment"),
    "upload: dropped after the effect": _switch("drop", route="attachment", after_effect=True),
    "upload: 500": _switch("status", route="attachment", status=500),
    "upload: truncated": _switch("truncated", route="attachment", after_effect=True),
    "token: dropped": _switch("drop", route="token"),
    "token: 500": _switch("status", route="token", status=500),
    "token: 429": _switch("status", route="token", status=429, count=1),
    "token: hangs": _switch("hang", route="token", count=1),
    "token: an HTML page": _switch("html200", route="token", count=1),
    "candidate: hangs": _switch("hang", route="candidate", count=4),
    "candidate: 401": _switch("status", route="candidate", status=401, count=4),
}
ON_POSTGRESQL = {
    "PostgreSQL restarted fast": _restarting_postgresql(signal.SIGINT),
    "PostgreSQL restarted at once": _restarting_postgresql(signal.SIGQUIT),
}


def playable(rig: Rig) -> dict[str, Fault]:
    """Those that can be played here."""
    found = {name: each for name, each in FAULTS.items() if name != "disk full" or rig.has_small_disk}
    return found | (ON_POSTGRESQL if rig.postgres_is_ours else {})


def plan(names: list[str], seconds: float, dice: random.Random) -> list[tuple[float, str]]:
    """(when, which): each at least once, in an order and at times that the dice say."""
    order = sorted(names)
    dice.shuffle(order)
    return sorted((dice.uniform(0, seconds), name) for name in order)
