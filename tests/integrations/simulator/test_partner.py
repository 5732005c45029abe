"""SmartRecruiters as a client of the portal: its requests, and the breaches it finds in responses."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.integrations.simulator.fake_portal import JSON, PACKAGE, TOKEN, FakePortal
from tests.integrations.simulator.process import API, Caller, Simulator

Breaches = Callable[[], list[str]]


@pytest.fixture
def connected(customer: Caller, company: str) -> str:
    return company


def test_token_is_asked_for_once_and_without_a_scope(
    simulator: Simulator, portal: FakePortal, connected: str, breaches: Breaches
) -> None:
    for _ in range(3):
        simulator.control.fetch_packages(connected)
    [call] = portal.calls_to("POST /token")
    assert parse_qs(call["body"]).keys() == {"grant_type", "client_id", "client_secret"}
    assert breaches() == []


def test_refused_token_is_renewed_once(simulator: Simulator, portal: FakePortal, connected: str) -> None:
    portal.answers["GET /packages"] = (401, JSON, {"errors": [{"code": "x", "message": "y"}]})
    assert simulator.control.fetch_packages(connected)["status_code"] == 401
    assert (len(portal.calls_to("POST /token")), len(portal.calls_to("GET /packages"))) == (2, 2)


@pytest.mark.parametrize(
    ("encoding", "header"),
    [("json", '{"email": "a@b.example"}'), ("pairs", "email,a@b.example"), ("bare", "a@b.example")],
)
def test_requester_header(simulator: Simulator, portal: FakePortal, connected: str, encoding: str, header: str) -> None:
    simulator.control.change_settings(requester_encoding=encoding)
    simulator.control.fetch_packages(connected, requester="a@b.example")
    [call] = portal.calls_to("GET /packages")
    assert call["headers"]["requester"] == header


def test_location_and_fields_are_query_parameters(simulator: Simulator, portal: FakePortal, connected: str) -> None:
    simulator.control.fetch_packages(connected, country_code="de", city="Köln", level="senior")
    [call] = portal.calls_to("GET /packages")
    assert parse_qs(call["query"]) == {"country-code": ["de"], "city": ["Köln"], "level": ["senior"]}


def test_no_packages_is_204(simulator: Simulator, portal: FakePortal, connected: str, breaches: Breaches) -> None:
    portal.answers["GET /packages"] = (204, {}, None)
    reply = simulator.control.fetch_packages(connected)
    assert (reply["status_code"], reply["packages"], breaches()) == (204, [], [])


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, JSON, []),
        (200, JSON, {"results": [PACKAGE]}),
        (200, JSON, [{**PACKAGE, "rules": []}]),
        (200, JSON, [{key: value for key, value in PACKAGE.items() if key != "description"}]),
        (200, JSON, [{**PACKAGE, "name": None}]),
        (200, JSON, [{**PACKAGE, "type": "VIDEO_INTERVIEW"}]),
        (200, JSON, [{**PACKAGE, "assessments": None}]),
        (200, JSON, [{**PACKAGE, "assessments": [{"id": "a", "type": "SKILL_TEST"}]}]),
        (200, JSON, [PACKAGE, PACKAGE]),
        (200, {"Content-Type": "text/html"}, [PACKAGE]),
        (302, {"Location": "/packages/"}, None),
        (404, {"Content-Type": "text/html"}, b"<h1>Not Found</h1>"),
        (403, JSON, {"detail": "no"}),
    ],
)
def test_packages_that_break_the_protocol_are_a_breach(
    simulator: Simulator, portal: FakePortal, connected: str, breaches: Breaches,
    status: int, headers: dict[str, str], body: Any,
) -> None:  # fmt: skip
    portal.answers["GET /packages"] = (status, headers, body)
    simulator.control.fetch_packages(connected)
    assert len(breaches()) == 1


@pytest.mark.parametrize(
    "answer",
    [{**TOKEN, "token_type": "mac"}, {**TOKEN, "expires_in": "1800"}, {"token_type": "Bearer", "expires_in": 1}],
)
def test_token_that_is_none_is_a_breach(
    simulator: Simulator, portal: FakePortal, connected: str, breaches: Breaches, answer: dict[str, Any]
) -> None:
    portal.answers["POST /token"] = (200, {**JSON, "Cache-Control": "no-store"}, answer)
    assert simulator.control.fetch_packages(connected)["status_code"] is None
    assert breaches() == ["portal's token"]


def test_token_that_may_be_cached_is_a_breach(
    simulator: Simulator, portal: FakePortal, connected: str, breaches: Breaches
) -> None:
    portal.answers["POST /token"] = (200, JSON, TOKEN)
    simulator.control.fetch_packages(connected)
    assert breaches() == ["portal's token"]


@pytest.mark.parametrize(
    ("published", "path"),
    [("/packages/{assessmentPackageId}", "/packages/skills"), ("/packages", "/packages/skills")],
)
def test_single_package_by_placeholder_or_prefix(
    simulator: Simulator, portal: FakePortal, connected: str, published: str, path: str
) -> None:
    document = portal.build_configuration(singleAssessmentPackageUrl=portal.url + published)
    simulator.master_caller().call("PUT", f"{API}/partner/configuration", json=document)
    assert simulator.control.fetch_package(connected, "skills")["package"] == PACKAGE
    assert portal.calls[-1]["path"] == path


def test_manual_order(simulator: Simulator, portal: FakePortal, connected: str, breaches: Breaches) -> None:
    [order] = simulator.control.place_orders(connected, "skills", requester="r@x.example", fields={"level": "junior"})
    [call] = portal.calls_to("POST /orders")
    body = json.loads(call["body"])
    candidate = order["candidate"]
    assert body == {
        "resultCallbackURL": f"{simulator.url}/{API}/orders/{order['order_id']}/results",
        "candidate": {key: candidate[key] for key in ("id", "email", "firstName", "lastName", "applicationLanguage")},
        "requester": {"userId": body["requester"]["userId"], "email": "r@x.example"},
        "assessmentPackageId": "skills",
        "companyId": connected,
        "job": {"id": order["job_id"]},
        "jobId": order["job_id"],
        "fields": {"level": "junior"},
    }
    assert call["headers"]["Authorization"] == "Bearer portal-token"
    assert (order["accepted"], order["status_code"], breaches()) == (True, 202, [])


def test_hiring_step_order_has_no_requester(simulator: Simulator, portal: FakePortal, connected: str) -> None:
    simulator.control.place_orders(connected, "skills", kind="hiring_step")
    [call] = portal.calls_to("POST /orders")
    assert "requester" not in json.loads(call["body"])


def test_inline_order_has_no_candidate_id_and_a_way_back(
    simulator: Simulator, portal: FakePortal, connected: str, breaches: Breaches
) -> None:
    [order] = simulator.control.place_orders(connected, "on-the-spot", inline=True)
    [call] = portal.calls_to("POST /inline")
    body = json.loads(call["body"])
    assert body["candidate"].keys() == {"email", "firstName", "lastName", "applicationLanguage"}
    assert "requester" not in body
    assert body["completedAssessmentCallbackUrl"] == f"{simulator.url}/applied/{order['order_id']}"
    assert (order["url"], order["accepted"], breaches()) == ("https://engine.example/take/1", True, [])


def test_bulk_order_is_one_for_each_candidate(simulator: Simulator, portal: FakePortal, connected: str) -> None:
    orders = simulator.control.place_orders(connected, "skills", kind="bulk", count=30)
    bodies = [json.loads(call["body"]) for call in portal.calls_to("POST /orders")]
    assert {body["resultCallbackURL"].split("/")[-2] for body in bodies} == {each["order_id"] for each in orders}
    assert len({body["candidate"]["id"] for body in bodies}) == len({each["order_id"] for each in orders}) == 30
    assert len(portal.calls_to("GET /packages/skills")) == 1


@pytest.mark.parametrize(
    ("kind", "route", "status", "headers", "body"),
    [
        ("manual", "POST /orders", 200, JSON, {"ok": True}),
        ("manual", "POST /orders", 201, {}, None),
        ("inline", "POST /inline", 202, {}, None),
        ("inline", "POST /inline", 200, JSON, {"url": "https://a.example", "id": 1}),
        ("inline", "POST /inline", 200, JSON, {"url": "/take/1"}),
        ("manual", "POST /orders", 400, JSON, {"errors": []}),
    ],
)
def test_order_that_is_answered_wrongly_is_a_breach(
    simulator: Simulator, portal: FakePortal, connected: str, breaches: Breaches,
    kind: str, route: str, status: int, headers: dict[str, str], body: Any,
) -> None:  # fmt: skip
    portal.answers[route] = (status, headers, body)
    [order] = simulator.control.place_orders(connected, "skills", kind=kind)
    assert (order["accepted"], order["url"], len(breaches())) == (False, None, 1)


def test_order_that_is_refused_is_no_breach(
    simulator: Simulator, portal: FakePortal, connected: str, breaches: Breaches
) -> None:
    portal.answers["POST /orders"] = (404, JSON, {"errors": [{"code": "x", "message": "no such package"}]})
    [order] = simulator.control.place_orders(connected, "gone")
    assert (order["accepted"], order["status_code"], order["problem"]) == (False, 404, "no such package")
    assert breaches() == []


def test_order_is_retried_with_the_same_body(simulator: Simulator, portal: FakePortal, connected: str) -> None:
    portal.answers["POST /orders"] = (503, {"Content-Type": "text/html"}, b"busy")
    [order] = simulator.control.place_orders(connected, "skills", retries=1)
    assert not order["accepted"]
    first, second = (call["body"] for call in portal.calls_to("POST /orders"))
    assert first == second
    portal.answers["POST /orders"] = (202, {}, None)
    assert simulator.control.retry_order(order["order_id"])["accepted"]
    assert [call["body"] for call in portal.calls_to("POST /orders")] == [first] * 3


def test_portal_that_does_not_answer_in_time(
    simulator: Simulator, portal: FakePortal, connected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.control.fetch_packages(connected)
    simulator.control.change_settings(partner_timeout=0.2)
    handle_request = portal.handle_request
    monkeypatch.setattr(portal, "handle_request", lambda request: (time.sleep(0.5), handle_request(request)))
    [order] = simulator.control.place_orders(connected, "skills")
    assert (order["status_code"], order["problem"]) == (None, "no response within 0.2 s")


def test_spellings_of_job_and_callback(simulator: Simulator, portal: FakePortal, connected: str) -> None:
    simulator.control.change_settings(job_spelling="jobId", callback_spelling="completeAssessmentCallbackUrl")
    simulator.control.place_orders(connected, "on-the-spot", inline=True)
    body = json.loads(portal.calls_to("POST /inline")[0]["body"])
    assert {"jobId", "completeAssessmentCallbackUrl"} <= body.keys()
    assert not {"job", "completedAssessmentCallbackUrl"} & body.keys()


@pytest.mark.parametrize("published", ["/disable/{companyId}", "/disable"])
def test_disconnect_tells_the_portal(
    simulator: Simulator, portal: FakePortal, connected: str, customer: Caller, breaches: Breaches, published: str
) -> None:
    document = portal.build_configuration(integrationDisableUrl=portal.url + published)
    simulator.master_caller().call("PUT", f"{API}/partner/configuration", json=document)
    assert simulator.control.disconnect_company(connected) == 204
    [call] = portal.calls_to("DELETE /disable")
    assert (call["path"], call["headers"]["Authorization"]) == (f"/disable/{connected}", "Bearer portal-token")
    assert customer.fetch_token().status_code == 401
    company = simulator.control.get_company(connected)
    assert (company["connected"], company["consented"], company["disable_owed"], breaches()) == (
        False,
        False,
        False,
        [],
    )


def test_disconnect_that_the_portal_missed_is_owed(simulator: Simulator, portal: FakePortal, connected: str) -> None:
    portal.answers["DELETE /disable"] = (503, {"Content-Type": "text/html"}, b"busy")
    assert simulator.control.disconnect_company(connected) == 503
    assert simulator.control.get_company(connected)["disable_owed"]
    portal.answers["DELETE /disable"] = (204, {}, None)
    assert simulator.control.notify_disabled(connected) == 204
    assert not simulator.control.get_company(connected)["disable_owed"]


def test_order_of_a_company_that_is_not_connected_is_never_sent(
    simulator: Simulator, portal: FakePortal, company: str
) -> None:
    simulator.control.add_company(company)
    [order] = simulator.control.place_orders(company, "skills")
    assert (order["status_code"], order["problem"]) == (None, f"{company} is not connected")
    assert portal.calls_to("POST /orders") == []
