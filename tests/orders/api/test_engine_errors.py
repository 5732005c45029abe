"""Error messages for engines: with the field and the valid value, in our own words."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from orders.models import Order

pytestmark = pytest.mark.django_db
API = "/api/vendor/v1"
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
REPORT_KEYS = "status, score, score_label, summary, submission_date, name, assessment_package_date, "
INSTANT = "a timestamp in ISO 8601 with Z or an offset, like 2020-08-28T20:36:28Z"
STATUSES = "one of PENDING, IN_PROGRESS, COMPLETED, REJECTED, EXPIRED"
EVENTS = "order.created, order.expired, delivery.failed, connection.enabled, connection.disabled"
MISSPELT = "There is no such key here: perhaps you mean"


def told(answer: Any, status: int = 422) -> list[tuple[str, str]]:
    assert answer.status_code == status, answer.content
    return [(error.get("field", ""), error["message"]) for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"scoreLabel": "x"}, "scoreLabel", f"{MISSPELT} score_label; the keys are {REPORT_KEYS}"),
        ({"assessment_date": "x"}, "assessment_date", f"{MISSPELT} assessment_package_date; the keys are "),
        ({"colour": "red"}, "colour", "There is no such key here; the keys are status, score"),
        ({"status": "completed"}, "status", f"Send {STATUSES}."),
        ({"status": None}, "status", f"Send {STATUSES}; null is not allowed."),
        ({"score": 87}, "score", "Send an object."),
        (
            {"score": {"raw": 1, "min": 0}},
            "score.max",
            "This is required: send a whole number from -2147483647 to 2147",
        ),
        ({"score": {"raw": "1", "min": 0, "max": 9}}, "score.raw", "Send a whole number from -2147483647 to 214748364"),
        ({"score": {"raw": None, "min": 0, "max": 9}}, "score.raw", "Send a whole number from -2147483647 to 21474836"),
        ({"submission_date": "2026-11-24"}, "submission_date", f"Send {INSTANT}."),
        ({"summary": "x" * 4001}, "summary", "Send at most 4000 characters."),
        ({"summary": "a\x07"}, "summary", "Send text without control characters other than line breaks and tabs."),
        ({"score_label": "a\nb"}, "score_label", "Send a single line of text without control characters."),
        ({"correction": None}, "correction", "Send text; null is not allowed."),
        ({"assessment_results": {}}, "assessment_results", "Send a list of objects."),
        ({"assessment_results": None}, "assessment_results", "Send a list of objects; null is not allowed."),
        ({"assessment_results": [{}]}, "assessment_results.0.assessment_id", "This is required: send text."),
        (
            {"assessment_results": [{"assessment_id": "x"}]},
            "assessment_results.0.assessment_id",
            "x is not an assessment of this package: send one of logic, typing.",
        ),
        (
            {"assessment_results": [{"assessment_id": "logic"}, {"assessment_id": "logic"}]},
            "assessment_results.1.assessment_id",
            "logic is listed twice: send one entry for each assessment.",
        ),
    ],
)
def test_wrong_report(engine: APIClient, order: Order, body: dict[str, Any], field: str, message: str) -> None:
    [error] = told(engine.patch(f"{API}/orders/{order.pk}/result", body))
    assert error[0] == field
    assert error[1].startswith(message)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("url", "This is required: send text."), ("events", "This is required: send a list.")]),
        ({"events": []}, [("url", "This is required: send text."), ("events", "Send a list that is not empty.")]),
        (
            {"url": "https://engine.example/", "events": "order.created"},
            [("events", "Send a list.")],
        ),
        (
            {"url": "https://engine.example/", "events": ["order.created", "order.done"]},
            [("events.1", f"Send one of {EVENTS}.")],
        ),
    ],
)
def test_wrong_webhook(engine: APIClient, body: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert told(engine.post(f"{API}/webhooks", body)) == expected


def test_key_for_a_call_that_takes_none(engine: APIClient) -> None:
    webhook = engine.post(f"{API}/webhooks", {"url": "https://engine.example/", "events": ["order.created"]}).json()
    answer = engine.post(f"{API}/webhooks/{webhook['id']}/rotate", {"secret": "mine"})
    assert told(answer) == [("secret", "There is no such key here; leave it out.")]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, ("file", "This is required: send the report as a part named file, with a file name.")),
        ({"file": "text"}, ("file", "Send the report as a part named file, with a file name.")),
        (
            {"file": SimpleUploadedFile("film.mp4", b"\0\0\0\x18ftypmp42")},
            (
                "file",
                "The file is not a PDF, PNG or JPEG. Send a complete PDF, PNG or JPEG, or for other types a URL: "
                '{"type": "VIDEO_URL", "url": "https://…"}.',
            ),
        ),
        (
            {"file": SimpleUploadedFile("big.pdf", PDF + b"0" * 10 * 1024 * 1024)},
            ("file", "The file is larger than 10 MB (10,485,760 bytes): send a smaller one, or a URL."),
        ),
        (
            {"file": SimpleUploadedFile("report.pdf", PDF), "assessment_id": "x"},
            ("assessment_id", "x is not an assessment of this package: send one of logic, typing."),
        ),
    ],
)
def test_wrong_file(engine: APIClient, order: Order, form: dict[str, Any], expected: tuple[str, str]) -> None:
    for part in form.values():
        if isinstance(part, SimpleUploadedFile):
            part.seek(0)
    answer = engine.post(f"{API}/orders/{order.pk}/attachments", form, format="multipart")
    assert told(answer, 413 if "larger" in expected[1] else 422) == [expected]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "engine.example",
            "The URL must be a plain https URL, like https://engine.example/take/42, in ASCII and",
        ),
        (
            "https://engine.example:99999/",
            "The URL must be a plain https URL, like https://engine.example/take",
        ),
        ("https://10.0.0.1/", "The URL must have a public host, not a private IP address."),
    ],
)
def test_wrong_address(engine: APIClient, order: Order, url: str, message: str) -> None:
    [error] = told(engine.post(f"{API}/orders/{order.pk}/accept", {"launch_url": url}))
    assert error[0] == "launch_url"
    assert error[1].startswith(message)


@pytest.mark.parametrize(
    ("path", "kind", "message"),
    [
        ("result", "text/plain", "Send application/json or application/merge-patch+json."),
        ("result", "application/x-www-form-urlencoded", "Send application/json or application/merge-patch+json."),
        ("attachments", "application/pdf", "Send application/json or multipart/form-data."),
        ("accept", "text/plain", "Send application/json."),
    ],
)
def test_content_type_that_is_not_taken(engine: APIClient, order: Order, path: str, kind: str, message: str) -> None:
    method = "PATCH" if path == "result" else "POST"
    answer = engine.generic(method, f"{API}/orders/{order.pk}/{path}", "x", content_type=kind)
    assert told(answer, 415) == [("", message)]


def test_method_that_is_not_taken(engine: APIClient) -> None:
    answer = engine.post(f"{API}/packages/skills", {})
    assert told(answer, 405) == [("", "This URL accepts only GET, PUT, DELETE.")]
    assert answer["Allow"] == "GET, PUT, DELETE, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["orders/a%00b", "orders/a%00b/job", "orders/ord_none", "webhooks/a%00", "a%00"])
def test_id_that_is_none_is_not_there(engine: APIClient, path: str) -> None:
    """On PostgreSQL too, which cannot look for a NUL."""
    assert engine.get(f"{API}/{path}").status_code == 404


def test_attachment_id_that_is_none_is_not_there(engine: APIClient, order: Order) -> None:
    assert engine.delete(f"{API}/orders/{order.pk}/attachments/a%00b").status_code == 404
