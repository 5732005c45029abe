"""Previews of reports."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from integrations.outbox.models import Delivery
from orders import attachments, results
from orders.models import Order, OrderEvent, Result

pytestmark = pytest.mark.django_db


def preview(engine: APIClient, order: Order, **body: Any) -> Any:
    return engine.post(f"/api/vendor/v1/orders/{order.pk}/result/preview", body)


def test_preview_is_the_wire_and_the_recruiters_reading(engine: APIClient, order: Order) -> None:
    answer = preview(
        engine,
        order,
        status="COMPLETED",
        score={"raw": 28, "min": 20, "max": 80},
        assessment_results=[{"assessment_id": "logic", "summary": "x"}],
    )
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "wire": {
                "status": "COMPLETED",
                "score": {"raw": 28, "min": 20, "max": 80},
                "assessmentResults": [{"assessmentId": "logic", "summary": "x"}],
            },
            "score_text": "28/80",
            "score_percent": 13,
        },
    )


def test_preview_stores_nothing(engine: APIClient, order: Order) -> None:
    before = Order.objects.values().get(), OrderEvent.objects.count(), Delivery.objects.count()
    preview(engine, order, status="COMPLETED", correction="x")
    assert (Order.objects.values().get(), OrderEvent.objects.count(), Delivery.objects.count()) == before
    assert Result.objects.count() == 0


def test_preview_adds_to_what_was_reported_and_is_never_a_conflict(engine: APIClient, order: Order) -> None:
    results.report(order.pk, {"status": "COMPLETED", "name": "n"}, by="engine")
    attachment, _ = attachments.add_file(order.pk, b"%PDF-1.4\n%%EOF", name="r.pdf", by="engine")
    url = f"http://localhost:8000/files/{attachment.link_token}"
    assert preview(engine, order, status="PENDING", name=None).json() == {
        "wire": {"status": "PENDING", "attachments": [{"type": "PDF_URL", "url": url}]},
        "score_text": None,
        "score_percent": None,
    }
    assert Result.objects.get().name == "n"


@pytest.mark.parametrize(
    ("raw", "low", "high", "text", "percent"),
    [
        (0, 0, 8, "0/8", 0),
        (8, 0, 8, "8/8", 100),
        (1, 0, 200, "1/200", 1),
        (1, 0, 201, "1/201", 0),
        (-3, -5, 5, "-3/5", 20),
    ],
)
def test_percent_is_rounded_half_up(
    engine: APIClient, order: Order, raw: int, low: int, high: int, text: str, percent: int
) -> None:
    body = preview(engine, order, score={"raw": raw, "min": low, "max": high}).json()
    assert (body["score_text"], body["score_percent"]) == (text, percent)


@pytest.mark.parametrize("body", [{"status": None}, {"x": 1}, {"score": {"raw": 1.5, "min": 0, "max": 2}}])
def test_wrong_report_is_refused_as_by_patch(engine: APIClient, order: Order, body: dict[str, Any]) -> None:
    patched = engine.patch(f"/api/vendor/v1/orders/{order.pk}/result", body)
    answer = preview(engine, order, **body)
    assert (answer.status_code, answer.json()) == (422, patched.json())
