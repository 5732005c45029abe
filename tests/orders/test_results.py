"""Reports of an engine, over the real URL stack: transitions, merging, and the deliveries."""

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from integrations.models import Connection
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery, DeliveryState
from orders import leases, results
from orders.models import Hop, Order, OrderEvent, Result
from tests.orders import bodies

pytestmark = pytest.mark.django_db
NOTHING = {
    "status": "PENDING",
    "assessment_package_date": None,
    "submission_date": None,
    "name": None,
    "summary": None,
    "score_label": None,
    "score": None,
    "assessment_results": [],
}
PART = dict.fromkeys(("status", "score", "score_label", "summary", "assessment_date", "submission_date", "name"))


def url(order: Order, rest: str = "/result") -> str:
    return f"/api/vendor/v1/orders/{order.pk}{rest}"


def waiting() -> list[dict[str, Any]]:
    """Return the payloads of unsent results."""
    unsent = Delivery.objects.filter(kind="result", state__in=[DeliveryState.PENDING, DeliveryState.HELD])
    return list(unsent.order_by("pk").values_list("payload", flat=True))


def test_report_is_kept_shown_and_enqueued_once(engine: APIClient, order: Order) -> None:
    body = {
        "status": "COMPLETED",
        "assessment_package_date": "2020-08-28T22:36:28.618+02:00",
        "score": {"raw": 28, "min": 20, "max": 80},
        "score_label": "good",
        "summary": "Knows\nher trade",
        "assessment_results": [{"assessment_id": "typing", "status": "COMPLETED", "name": "Typing"}],
    }
    answer = engine.patch(url(order), body)
    assert answer.status_code == 200
    assert answer.json()["result"] == NOTHING | body | {
        "assessment_package_date": "2020-08-28T20:36:28.618000Z",
        "assessment_results": [PART | body["assessment_results"][0]],
    }
    assert (answer.json()["status"], answer.json()["delivery"]) == ("COMPLETED", "pending")
    delivery = Delivery.objects.get(kind="result")
    assert (delivery.key, delivery.priority, delivery.subject) == (f"{order.pk}:result", 0, order.pk)
    assert delivery.stream.name == order.connection.stream_name
    assert delivery.payload == {
        "status": "COMPLETED",
        "assessmentPackageDate": "2020-08-28T20:36:28.618Z",
        "score": {"raw": 28, "min": 20, "max": 80},
        "scoreLabel": "good",
        "summary": "Knows\nher trade",
        "assessmentResults": [{"assessmentId": "typing", "status": "COMPLETED", "name": "Typing"}],
    }


@pytest.mark.parametrize(
    "instant",
    ["2020-08-28T20:36:28Z", "2020-08-28t20:36:28z", "2020-08-28t22:36:28.000+02:00", "2020-08-28T20:36:28.000z"],
)
@pytest.mark.parametrize("key", ["submission_date", "assessment_package_date"])
def test_instant_is_read_in_any_case(engine: APIClient, order: Order, key: str, instant: str) -> None:
    answer = engine.patch(url(order), {key: instant})
    assert (answer.status_code, answer.json()["result"]) == (200, NOTHING | {key: "2020-08-28T20:36:28.000000Z"})


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000000Z"),
        ("2015-06-30t23:59:60.25z", "2015-06-30T23:59:59.250000Z"),
        ("1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59.000000Z"),
        ("2017-01-01T05:29:60+05:30", "2016-12-31T23:59:59.000000Z"),
        ("2024-02-29T23:59:60+00:00", "2024-02-29T23:59:59.000000Z"),
    ],
)
def test_leap_second_counts_as_the_second_before(engine: APIClient, order: Order, sent: str, read: str) -> None:
    """RFC 3339, section 5.7: at the end of a month in UTC, whatever the offset."""
    answer = engine.patch(url(order), {"submission_date": sent})
    assert (answer.status_code, answer.json()["result"]) == (200, NOTHING | {"submission_date": read})


