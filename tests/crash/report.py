"""Report of a run, printed before the verdict."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.crash.verdict import Verdict

if TYPE_CHECKING:
    from tests.crash.run import Run

MAX_SHOWN = 20
KINDS = ("lost", "doubled", "backwards", "foreign", "breaches")


def report_lines(run: "Run", verdict: Verdict, recovery: float | None, seconds: float) -> Iterator[str]:
    yield from _traffic_lines(run, verdict)
    yield from _problem_lines(run, verdict)
    if recovery is not None:
        yield f"recovered {recovery:.0f} s after the last fault; {seconds:.0f} s in all (seed {run.seed})"
        return
    states = run.witness.count_states(kind="result")
    yield f"  not everything arrived, without progress for {run.config.patience:.0f} s (seed {run.seed}): {states}"
    yield from (f"  {row}" for row in run.witness.describe_oldest())


def _traffic_lines(run: "Run", verdict: Verdict) -> Iterator[str]:
    engine, recruiters = run.engine, run.recruiters
    attachments = sum(len(each.attachments) for each in engine.orders.values())
    yield (
        f"accepted: {len(recruiters.accepted)} orders, {engine.accepted_results} results, {attachments} attachments; "
        f"{len(run.customers.connected)} companies, {len(run.customers.outcomes)} connects and reconnects"
    )
    deaths = [f"{part.name} {part.deaths}" for part in run.rig.processes.values() if part.deaths]
    statuses = Counter(each["status"] for each in run.control.iterate_events(kinds="call") if each["route"] == "result")
    yield f"killed processes: {', '.join(deaths)}"
    counts = ", ".join(f"{status} {count}" for status, count in sorted(statuses.items()))
    yield f"uploads: {sum(1 for _ in run.control.iterate_events(kinds='upload'))}; responses to PATCH: {counts}"
    yield (
        f"slowest response to an order {recruiters.slowest:.1f} s, to the engine {engine.slowest:.1f} s; "
        f"no response in 15 s {verdict.late} times; the engine repeated {engine.repeated_calls} of {engine.calls} calls"
    )
    yield (
        f"by staff: {run.replayed} replayed, {run.settled} uploads settled; repeats: {verdict.repeats} PATCHes, "
        f"{verdict.repeated_emails} emails with the same id"
    )


def _problem_lines(run: "Run", verdict: Verdict) -> Iterator[str]:
    if not run.rig.has_small_disk:
        yield "skipped: disk full (mounting a small disk requires root)"
    for kind in KINDS:
        yield from (f"  {kind}: {each}" for each in getattr(verdict, kind)[:MAX_SHOWN])
    yield from (f"  refused by the portal: {refusal}" for refusal in run.engine.refusals[:MAX_SHOWN])
