"""The verdict detects losses, repeats, regressions and foreign results."""

import random
from typing import Any

from tests.crash import faults
from tests.crash import verdict as judge
from tests.crash.engine import TrackedOrder
from tests.crash.verdict import Verdict


def effect(number: int, order: str = "a", **changes: Any) -> dict[str, Any]:
    return {
        "order_id": "a",
        "company": "acme",
        "client_id": "sr-acme-1",
        "status_before": "IN_PROGRESS",
        "status_after": "IN_PROGRESS",
        "repeat": False,
        "patch": {"summary": f"{order}/{number}"},
        **changes,
    }


def judge_effects(*ledger: dict[str, Any]) -> Verdict:
    verdict = Verdict()
    judge.check_effects(list(ledger), verdict)
    return verdict


def judge_order(shown: dict[str, Any], results: int = 3, **more: Any) -> Verdict:
    verdict = Verdict()
    tracked = TrackedOrder(
        "ord_1", "a", "acme", [], results=results, status="COMPLETED", attachments={"att_1": "https://r"}
    )
    judge.check_order(tracked, {"result": shown, "uploads": [], "notifications": [], **more}, verdict)
    return verdict


WHOLE = {"summary": "a/3", "status": "COMPLETED", "attachments": [{"url": "https://r"}]}


def test_effects_in_order_are_good_and_repeats_are_counted_apart() -> None:
    verdict = judge_effects(effect(1), effect(1, repeat=True), effect(3))
    assert (verdict.is_good, verdict.repeats) == (True, 1)


def test_older_result_after_a_newer_one_is_backwards() -> None:
    assert judge_effects(effect(2), effect(1)).backwards == ["a: result 1 after result 2"]


def test_status_that_goes_back_is_backwards() -> None:
    verdict = judge_effects(effect(2, status_before="COMPLETED"))
    assert verdict.backwards == ["a: IN_PROGRESS after COMPLETED"]


def test_result_of_another_order_or_with_other_credentials_is_foreign() -> None:
    verdict = judge_effects(effect(1, order="b"), effect(2, client_id="sr-other-1"))
    assert verdict.foreign == ["a: b by sr-acme-1", "a: a by sr-other-1"]


def test_order_that_shows_all_is_good() -> None:
    verdict = judge_order(WHOLE)
    assert (verdict.is_good, verdict.summary_line()) == (True, "lost 0, doubled 0, backwards 0, foreign 0 of 3")


def test_result_status_or_attachment_that_is_missing_is_lost() -> None:
    assert judge_order({**WHOLE, "summary": "a/1"}).lost == ["a: result 2", "a: result 3"]
    assert judge_order({**WHOLE, "status": "REJECTED"}).lost == ["a: COMPLETED is REJECTED"]
    assert judge_order({**WHOLE, "attachments": []}).lost == ["a: attachment https://r"]
    assert judge_order({}).lost == ["a: result 1", "a: result 2", "a: result 3", "a: attachment https://r"]


def test_attachment_upload_or_notification_twice_is_doubled() -> None:
    twice = [{"url": "https://r"}, {"url": "https://r"}]
    assert judge_order({**WHOLE, "attachments": twice}).doubled == ["a: attachment https://r"]
    assert judge_order(WHOLE, uploads=[{"sha256": "0123456789", "url": "https://u"}] * 2).doubled == [
        "a: upload 01234567"
    ]
    assert judge_order(WHOLE, notifications=[{"status": "COMPLETED"}] * 2).doubled == ["a: notified of COMPLETED again"]


def test_missing_or_repeated_order_is_detected() -> None:
    verdict = Verdict()
    tracked = [TrackedOrder("ord_1", "a", "acme", []), TrackedOrder("ord_2", "a", "acme", [])]
    judge.check_orders({"a", "b", "c"}, ["a", "b", "b"], tracked, verdict)
    assert sorted(verdict.lost) == [
        "b: never leased to the engine",
        "c: never leased to the engine",
        "c: the order itself",
    ]
    assert verdict.doubled == ["b: the order itself", "a: leased as two orders"]


def test_missing_or_repeated_event_is_detected() -> None:
    verdict = Verdict()
    events = [{"type": "order.created", "data": {"order": "ord_2"}}] * 2
    judge.check_events(
        events, [TrackedOrder("ord_1", "a", "acme", []), TrackedOrder("ord_2", "b", "acme", [])], verdict
    )
    assert (verdict.lost, verdict.doubled) == (["a: its event"], ["b: its event"])


def test_two_invitations_are_doubled_and_a_repeated_email_is_not() -> None:
    verdict = Verdict()
    judge.check_invitations([("1", "ord_1"), ("1", "ord_1"), ("2", "ord_2"), ("3", "ord_2")], verdict)
    assert (verdict.doubled, verdict.repeated_emails) == (["ord_2: invited by 2 emails"], 1)


def test_late_response_is_excused_only_while_the_portal_starts() -> None:
    late = {"what": "w", "detail": "no response within 15 s", "order_id": "a", "company": "acme", "at": 100.0}
    excused, counted = Verdict(), Verdict()
    judge.check_breaches([late], [90.0], excused)
    judge.check_breaches([late], [50.0, 101.0], counted)
    assert (excused.breaches, counted.breaches) == ([], ["w: no response within 15 s (a)"])


def test_plan_of_a_seed_is_the_same_each_time_and_plays_each_fault() -> None:
    plans = [faults.plan_faults(list(faults.FAULTS), 75, random.Random(7)) for _ in range(2)]
    assert plans[0] == plans[1]
    assert sorted(name for _, name in plans[0]) == sorted(faults.FAULTS)


def test_report_is_counted_once_as_link_or_file() -> None:
    tracked = TrackedOrder("ord_1", "a", "acme", [], attachments={"att_1": "https://r"}, digests={"https://r": "d"})
    uploads = [{"sha256": "d", "url": "https://u"}]
    good, twice, gone = Verdict(), Verdict(), Verdict()
    for verdict, urls in ((good, ["https://u"]), (twice, ["https://u", "https://r"]), (gone, [])):
        shown = {"attachments": [{"url": url} for url in urls]}
        judge.check_order(tracked, {"result": shown, "uploads": uploads, "notifications": []}, verdict)
    assert (good.lost, good.doubled) == ([], [])
    assert (twice.lost, twice.doubled) == ([], ["a: attachment https://r as a link and as a file"])
    assert (gone.lost, gone.doubled) == (["a: attachment https://r"], [])