@pytest.mark.parametrize(
    "sent",
    [
        "2016-12-31T23:59:61Z",
        "2016-12-31T23:58:60Z",
        "2016-12-31T12:59:60Z",
        "2016-12-30T23:59:60Z",
        "2016-12-31T23:59:60+01:00",
        "2016-12-31T23:59:60",
        "2016-12-31T23:59:600Z",
        "2016-12-31T23:60Z",
        "2016-02-30T23:59:60Z",
        "9999-12-31T23:59:60Z",
    ],
)
def test_second_that_cannot_have_been_is_refused(engine: APIClient, order: Order, sent: str) -> None:
    answer = engine.patch(url(order), {"submission_date": sent})
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["submission_date"])


def test_both_content_types_are_taken(engine: APIClient, order: Order) -> None:
    for kind in ("application/json", "application/merge-patch+json"):
        assert engine.generic("PATCH", url(order), '{"status": "IN_PROGRESS"}', kind).status_code == 200
    assert engine.generic("PATCH", url(order), "status=IN_PROGRESS", "text/plain").status_code == 415


def test_what_changes_nothing_sends_nothing(engine: APIClient, order: Order) -> None:
    body = {"status": "COMPLETED", "summary": "x", "assessment_results": [{"assessment_id": "logic", "name": "Logic"}]}
    first = engine.patch(url(order), body).json()
    events = OrderEvent.objects.count()
    for same in (body, {}, {"summary": "x"}, {"name": None}, {"assessment_results": []}, {"correction": "why"}):
        again = engine.patch(url(order), same)
        assert (again.status_code, again.json()) == (200, first)
    assert (Delivery.objects.filter(kind="result").count(), OrderEvent.objects.count()) == (1, events)


@pytest.mark.parametrize(
    ("reported", "change", "status"),
    [
        ({}, {"status": "PENDING"}, 200),
        ({"status": "PENDING"}, {"status": "IN_PROGRESS"}, 200),
        ({"status": "IN_PROGRESS"}, {"status": "PENDING"}, 409),
        ({"status": "IN_PROGRESS"}, {"status": "PENDING", "correction": "clicked wrong"}, 200),
        ({"status": "IN_PROGRESS"}, {"status": "EXPIRED"}, 200),
        ({"status": "PENDING"}, {"status": "COMPLETED"}, 200),
        *(
            ({"status": final}, change, code)
            for final in ("COMPLETED", "REJECTED", "EXPIRED")
            for change, code in [
                ({"status": "IN_PROGRESS"}, 409),
                ({"status": final}, 200),
                ({"summary": "more"}, 409),
                ({"assessment_results": [{"assessment_id": "logic", "summary": "more"}]}, 409),
                ({"summary": "more", "correction": " "}, 409),
                ({"summary": "more", "correction": "typo"}, 200),
                ({"status": "PENDING", "correction": "wrong candidate"}, 200),
            ]
        ),
    ],
)
def test_transition(
    engine: APIClient, order: Order, reported: dict[str, Any], change: dict[str, Any], status: int
) -> None:
    engine.patch(url(order), reported)
    before = engine.get(url(order, "")).json()["result"]
    answer = engine.patch(url(order), change)
    assert answer.status_code == status
    after = engine.get(url(order, "")).json()["result"]
    kept = {key: value for key, value in change.items() if key not in ("correction", "assessment_results")}
    assert after == (before | kept if status == 200 else before)


def test_final_assessment_needs_a_correction_while_others_go_on(engine: APIClient, order: Order) -> None:
    engine.patch(url(order), {"assessment_results": [{"assessment_id": "logic", "status": "COMPLETED"}]})
    again = {"assessment_results": [{"assessment_id": "logic", "name": "Logic"}]}
    answer = engine.patch(url(order), again)
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        'The assessment logic is COMPLETED. Send "correction" with the reason for the change.',
    )
    assert engine.patch(url(order), again | {"correction": "named"}).status_code == 200
    other = {"status": "IN_PROGRESS", "assessment_results": [{"assessment_id": "typing", "status": "IN_PROGRESS"}]}
    assert engine.patch(url(order), other).status_code == 200


