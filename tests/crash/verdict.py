"""Verdict: compare what was accepted with the simulator's ledger."""

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
    repeated_emails: int = 0

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
    """Check that results took effect in order, each for its own order and with its own company's credentials."""
    highest: Counter[str] = Counter()
    for event in ledger:
        order_id, (named, number) = event["order_id"], _parse_nonce(event)
        if named != order_id or not str(event["client_id"]).startswith(f"sr-{event['company']}-"):
            verdict.foreign.append(f"{order_id}: {named or 'no order'} by {event['client_id']}")
        if event["repeat"]:
            verdict.repeats += 1
        before, after = event["status_before"], event["status_after"]
        if number < highest[order_id]:
            verdict.backwards.append(f"{order_id}: result {number} after result {highest[order_id]}")
        elif RANK.get(after, -1) < RANK.get(before, -1):
            verdict.backwards.append(f"{order_id}: {after} after {before}")
        highest[order_id] = max(highest[order_id], number)


def check_order(tracked: TrackedOrder, shown: Json, verdict: Verdict) -> None:
    """Check the final state of an order at SmartRecruiters, `shown`."""
    verdict.accepted += tracked.results
    result = shown["result"]
    number = _parse_nonce({"patch": result})[1]
    verdict.lost += [f"{tracked.order_id}: result {each}" for each in range(number + 1, tracked.results + 1)]
    if number == tracked.results and (result.get("status") or "") != tracked.status:
        verdict.lost.append(f"{tracked.order_id}: {tracked.status} is {result.get('status')}")
    levels = [result, *(result.get("assessmentResults") or [])]
    shown_urls = Counter(each["url"] for level in levels for each in level.get("attachments") or [])
    shown_digests = {upload["sha256"] for upload in shown["uploads"] if upload["url"] in shown_urls}
    for url in tracked.attachments.values():
        times = (url in shown_urls) + (tracked.digests.get(url) in shown_digests)
        verdict.lost += [f"{tracked.order_id}: attachment {url}"] * (times == 0)
        verdict.doubled += [f"{tracked.order_id}: attachment {url} as a link and as a file"] * (times == 2)
    verdict.doubled += [f"{tracked.order_id}: attachment {url}" for url, count in shown_urls.items() if count > 1]
    digests = Counter(upload["sha256"] for upload in shown["uploads"])
    verdict.doubled += [f"{tracked.order_id}: upload {digest[:8]}" for digest, count in digests.items() if count > 1]
    notified = Counter(note["status"] for note in shown["notifications"])
    verdict.doubled += [
        f"{tracked.order_id}: notified of {status} again" for status, count in notified.items() if count > 1
    ]


def is_accepted(answer: Json) -> bool:
    """Return True if the portal accepted the order."""
    return answer["status"] in (200, 202) and answer["problem"] is None


def check_orders(accepted: set[str], stored: list[str], tracked: list[TrackedOrder], verdict: Verdict) -> None:
    """Check that every accepted order is stored once and was leased to the engine once."""
    verdict.lost += [f"{order_id}: the order itself" for order_id in accepted - set(stored)]
    verdict.doubled += [f"{each}: the order itself" for each, count in Counter(stored).items() if count > 1]
    seen = Counter(each.order_id for each in tracked)
    verdict.doubled += [f"{each}: leased as two orders" for each, count in seen.items() if count > 1]
    verdict.lost += [f"{order_id}: never leased to the engine" for order_id in accepted - seen.keys()]


def check_breaches(recorded: list[Json], web_starts: list[float], verdict: Verdict) -> None:
    """Count the breaches of the protocol; late responses of a portal that is starting are excused."""
    breaches = [each for each in recorded if not _is_during_start(each, web_starts)]
    verdict.late = len(recorded) - len(breaches)
    verdict.breaches += [
        f"{each['what']}: {each['detail']} ({each['order_id'] or each['company']})" for each in breaches
    ]


def _is_during_start(breach: Json, web_starts: list[float]) -> bool:
    is_late = breach["detail"].startswith("no response within")
    return is_late and any(breach["at"] - BOOT_SECONDS < start < breach["at"] for start in web_starts)


def check_answers(answers: list[Json], verdict: Verdict) -> None:
    """Check that no order was answered by an internal error."""
    errors = [each for each in answers if each["status"] in (500, 502, 504)]
    verdict.breaches += [f"portal's answer to an order: {each['status']} ({each['order_id']})" for each in errors]


def check_events(events: list[Json], tracked: list[TrackedOrder], verdict: Verdict) -> None:
    """Check that the pulled events announce each order once."""
    created = Counter(each["data"]["order"] for each in events if each["type"] == "order.created")
    order_ids = {each.id: each.order_id for each in tracked}
    verdict.lost += [f"{order_ids[each]}: its event" for each in order_ids.keys() - created.keys()]
    verdict.doubled += [f"{order_ids.get(each, each)}: its event" for each, count in created.items() if count > 1]


def check_invitations(message_ids: Iterable[tuple[str, str]], verdict: Verdict) -> None:
    """Check (delivery, order) of every sent email. A repeat of the same delivery is not an error: SMTP may repeat."""
    sent = Counter(message_ids)
    invited = Counter(order for _, order in sent)
    verdict.doubled += [f"{order}: invited by {count} emails" for order, count in invited.items() if count > 1]
    verdict.repeated_emails = sent.total() - len(sent)
