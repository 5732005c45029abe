"""`Idempotency-Key` on the engine's POSTs."""

import threading
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from integrations.models import IdempotencyRecord, Webhook
from orders.models import Order
from tests import rows

WEBHOOKS = "/api/vendor/v1/webhooks"
BODY = {"url": "https://engine.example/hook", "events": ["order.created", "order.expired"]}


def post(engine: APIClient, body: dict | None = None, key: str = "k1", path: str = WEBHOOKS):
    return engine.post(path, body or BODY, headers={"Idempotency-Key": key})


def test_repeated_post_gives_the_stored_answer_whole(engine: APIClient) -> None:
    first, second = post(engine), post(engine)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert Webhook.objects.count() == 1


def test_same_fields_in_another_order_are_the_same_body(engine: APIClient) -> None:
    first = post(engine)
    text = '{"events": ["order.created", "order.expired"],   "url": "https://engine.example/hook"}'
    again = engine.post(WEBHOOKS, text, content_type="application/json", headers={"Idempotency-Key": "k1"})
    assert again.json() == first.json()


def test_other_body_under_the_same_key_is_refused(engine: APIClient) -> None:
    post(engine)
    answer = post(engine, {**BODY, "events": ["order.created"]})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "code": "invalid",
            "message": "This key was used with another body: use a new key.",
            "field": "Idempotency-Key",
        }
    ]
    assert Webhook.objects.count() == 1


def test_refusal_is_stored_too(engine: APIClient) -> None:
    wrong = {**BODY, "url": "http://x"}
    first, second = post(engine, wrong), post(engine, wrong)
    assert (first.status_code, second.status_code) == (422, 422)
    assert first.json() == second.json()
    assert second["Content-Type"] == "application/problem+json"


def test_key_counts_per_client_and_per_path(engine: APIClient, api) -> None:
    post(engine)
    assert post(api(rows.make_token())).status_code == 201
    webhook = Webhook.objects.first()
    assert post(engine, {}, path=f"{WEBHOOKS}/{webhook.pk}/test").status_code in (200, 404, 422)
    assert Webhook.objects.count() == 2


def test_missing_body_counts_as_an_empty_object(engine: APIClient) -> None:
    path = "/api/vendor/v1/orders/lease"
    first = engine.post(path, headers={"Idempotency-Key": "k1"})
    again = engine.post(path, {}, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (200, 200)


def test_key_is_free_again_after_a_day(engine: APIClient) -> None:
    post(engine)
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(days=1, seconds=1))
    assert post(engine).status_code == 201
    assert Webhook.objects.count() == 2


def test_first_call_that_still_runs_is_a_conflict(engine: APIClient) -> None:
    post(engine)
    IdempotencyRecord.objects.update(status=None)
    assert post(engine).status_code == 409
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    assert post(engine).status_code == 201


def test_stored_answer_holds_no_secret_in_clear(engine: APIClient) -> None:
    secret = post(engine).json()["secret"]
    assert secret not in str(list(IdempotencyRecord.objects.values()))


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "ü"])
def test_key_that_is_none_is_refused(engine: APIClient, key: str) -> None:
    assert post(engine, key=key).status_code == 422


def test_unauthorised_comes_before_the_key(api, db: None) -> None:
    assert post(api()).status_code == 401


def test_files_count_by_their_content(engine: APIClient, order: Order, settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path
    report = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
    path = f"/api/vendor/v1/orders/{order.pk}/attachments"

    def upload(content: bytes):
        file = SimpleUploadedFile("report.pdf", content, "application/pdf")
        return engine.post(path, {"file": file}, format="multipart", headers={"Idempotency-Key": "k1"})

    assert (upload(report).status_code, upload(report).status_code) == (201, 201)
    assert upload(report + b"\n").status_code == 422


@pytest.mark.django_db(transaction=True)
def test_same_call_many_times_at_once_has_one_effect(engine_token: str, api) -> None:
    statuses: list[int] = []

    def call() -> None:
        statuses.append(post(api(engine_token)).status_code)

    threads = [threading.Thread(target=call) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert Webhook.objects.count() == 1