def test_correction_is_kept_in_the_timeline(engine: APIClient, order: Order) -> None:
    engine.patch(url(order), {"status": "COMPLETED", "correction": "not needed"})
    engine.patch(url(order), {"status": "REJECTED", "score_label": "none", "correction": "cheated"})
    found = OrderEvent.objects.filter(hop=Hop.ENGINE).order_by("pk").values_list("what", "by", "detail")
    assert list(found) == [
        ("Reported as completed", "engine", {"changed": ["status"]}),
        ("Corrected: Reported as rejected", "engine", {"changed": ["status", "score_label"], "correction": "cheated"}),
    ]


def test_assessments_are_merged_by_their_id(engine: APIClient, order: Order) -> None:
    engine.patch(url(order), {"assessment_results": [{"assessment_id": "logic", "name": "Logic", "summary": "good"}]})
    answer = engine.patch(
        url(order),
        {"assessment_results": [{"assessment_id": "typing", "name": "T"}, {"assessment_id": "logic", "summary": None}]},
    )
    assert answer.json()["result"]["assessment_results"] == [
        PART | {"assessment_id": "logic", "name": "Logic"},
        PART | {"assessment_id": "typing", "name": "T"},
    ]
    assert waiting() == [
        {
            "assessmentResults": [
                {"assessmentId": "logic", "name": "Logic"},
                {"assessmentId": "typing", "name": "T"},
            ]
        }
    ]


def test_newer_result_supersedes_an_unsent_one(engine: APIClient, order: Order) -> None:
    for status in ("PENDING", "IN_PROGRESS", "COMPLETED"):
        engine.patch(url(order), {"status": status})
    states = Delivery.objects.filter(kind="result").order_by("pk").values_list("state", flat=True)
    assert list(states) == ["superseded", "superseded", "pending"]
    assert waiting() == [{"status": "COMPLETED"}]


def test_report_accepts_an_order_and_ends_its_lease(engine: APIClient, order: Order) -> None:
    engine.post("/api/vendor/v1/orders/lease", {})
    body = engine.patch(url(order), {"summary": "begun"}).json()
    assert (body["accepted_at"] is None, body["lease_expires_at"], body["status"]) == (False, None, "PENDING")
    assert waiting() == [{"summary": "begun"}]


def test_result_of_a_disabled_connection_is_held(engine: APIClient, order: Order) -> None:
    deliveries.hold_stream(order.connection.stream_name, "disconnected")
    answer = engine.patch(url(order), {"status": "COMPLETED"})
    assert (answer.status_code, answer.json()["delivery"]) == (200, "held")


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ([], "none"),
        (["pending"], "pending"),
        (["in_flight"], "pending"),
        (["unknown"], "pending"),
        (["delivered"], "delivered"),
        (["held"], "held"),
        (["failed"], "failed"),
        (["delivered", "failed"], "failed"),
        (["failed", "pending"], "pending"),
        (["delivered", "superseded"], "delivered"),
        (["superseded"], "none"),
    ],
)
def test_delivery_is_the_state_of_the_newest(engine: APIClient, order: Order, states: list[str], shown: str) -> None:
    for state in states:
        made = deliveries.enqueue("result", stream="connection:1", key=f"{order.pk}:result", payload={})
        Delivery.objects.filter(pk=made.pk).update(state=state)
    assert engine.get(url(order, "")).json()["delivery"] == shown


