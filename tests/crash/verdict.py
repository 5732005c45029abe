"""What came of what was accepted, by the simulator's ledger."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.crash.engine import TrackedOrder

Json = dict[str, Any]
BOOT_SECONDS = 30
RANK = {"PENDING": 0, "IN_PROGRESS": 1, "COMPLETED": 2, "REJECTED": 2, "EXPIRED": 2}


@dataclass
class Verdict:
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    backwards: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    accepted: int = 0
    repeats: int = 0
    late: int = 0
    repeated_mails: int = 0

    def summary_line(self) -> str:
        counts = ", ".join(f"{name} {len(getattr(self, name))}" for name in ("lost", "doubled", "backwards", "foreign"))
        return f"{counts} of {self.accepted}"

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.backwards or self.foreign or self.breaches)


def _parse_nonce(event: Json) -> tuple[str, int]:
    order_id, _, number = str(event["patch"].get("summary") or "").rpartition("/")
    return order_id, int(number) if number.isdigit() else 0


def check_effects(ledger: list[Json], verdict: Verdict) -> None:
    """In the order in which they had their effect: never back, never somebody else's."""
    highest: Counter[str] = Counter()
    for event in ledger:
        order_id, (named, number) = event["order_id"], _parse_nonce(event)
        if named != order_id or not str(event["client_id"]).startswith(f"sr-{event['company']}-"):
            verdict.foreign.append(f"{order_id}: {named or 'no name'} by {event['client_id']}")
        if event["repeat"]:
            verdict.repeats += 1
        before, after = event["status_before"], event["status_after"]
        if number < highest[order_id]:
            verdict.backwards.append(f"{order_id}: result {number} after result {highest[order_id]}")
        elif RANK.get(after, -1) < RANK.get(before, -1):
            verdict.backwards.append(f"{order_id}: {after} after {before}")
        highest[order_id] = max(highest[order_id], number)


def check_order(carried: TrackedOrder, shown: Json, verdict: Verdict) -> None:
    """`shown`: the order as SmartRecruiters has it in the end."""
    verdict.accepted += carried.results
    result = shown["result"]
    number = _parse_nonce({"patch": result})[1]
    verdict.lost += [f"{carried.order_id}: result {each}" for each in range(number + 1, carried.results + 1)]
    if number == carried.results and (result.get("status") or "") != carried.status:
        verdict.lost.append(f"{carried.order_id}: {carried.status} is {result.get('status')}")
    levels = [result, *(result.get("assessmentResults") or [])]
    there = Counter(each["url"] for level in levels for each in level.get("attachments") or [])
    given = {upload["sha256"] for upload in shown["uploads"] if upload["url"] in there}
    for url in carried.attachments.values():
        ways = (url in there) + (carried.digests.get(url) in given)
        verdict.lost += [f"{carried.order_id}: attachment {url}"] * (ways == 0)
        verdict.doubled += [f"{carried.order_id}: attachment {url} as a link and as a file"] * (ways == 2)
    verdict.doubled += [f"{carried.order_id}: attachment {url}" for url, count in there.items() if count > 1]
    digests = Counter(upload["sha256"] for upload in shown["uploads"])
    verdict.doubled += [f"{carried.order_id}: upload {digest[:8]}" for digest, count in digests.items() if count > 1]
    told = Counter(note["status"] for note in shown["notifications"])
    verdict.doubled += [f"{carried.order_id}: told of {status} again" for status, count in told.items() if count > 1]


def is_accepted(answered: Json) -> bool:
    """Whether the portal told SmartRecruiters that the order is taken."""
    return answered["status"] in (200, 202) and answered["problem"] is None


def check_orders(accepted: set[str], here: list[str], carried: list[TrackedOrder], verdict: Verdict) -> None:
    """Every order that SmartRecruiters was told is taken is here once, and the engine had it once."""
    verdict.lost += [f"{order_id}: the order itself" for order_id in accepted - set(here)]
    verdict.doubled += [f"{each}: the order itself" for each, count in Counter(here).items() if count > 1]
    seen = Counter(each.order_id for each in carried)
    verdict.doubled += [f"{each}: given out as two orders" for each, count in seen.items() if count > 1]
    verdict.lost += [f"{order_id}: never given to the engine" for order_id in accepted - seen.keys()]


def check_breaches(recorded: list[Json], web_starts: list[float], verdict: Verdict) -> None:
    """What the simulator found against the protocol. That a portal which is being started is late is no fault."""
    found = [each for each in recorded if not _is_during_start(each, web_starts)]
    verdict.late = len(recorded) - len(found)
    verdict.breaches += [f"{each['what']}: {each['detail']} ({each['order_id'] or each['company']})" for each in found]


def _is_during_start(breach: Json, web_starts: list[float]) -> bool:
    is_late = breach["detail"].startswith("no response within")
    return is_late and any(breach["at"] - BOOT_SECONDS < start < breach["at"] for start in web_starts)


def check_answers(answered: list[Json], verdict: Verdict) -> None:
    """An order is taken, or refused for a reason, or the portal is busy: never a fault of ours."""
    broken = [each for each in answered if each["status"] in (500, 502, 504)]
    verdict.breaches += [f"portal's answer to an order: {each['status']} ({each['order_id']})" for each in broken]


def check_events(told: list[Json], carried: list[TrackedOrder], verdict: Verdict) -> None:
    """As an engine reads them by pull: each order was announced once."""
    created = Counter(each["data"]["order"] for each in told if each["type"] == "order.created")
    ours = {each.id: each.order_id for each in carried}
    verdict.lost += [f"{ours[each]}: its event" for each in ours.keys() - created.keys()]
    verdict.doubled += [f"{ours.get(each, each)}: its event" for each, count in created.items() if count > 1]


def check_invitations(message_ids: Iterable[tuple[str, str]], verdict: Verdict) -> None:
    """(delivery, order) of every e-mail that went out: the same one again is what SMTP cannot exclude."""
    sent = Counter(message_ids)
    invited = Counter(order for _, order in sent)
    verdict.doubled += [f"{order}: invited by {count} e-mails" for order, count in invited.items() if count > 1]
    verdict.repeated_mails = sent.total() - len(sent)
