"""PATCH of a result: validated at both levels, merged by RFC 7396; regressions are breaches."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.integrations.simulator.process import API, Caller, Simulator

Breaches = Callable[[], list[str]]
SCORE = {"raw": 28, "min": 20, "max": 80}
PDF = {"type": "PDF_URL", "url": "https://vendor.example/files/1"}
DATE = "2020-08-28T20:36:28.618Z"
WHOLE = {
    "status": "COMPLETED",
    "assessmentPackageDate": DATE,
    "submissionDate": DATE,
    "name": "Skills",
    "summary": "good",
    "scoreLabel": "Good",
    "score": SCORE,
    "attachments": [PDF],
    "assessmentResults": [
        {
            "assessmentId": "words",
            "assessmentDate": DATE,
            "submissionDate": DATE,
            "score": SCORE,
            "scoreLabel": "Good",
            "summary": "fine",
            "attachments": [{"type": "VIDEO_URL", "url": "https://vendor.example/files/2"}],
            "status": "COMPLETED",
            "name": "Words",
        }
    ],
}


def test_result_with_every_key_is_taken(
    simulator: Simulator, customer: Caller, order_id: str, breaches: Breaches
) -> None:
    answer = customer.patch_result(order_id, WHOLE)
    assert (answer.status_code, answer.json(), breaches()) == (200, WHOLE, [])


def test_result_is_merged(simulator: Simulator, customer: Caller, order_id: str, breaches: Breaches) -> None:
    customer.patch_result(order_id, {"status": "IN_PROGRESS", "summary": "started", "score": SCORE})
    merged = customer.patch_result(order_id, {"status": "COMPLETED", "summary": None}).json()
    assert merged == {"status": "COMPLETED", "score": SCORE}
    notifications = simulator.control.get_order(order_id)["notifications"]
    assert [each["status"] for each in notifications] == ["IN_PROGRESS", "COMPLETED"]
    assert breaches() == []


def test_empty_patch_reads(customer: Caller, order_id: str, breaches: Breaches) -> None:
    customer.patch_result(order_id, {"status": "PENDING"})
    answer = customer.patch_result(order_id, {})
    assert (answer.status_code, answer.json(), breaches()) == (200, {"status": "PENDING"}, [])


def test_repeat_is_counted_and_no_breach(
    simulator: Simulator, customer: Caller, order_id: str, breaches: Breaches
) -> None:
    for _ in range(3):
        customer.patch_result(order_id, WHOLE)
    order = simulator.control.get_order(order_id)
    assert (order["effects"], order["repeats"], len(order["notifications"])) == (1, 2, 1)
    assert breaches() == []


@pytest.mark.parametrize(
    "patch",
    [
        {"description": "deprecated"},
        {"assessmentDate": DATE},
        {"passed": True},
        {"result": "PASS"},
        {"status": "DONE"},
        {"status": None},
        {"status": "completed"},
        {"name": 7},
        {"summary": ["long"]},
        {"scoreLabel": {}},
        {"score": {"raw": 28, "min": 20}},
        {"score": {"raw": 28.0, "min": 20, "max": 80}},
        {"score": {"raw": 28.5, "min": 20, "max": 80}},
        {"score": {"raw": "28", "min": 20, "max": 80}},
        {"score": {"raw": True, "min": 0, "max": 80}},
        {"score": {"raw": 81, "min": 20, "max": 80}},
        {"score": {"raw": 19, "min": 20, "max": 80}},
        {"score": {"raw": 20, "min": 20, "max": 20}},
        {"score": {"raw": 28, "min": 20, "max": 80, "unit": "points"}},
        {"score": {"raw": 28, "min": None, "max": 80}},
        {"score": 28},
        {"submissionDate": "2020-08-28T20:36:28Z"},
        {"submissionDate": "2020-08-28T20:36:28.618+00:00"},
        {"submissionDate": "2020-08-28T20:36:28.618123Z"},
        {"submissionDate": "2020-13-28T20:36:28.618Z"},
        {"assessmentPackageDate": 1598646988},
        {"attachments": PDF},
        {"attachments": [{"type": "PDF", "url": "https://vendor.example/1"}]},
        {"attachments": [{"url": "https://vendor.example/1"}]},
        {"attachments": [{**PDF, "name": "report"}]},
        {"attachments": [{"type": "PDF_URL", "url": "/files/1"}]},
        {"attachments": [{"type": "PDF_URL", "url": "https://user@vendor.example/1"}]},
        {"attachments": [{"type": "PDF_URL", "url": "javascript:alert(1)"}]},
        {"attachments": [PDF, PDF]},
        {"assessmentResults": {"assessmentId": "words"}},
        {"assessmentResults": ["words"]},
        {"assessmentResults": [{"status": "COMPLETED"}]},
        {"assessmentResults": [{"assessmentId": "unknown"}]},
        {"assessmentResults": [{"assessmentId": "words"}, {"assessmentId": "words"}]},
        {"assessmentResults": [{"assessmentId": "words", "assessmentPackageDate": DATE}]},
        {"assessmentResults": [{"assessmentId": "words", "description": "x"}]},
        {"assessmentResults": [{"assessmentId": "words", "score": {"raw": 1.5, "min": 0, "max": 2}}]},
        {"assessmentResults": [{"assessmentId": "words", "summary": None}]},
        {
            "assessmentResults": [
                {"assessmentId": "words", "attachments": [{"type": "PNG", "url": "https://a.example"}]}
            ]
        },
        ["status"],
        "status",
    ],
)
def test_result_that_is_malformed_is_refused(
    simulator: Simulator, customer: Caller, order_id: str, breaches: Breaches, patch: Any
) -> None:
    answer = customer.patch_result(order_id, patch)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error.keys() == {"code", "message"}
    assert breaches() == ["malformed result"]
    assert simulator.control.get_order(order_id)["result"] == {}


@pytest.mark.parametrize("body", [b"{", b'{"name": NaN}', b'{"name": "a", "name": "b"}', b"\xff", b""])
def test_result_that_is_no_json_is_refused(customer: Caller, order_id: str, breaches: Breaches, body: bytes) -> None:
    path, headers = f"{API}/orders/{order_id}/results", {"Content-Type": "application/json"}
    assert customer.call("PATCH", path, data=body, headers=headers).status_code == 400
    assert breaches() == ["result is not JSON"]


@pytest.mark.parametrize(
    ("setting", "sent", "status", "breach"),
    [
        ("json", "application/json", 200, []),
        ("json", "application/json; charset=utf-8", 200, []),
        ("json", "application/merge-patch+json", 415, []),
        ("merge-patch", "application/merge-patch+json", 200, []),
        ("merge-patch", "application/json", 415, []),
        ("both", "application/merge-patch+json", 200, []),
        ("both", "text/plain", 415, ["result of an unknown content type"]),
    ],
)
def test_content_type_of_a_result(
    simulator: Simulator, customer: Caller, order_id: str, breaches: Breaches,
    setting: str, sent: str, status: int, breach: list[str],
) -> None:  # fmt: skip
    simulator.control.change_settings(patch_types=setting)
    answer = customer.patch_result(order_id, {"status": "PENDING"}, headers={"Content-Type": sent})
    assert (answer.status_code, breaches()) == (status, breach)


@pytest.mark.parametrize(
    ("first", "second", "breach"),
    [
        ({"status": "COMPLETED"}, {"status": "REJECTED"}, "final status changed"),
        ({"status": "EXPIRED"}, {"status": "IN_PROGRESS"}, "final status changed"),
        ({"status": "IN_PROGRESS"}, {"status": "PENDING"}, "status went back"),
        (
            {"assessmentResults": [{"assessmentId": "words", "status": "COMPLETED"}]},
            {"assessmentResults": [{"assessmentId": "words", "status": "REJECTED"}]},
            "final status changed",
        ),
        (
            {"assessmentResults": [{"assessmentId": "words", "status": "IN_PROGRESS"}]},
            {"assessmentResults": [{"assessmentId": "words"}]},
            "status went back",
        ),
        ({"attachments": [PDF]}, {"attachments": []}, "attachment dropped"),
        ({"attachments": [PDF]}, {"attachments": None}, "attachment dropped"),
        (
            {"assessmentResults": [{"assessmentId": "words", "attachments": [PDF]}]},
            {"assessmentResults": [{"assessmentId": "words"}]},
            "attachment dropped",
        ),
        (
            {"assessmentResults": [{"assessmentId": "words"}, {"assessmentId": "numbers"}]},
            {"assessmentResults": [{"assessmentId": "numbers"}]},
            "assessment result dropped",
        ),
    ],
)
def test_what_a_recruiter_would_notice_is_a_breach_unless_announced(
    simulator: Simulator, customer: Caller, order_id: str, breaches: Breaches,
    first: dict[str, Any], second: dict[str, Any], breach: str,
) -> None:  # fmt: skip
    customer.patch_result(order_id, first)
    simulator.control.announce_correction(order_id)
    customer.patch_result(order_id, second)
    assert breaches() == []
    simulator.control.announce_correction(order_id)
    customer.patch_result(order_id, first)
    assert breaches() == []
    assert customer.patch_result(order_id, second).status_code == 200
    assert breaches() == [breach]


def test_final_status_may_get_more_of_a_result(customer: Caller, order_id: str, breaches: Breaches) -> None:
    customer.patch_result(order_id, {"status": "COMPLETED"})
    customer.patch_result(order_id, {"status": "COMPLETED", "attachments": [PDF]})
    assert breaches() == []


def test_result_by_another_companys_token_is_refused(
    simulator: Simulator, customer: Caller, order_id: str, breaches: Breaches
) -> None:
    outsider = simulator.connect_company(f"outsider-{order_id[:8]}")
    assert outsider.patch_result(order_id, {"status": "PENDING"}).status_code == 403
    assert breaches() == ["wrong company's token"]


def test_result_by_the_master_token_is_refused(simulator: Simulator, order_id: str, breaches: Breaches) -> None:
    assert simulator.master_caller().patch_result(order_id, {"status": "PENDING"}).status_code == 403
    assert breaches() == ["token without the scope"]


def test_result_of_an_unknown_order_is_404(customer: Caller, breaches: Breaches) -> None:
    assert customer.patch_result("6f1c0000-0000-4000-8000-000000000000", {"status": "PENDING"}).status_code == 404
    assert breaches() == []


def test_ledger_tells_who_changed_what(simulator: Simulator, customer: Caller, company: str, order_id: str) -> None:
    since = simulator.control.get_ledger_end()
    customer.patch_result(order_id, {"status": "IN_PROGRESS"})
    [event] = simulator.control.iterate_events(since, kinds="result")
    assert event.pop("at") > 0
    assert event == {
        "kind": "result",
        "order_id": order_id,
        "company": company,
        "client_id": customer.client_id,
        "status_before": None,
        "status_after": "IN_PROGRESS",
        "repeat": False,
        "correction": None,
        "patch": {"status": "IN_PROGRESS"},
    }


def test_call_whose_caller_dies_in_the_middle_is_no_breach(
    simulator: Simulator, customer: Caller, order_id: str
) -> None:
    customer.patch_result(order_id, {"status": "PENDING"})
    with socket.create_connection(("127.0.0.1", simulator.port)) as connection:
        head = [
            f"PATCH /{API}/orders/{order_id}/results HTTP/1.1",
            f"Host: localhost:{simulator.port}",
            f"Authorization: Bearer {customer.token}",
            "Content-Type: application/json",
            "Content-Length: 25",
        ]
        connection.sendall("\r\n".join([*head, "", '{"status"']).encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert (simulator.control.list_breaches(), simulator.control.get_order(order_id)["status"]) == ([], "PENDING")