WRONG = [
    ({"status": "completed"}, "status"),
    ({"status": "DONE"}, "status"),
    ({"status": ""}, "status"),
    ({"status": None}, "status"),
    ({"status": 1}, "status"),
    ({"attachments": []}, "attachments"),
    ({"description": "x"}, "description"),
    ({"id": "x"}, "id"),
    ({"name": 1}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"name": "a\nb"}, "name"),
    ({"summary": ["x"]}, "summary"),
    ({"summary": "x" * 4001}, "summary"),
    ({"summary": "a\u0007b"}, "summary"),
    ({"score_label": True}, "score_label"),
    ({"submission_date": "yesterday"}, "submission_date"),
    ({"submission_date": "2020-08-28"}, "submission_date"),
    ({"submission_date": "2020-08-28T20:36:28"}, "submission_date"),
    ({"submission_date": "2020-08-28T20:36:28 02:00"}, "submission_date"),
    ({"submission_date": "2020-02-30T20:36:28Z"}, "submission_date"),
    ({"submission_date": "0001-01-01T00:00:00+23:00"}, "submission_date"),
    ({"submission_date": 1598646988}, "submission_date"),
    ({"assessment_package_date": {}}, "assessment_package_date"),
    ({"assessment_date": "2020-08-28T20:36:28Z"}, "assessment_date"),
    ({"score": 5}, "score"),
    ({"score": []}, "score"),
    ({"score": {}}, "score.raw score.min score.max"),
    ({"score": {"raw": 1, "min": 0}}, "score.max"),
    ({"score": {"raw": 1, "min": 0, "max": 5, "percent": 20}}, "score.percent"),
    ({"score": {"raw": "90", "min": 0, "max": 100}}, "score.raw"),
    ({"score": {"raw": True, "min": 0, "max": 100}}, "score.raw"),
    ({"score": {"raw": None, "min": 0, "max": 100}}, "score.raw"),
    ({"score": {"raw": 28.0, "min": 0, "max": 100}}, "score.raw"),
    ({"score": {"raw": 1, "min": 0.5, "max": 1e3}}, "score.min score.max"),
    ({"score": {"raw": 101, "min": 0, "max": 100}}, "score.raw"),
    ({"score": {"raw": -1, "min": 0, "max": 100}}, "score.raw"),
    ({"score": {"raw": 5, "min": 5, "max": 5}}, "score.max"),
    ({"score": {"raw": 5, "min": 9, "max": 1}}, "score.max"),
    ({"score": {"raw": 1, "min": 0, "max": 2**40}}, "score.max"),
    ({"assessment_results": None}, "assessment_results"),
    ({"assessment_results": {}}, "assessment_results"),
    ({"assessment_results": [1]}, "assessment_results.0"),
    ({"assessment_results": [{}]}, "assessment_results.0.assessment_id"),
    ({"assessment_results": [{"assessment_id": "nothing"}]}, "assessment_results.0.assessment_id"),
    (
        {"assessment_results": [{"assessment_id": "logic"}, {"assessment_id": "logic"}]},
        "assessment_results.1.assessment_id",
    ),
    ({"assessment_results": [{"assessment_id": "logic", "status": None}]}, "assessment_results.0.status"),
    ({"assessment_results": [{"assessment_id": "logic", "attachments": []}]}, "assessment_results.0.attachments"),
    (
        {"assessment_results": [{"assessment_id": "logic", "score": {"raw": 0.5, "min": 0, "max": 1}}]},
        "assessment_results.0.score.raw",
    ),
    (
        {"assessment_results": [{"assessment_id": "logic", "assessment_package_date": None}]},
        "assessment_results.0.assessment_package_date",
    ),
    ({"correction": 1}, "correction"),
    ({"correction": None}, "correction"),
    ({"correction": "x" * 501}, "correction"),
]


