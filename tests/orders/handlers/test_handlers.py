"""The handlers under the real courier, against a peer over real HTTP."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from integrations.models import Connection, PartnerConfiguration
from integrations.outbox import deliveries
from integrations.outbox.models import Attempt, Delivery, DeliveryState
from orders import attachments, results
from orders.models import Order, Resource
from tests.integrations.outbox.peer import Answer, Peer, run_peer
from tests.orders import bodies

pytestmark = pytest.mark.django_db(transaction=True)
Carry = Callable[[], None]
TOKEN = Answer(200, {"access_token": "t1", "token_type": "Bearer", "expires_in": 1800})
CANDIDATE, JOB = "/candidates/cand-1", "/jobs/job-1"
TEAM = "/jobs/job-1/hiring-team"


@pytest.fixture
def peer(settings: Any) -> Iterator[Peer]:
    with run_peer() as peer:
        settings.SMARTRECRUITERS_API_URL = peer.url
        peer.script["/identity/oauth/token"] = [TOKEN] * 9
        yield peer


def path(order: Order) -> str:
    return f"/assessment-api/v202010/orders/{order.smartrecruiters_order_id}/results"


def sent(peer: Peer, order: Order) -> list[Any]:
    return [received.body for received in peer.received if received.path == path(order)]


def test_result_is_patched_with_their_token(peer: Peer, order: Order, run_courier: Carry, engine: APIClient) -> None:
    results.report(order.pk, {"status": "COMPLETED", "score": {"raw": 28, "min": 20, "max": 80}}, by="engine")
    run_courier()
    [received] = [received for received in peer.received if received.path == path(order)]
    assert (received.token, received.content_type) == ("t1", "application/json")
    assert received.body == {"status": "COMPLETED", "score": {"raw": 28, "min": 20, "max": 80}}
    assert engine.get(f"/api/vendor/v1/orders/{order.pk}").json()["delivery"] == "delivered"


def test_content_type_is_a_setting_and_the_other_one_is_tried_once(
    peer: Peer, order: Order, run_courier: Carry
) -> None:
    PartnerConfiguration.load()
    PartnerConfiguration.objects.update(patch_content_type="application/merge-patch+json")
    peer.script[path(order)] = [Answer(415), Answer(415)]
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    run_courier()
    kinds = [received.content_type for received in peer.received if received.path == path(order)]
    assert kinds == ["application/merge-patch+json", "application/json"]
    assert Delivery.objects.get(kind="result").state == DeliveryState.FAILED


def test_hosted_report_leaves_no_link_behind(peer: Peer, order: Order, run_courier: Carry) -> None:
    attachment, _ = attachments.add_file(order.pk, b"%PDF-1.4\n%%EOF", name="r.pdf", by="engine")
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    link = f"http://localhost:8000/files/{attachment.link_token}"
    peer.script[path(order)] = [Answer(200, {"attachments": [{"type": "PDF_URL", "url": link}]})]
    run_courier()
    assert sent(peer, order) == [{"status": "COMPLETED", "attachments": [{"type": "PDF_URL", "url": link}]}]
    attempt = Attempt.objects.get(delivery__kind="result")
    assert attempt.request["body"]["attachments"] == [{"type": "PDF_URL", "url": f"attachment:{attachment.pk}"}]
    assert attachment.link_token not in str(attempt.request) + attempt.response
    assert "/files/***" in attempt.response


def test_state_that_smartrecruiters_has_already_is_not_sent_again(peer: Peer, order: Order, run_courier: Carry) -> None:
    results.report(order.pk, {"summary": "a"}, by="engine")
    run_courier()
    for summary in ("b", "a"):
        results.report(order.pk, {"summary": summary}, by="engine")
    run_courier()
    assert sent(peer, order) == [{"summary": "a"}]
    last = Delivery.objects.filter(kind="result").order_by("-pk")[0]
    assert (last.state, last.reason) == ("superseded", "SmartRecruiters already has this result")


def test_same_state_is_sent_again_after_another_perhaps_arrived(peer: Peer, order: Order, run_courier: Carry) -> None:
    results.report(order.pk, {"summary": "a"}, by="engine")
    run_courier()
    peer.script[path(order)] = [Answer(breaks_off=True)]
    results.report(order.pk, {"summary": "b"}, by="engine")
    run_courier()
    results.report(order.pk, {"summary": "a"}, by="engine")
    run_courier()
    assert sent(peer, order) == [{"summary": "a"}, {"summary": "b"}, {"summary": "a"}]


def test_older_state_is_not_sent_after_a_newer_one(peer: Peer, order: Order, run_courier: Carry) -> None:
    results.report(order.pk, {"status": "IN_PROGRESS"}, by="engine")
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    run_courier()
    older = Delivery.objects.filter(kind="result").earliest("pk")
    Delivery.objects.filter(pk=older.pk).update(state=DeliveryState.PENDING)
    run_courier()
    older.refresh_from_db()
    assert (older.state, older.reason) == (DeliveryState.SUPERSEDED, "a newer one says more")
    assert [body["status"] for body in sent(peer, order)] == ["COMPLETED"]


def test_result_of_an_erased_order_is_not_sent(peer: Peer, order: Order, run_courier: Carry) -> None:
    results.report(order.pk, {"summary": "a"}, by="engine")
    Order.objects.update(erased_at=timezone.now())
    run_courier()
    assert set(peer.received_paths()) <= {"/identity/oauth/token"}
    assert set(Delivery.objects.exclude(kind="invitation").values_list("state", "reason")) == {
        ("superseded", "the candidate was erased")
    }


def test_fresh_order_that_is_unknown_is_tried_for_a_quarter_of_an_hour(
    peer: Peer, order: Order, run_courier: Carry, advance_clock: Callable[[timedelta], None]
) -> None:
    peer.script[path(order)] = [Answer(404)] * 9
    results.report(order.pk, {"summary": "a"}, by="engine")
    states = []
    for minutes in (0, 5, 8, 30):
        advance_clock(timedelta(minutes=minutes))
        run_courier()
        states.append(Delivery.objects.get(kind="result").state)
    assert (states[0], states[-1]) == ("pending", "failed")


def test_result_that_becomes_a_dead_letter_is_an_event(
    peer: Peer, order: Order, run_courier: Carry, engine: APIClient
) -> None:
    peer.script[path(order)] = [Answer(422)]
    results.report(order.pk, {"summary": "a"}, by="engine")
    run_courier()
    address = f"http://localhost:8000/api/vendor/v1/orders/{order.pk}"
    told = engine.get("/api/vendor/v1/events").json()["results"]
    assert [(event["type"], event["data"]) for event in told] == [
        ("order.created", {"order": order.pk, "url": address}),
        ("delivery.failed", {"order": order.pk, "url": address}),
    ]


def test_candidate_job_and_team_are_kept_in_short(
    peer: Peer, order: Order, run_courier: Carry, engine: APIClient
) -> None:
    peer.script[CANDIDATE] = [
        Answer(
            200,
            {
                "id": "cand-1",
                "firstName": "Ada",
                "lastName": "Lovelace",
                "email": "ada@lovelace.example",
                "phoneNumber": "+44 1",
                "location": {"country": "England", "countryCode": "GB", "city": "London", "lat": 51.5},
                "education": [{"school": "home"}],
                "tags": ["x"],
            },
        )
    ]
    peer.script[JOB] = [
        Answer(
            200,
            {
                "id": "job-1",
                "title": "Analyst",
                "refNumber": "REF1",
                "company": {"identifier": "northwind", "name": "Northwind"},
                "department": {"id": "7", "label": "Engines"},
                "location": {"city": "London", "remote": False, "region": None},
                "creator": {"firstName": "Ruth"},
                "properties": [],
            },
        )
    ]
    peer.script[TEAM] = [
        Answer(
            200, {"totalFound": 2, "content": [{"id": "u1", "role": "RECRUITER"}, {"id": "u2", "role": "Own", "x": 1}]}
        )
    ]
    run_courier()
    url = f"/api/vendor/v1/orders/{order.pk}"
    answers = {kind: engine.get(f"{url}/{kind}") for kind in ("candidate", "job", "hiring-team")}
    assert {kind: answer.status_code for kind, answer in answers.items()} == dict.fromkeys(answers, 200)
    assert answers["candidate"].json() == {
        "id": "cand-1",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": "ada@lovelace.example",
        "phone_number": "+44 1",
        "location": {"country": "England", "country_code": "GB", "city": "London"},
    }
    assert answers["job"].json() == {
        "id": "job-1",
        "title": "Analyst",
        "ref_number": "REF1",
        "company": {"id": "northwind", "name": "Northwind"},
        "department": {"id": "7", "label": "Engines"},
        "location": {"city": "London", "remote": False},
    }
    assert answers["hiring-team"].json() == {
        "total_found": 2,
        "content": [{"id": "u1", "role": "RECRUITER"}, {"id": "u2", "role": "Own"}],
    }
    response = Attempt.objects.get(delivery__kind="candidate").response
    assert response == "keys: education, email, firstName, id, lastName, location, phoneNumber, tags"


def test_no_access_is_said_after_one_new_token(peer: Peer, order: Order, run_courier: Carry, engine: APIClient) -> None:
    peer.script[CANDIDATE] = [Answer(401), Answer(401)]
    run_courier()
    answer = engine.get(f"/api/vendor/v1/orders/{order.pk}/candidate")
    assert (answer.status_code, answer.json()["detail"]) == (404, "SmartRecruiters does not allow access to it.")
    assert peer.received_paths().count(CANDIDATE) == 2
    assert engine.get(f"/api/vendor/v1/orders/{order.pk}/job").status_code == 200


def test_what_is_on_its_way_is_202_and_what_is_refused_404(
    peer: Peer, order: Order, run_courier: Carry, engine: APIClient
) -> None:
    url = f"/api/vendor/v1/orders/{order.pk}"
    awaited = engine.get(f"{url}/job")
    assert (awaited.status_code, awaited["Retry-After"], awaited.json()) == (202, "5", {})
    peer.script[JOB] = [Answer(404)]
    peer.script[CANDIDATE] = [Answer(500)]
    run_courier()
    assert engine.get(f"{url}/job").status_code == 404
    assert Resource.objects.get(kind="job").state == "none"
    assert engine.get(f"{url}/candidate").status_code == 202


def test_fetch_gives_up_after_a_day(
    peer: Peer, order: Order, run_courier: Carry, advance_clock: Callable[[timedelta], None], engine: APIClient
) -> None:
    peer.script[CANDIDATE] = [Answer(500)] * 40
    for _ in range(12):
        run_courier()
        advance_clock(timedelta(hours=5))
    assert Delivery.objects.get(kind="candidate").state == "failed"
    assert engine.get(f"/api/vendor/v1/orders/{order.pk}/candidate").status_code == 404


@pytest.mark.parametrize("content", [{}, {"location": 5}, {"content": "x", "id": [], "firstName": None}])
def test_odd_shape_is_kept_as_far_as_it_goes(peer: Peer, order: Order, run_courier: Carry, content: Any) -> None:
    for address in (CANDIDATE, JOB, TEAM):
        peer.script[address] = [Answer(200, content)]
    run_courier()
    assert {resource.state for resource in Resource.objects.all()} == {"there"}


def test_inline_order_has_no_candidate(peer: Peer, inline_order: Order, run_courier: Carry, engine: APIClient) -> None:
    run_courier()
    answer = engine.get(f"/api/vendor/v1/orders/{inline_order.pk}/candidate")
    assert (answer.status_code, answer.json()["detail"]) == (404, "Inline orders have no candidate id.")
    assert not any(address.startswith("/candidates") for address in peer.received_paths())


def test_held_fetch_stays_awaited(order: Order, connection: Connection, engine: APIClient) -> None:
    deliveries.hold_stream(connection.stream_name, "disconnected")
    assert engine.get(f"/api/vendor/v1/orders/{order.pk}/job").status_code == 202
    assert bodies.place_order(connection).pk