@pytest.mark.parametrize(("body", "fields"), WRONG)
def test_wrong_report_is_refused_before_anything_is_queued(
    engine: APIClient, order: Order, body: dict[str, Any], fields: str
) -> None:
    answer = engine.patch(url(order), {"summary": "x"} | body)
    assert (answer.status_code, [e.get("field", "") for e in answer.json()["errors"]]) == (422, fields.split())
    assert not Delivery.objects.filter(kind="result").exists()
    assert Order.objects.get(pk=order.pk).accepted_at is None


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (
            {"raw": 87.5, "min": 0, "max": 100},
            "87.5 is not an integer, and SmartRecruiters only takes integers: send raw 875 with max 1000.",
        ),
        (
            {"raw": 3.25, "min": 1, "max": 5},
            "3.25 is not an integer, and SmartRecruiters only takes integers: send raw 325 with min 100 and max 500.",
        ),
        (
            {"raw": 28.0, "min": 0, "max": 80},
            "28.0 is not an integer, and SmartRecruiters only takes integers: send raw 28 with max 80.",
        ),
        (
            {"raw": 1 / 3, "min": 0, "max": 1},
            "0.3333333333333333 is not an integer, and SmartRecruiters only takes integers: "
            "send it rounded, for example raw 33 with max 100.",
        ),
        ({"raw": 81, "min": 20, "max": 80}, "Send a raw score from 20 (min) to 80 (max): 81 is outside this range."),
        ({"raw": 20, "min": 20, "max": 20}, "Send a max greater than min: 20 is not greater than 20."),
    ],
)
def test_wrong_score_is_told_what_would_be_right(
    engine: APIClient, order: Order, score: dict[str, Any], message: str
) -> None:
    answer = engine.patch(url(order), {"score": score})
    assert [error["message"] for error in answer.json()["errors"]] == [message]


def test_report_of_an_unknown_or_erased_order_is_refused(engine: APIClient, order: Order) -> None:
    assert engine.patch("/api/vendor/v1/orders/ord_nothing/result", {"status": "DONE"}).status_code == 404
    Order.objects.update(erased_at=timezone.now())
    assert engine.patch(url(order), {"status": "DONE"}).status_code == 410


def test_assessment_that_left_the_package_is_still_reported_of(engine: APIClient, order: Order) -> None:
    engine.patch(url(order), {"assessment_results": [{"assessment_id": "logic", "name": "L"}]})
    order.package.assessments.all().delete()
    again = {"assessment_results": [{"assessment_id": "logic", "name": "Logic"}]}
    assert engine.patch(url(order), again).status_code == 200


def test_staff_report_by_the_same_verb(order: Order) -> None:
    reported = results.report(order.pk, {"status": "REJECTED"}, by="stella@vendor.example")
    assert (reported.status, reported.accepted_at is None) == ("REJECTED", False)
    assert OrderEvent.objects.filter(by="stella@vendor.example").get().what == "Reported as rejected"


def test_final_order_is_neither_leased_nor_accepted(engine: APIClient, order: Order) -> None:
    results.report(order.pk, {"status": "EXPIRED"}, by="staff")
    Order.objects.update(accepted_at=None)
    assert engine.post("/api/vendor/v1/orders/lease", {}).json() == {"orders": []}
    assert engine.post(url(order, "/accept"), {}).status_code == 409


def test_order_that_the_engine_expires_is_an_event(engine: APIClient, order: Order) -> None:
    engine.patch(url(order), {"status": "EXPIRED"})
    told = [(each["type"], each["data"]["order"]) for each in engine.get("/api/vendor/v1/events").json()["results"]]
    assert told == [("order.created", order.pk), ("order.expired", order.pk)]


def test_two_orders_do_not_touch_each_other(engine: APIClient, order: Order, connection: Connection) -> None:
    other = bodies.place_order(connection)
    engine.patch(url(order), {"status": "COMPLETED"})
    engine.patch(url(other), {"status": "IN_PROGRESS"})
    leases.accept_order(other.pk, launch_url="https://engine.example/1", by="engine")
    assert waiting() == [{"status": "COMPLETED"}, {"status": "IN_PROGRESS"}]


# Dates

NOW = "2026-11-24T10:00:00Z"
FUTURE = "Send a time that is not in the future, by the clock of the portal."
LOGIC = {"assessment_id": "logic"}
IMPOSSIBLE_DATES = [
    ({"submission_date": "9999-12-31T23:59:59Z"}, "submission_date", FUTURE),
    ({"submission_date": "2026-11-24T11:00:00Z"}, "submission_date", FUTURE),
    ({"submission_date": "2026-11-24T12:10:00+02:00"}, "submission_date", FUTURE),
    ({"assessment_package_date": "2026-11-24T10:05:01Z"}, "assessment_package_date", FUTURE),
    (
        {"assessment_results": [{**LOGIC, "assessment_date": "2027-01-01T00:00:00Z"}]},
        "assessment_results.0.assessment_date",
        FUTURE,
    ),
    (
        {"assessment_package_date": "2026-11-24T09:00:00Z", "submission_date": "2026-11-24T08:54:59Z"},
        "submission_date",
        "Send a submission_date that is not before the assessment_package_date.",
    ),
    (
        {
            "assessment_results": [
                {**LOGIC, "assessment_date": "2026-11-24T09:00:00Z", "submission_date": "2020-08-28T20:36:28Z"}
            ]
        },
        "assessment_results.0.submission_date",
        "Send a submission_date that is not before the assessment_date.",
    ),
]


@pytest.mark.parametrize(("body", "field", "message"), IMPOSSIBLE_DATES)
def test_date_that_cannot_be_is_refused(
    engine: APIClient, order: Order, time_machine: Any, body: dict[str, Any], field: str, message: str
) -> None:
    time_machine.move_to(NOW, tick=False)
    for answer in (engine.patch(url(order), body), engine.post(f"{url(order)}/preview", body)):
        errors = [(each["field"], each["message"]) for each in answer.json()["errors"]]
        assert (answer.status_code, errors) == (422, [(field, message)])
    assert not Result.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"submission_date": "2026-11-24T10:05:00Z"},  # the engine's clock may be ahead
        {"submission_date": "2020-08-28T20:36:28Z"},
        {"assessment_package_date": "2026-11-24T09:00:00Z", "submission_date": "2026-11-24T08:55:00Z"},
        {"assessment_package_date": "2026-11-24T09:00:00Z", "submission_date": None},
        {"assessment_results": [{**LOGIC, "submission_date": "2020-08-28T20:36:28Z"}], "submission_date": NOW},
    ],
)
def test_date_that_can_be_is_taken(engine: APIClient, order: Order, time_machine: Any, body: dict[str, Any]) -> None:
    time_machine.move_to(NOW, tick=False)
    assert engine.patch(url(order), body).status_code == 200


def test_date_is_compared_with_the_stored_one(engine: APIClient, order: Order, time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)
    assert engine.patch(url(order), {"assessment_package_date": "2026-11-24T09:00:00Z"}).status_code == 200
    refused = engine.patch(url(order), {"submission_date": "2026-11-24T08:00:00Z"})
    assert [each["field"] for each in refused.json()["errors"]] == ["submission_date"]
    assert engine.patch(url(order), {"submission_date": "2026-11-24T09:30:00Z"}).status_code == 200
    refused = engine.patch(url(order), {"assessment_package_date": "2026-11-24T09:40:00Z"})
    assert [each["field"] for each in refused.json()["errors"]] == ["assessment_package_date"]


def test_date_that_is_stored_already_may_come_again(engine: APIClient, order: Order, time_machine: Any) -> None:
    """What changes nothing is accepted in every status, also what an earlier version of the portal took."""
    time_machine.move_to(NOW, tick=False)
    stored = {"assessment_package_date": "2027-01-01T00:00:00Z", "submission_date": "2026-12-01T00:00:00Z"}
    assert engine.patch(url(order), {"status": "COMPLETED"}).status_code == 200
    dates = {"assessment_date": "2027-01-01T00:00:00Z", "submission_date": "2026-12-01T00:00:00Z"}
    Result.objects.update(**dates)
    assert engine.patch(url(order), {"status": "COMPLETED", **stored}).status_code == 200
