"""Refused calls of SmartRecruiters leave their reason: in the log, in admin and in metrics."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from django.db import DatabaseError, OperationalError
from django.db import connection as database
from django.test import Client as Browser
from django.utils import timezone
from oauth2_provider.models import get_access_token_model
from rest_framework.test import APIClient

from assessments.models import Package
from integrations.api import refusals
from integrations.api.refusals import Refusal
from integrations.models import Connection, PartnerConfiguration, RefusedCall
from integrations.tasks import clear_expired
from tests import rows
from tests.conftest import Api
from tests.orders.bodies import INLINE_ORDERS, ORDERS, order_body

pytestmark = pytest.mark.django_db
PACKAGES = "/smartrecruiters/packages"
FORM = "application/x-www-form-urlencoded"
ORDER_ID = "6f1c2a3b-0000-4000-8000-000000000001"
COLUMNS = ("endpoint", "status", "company_id", "order_id", "errors", "count")
LOGGED = ("endpoint", "status", "company_id", "order_id", "errors")


@pytest.fixture
def package(db: None) -> Package:
    return rows.make_package("skills")


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def listed() -> list[tuple[Any, ...]]:
    return list(RefusedCall.objects.order_by("pk").values_list(*COLUMNS))


def said(logged: list[Any]) -> list[tuple[Any, ...]]:
    return [tuple(line[name] for name in LOGGED) for line in logged if line["event"] == "call refused"]


@pytest.mark.parametrize(
    ("path", "change", "expected"),
    [
        (ORDERS, {"assessmentPackageId": ""}, ("orders", 400, "northwind", ORDER_ID, "assessmentPackageId: blank", 1)),
        (ORDERS, {"assessmentPackageId": "gone"}, ("orders", 404, "northwind", ORDER_ID, "not_found", 1)),
        (ORDERS, {"candidate": "Ada"}, ("orders", 400, "northwind", ORDER_ID, "candidate: invalid", 1)),
        (ORDERS, {"companyId": "harbour"}, ("orders", 403, "northwind", ORDER_ID, "permission_denied", 1)),
        (
            ORDERS,
            {"companyId": 5, "candidate": []},
            ("orders", 400, "northwind", ORDER_ID, "candidate: invalid, companyId: invalid", 1),
        ),
        (
            ORDERS,
            {"resultCallbackURL": f"https://evil.example/orders/{ORDER_ID}/results"},
            ("orders", 400, "northwind", ORDER_ID, "resultCallbackURL: address", 1),
        ),
        (ORDERS, {"resultCallbackURL": 5}, ("orders", 400, "northwind", "", "resultCallbackURL: invalid", 1)),
        (
            INLINE_ORDERS,
            {},
            ("inline_orders", 400, "northwind", ORDER_ID, "completedAssessmentCallbackUrl: required", 1),
        ),
    ],
)
def test_refused_order_leaves_its_reason(
    smartrecruiters: APIClient, package: Package, logged: list[Any], path: str, change: dict[str, Any], expected: Any
) -> None:
    answer = smartrecruiters.post(path, order_body(order_id=ORDER_ID) | change)
    assert (answer.status_code, listed(), said(logged)) == (expected[1], [expected], [expected[:-1]])


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b'{"a": 1, "a": 2, "u": "https://x/orders/o-1/results"}', "application/json", (400, "o-1", "parse_error")),
        (b'{"u": "https:\\/\\/x\\/orders\\/o-1\\/results", }', "application/json", (400, "o-1", "parse_error")),
        (b"[]", "application/json", (400, "", "parse_error")),
        (b" " * 65_537, "application/json", (413, "", "too_large")),
        (b"{}", "text/plain", (415, "", "unsupported_media_type")),
    ],
)
def test_refused_body_leaves_its_reason(
    smartrecruiters: APIClient, logged: list[Any], body: bytes, kind: str, expected: Any
) -> None:
    smartrecruiters.generic("POST", ORDERS, body, kind)
    status, order_id, errors = expected
    assert listed() == [("orders", status, "northwind", order_id, errors, 1)]
    assert said(logged) == [("orders", status, "northwind", order_id, errors)]


def test_conflict_leaves_its_reason(smartrecruiters: APIClient, package: Package) -> None:
    for job in ("job-1", "job-2", "job-2"):
        smartrecruiters.post(ORDERS, order_body(order_id=ORDER_ID, job={"id": job}))
    assert listed() == [("orders", 409, "northwind", ORDER_ID, "conflict", 2)]


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        (PACKAGES, {"requester": "nobody"}, ("packages", 400, "northwind", "", "requester: invalid", 1)),
        (f"{PACKAGES}/gone", {}, ("package", 404, "northwind", "", "not_found", 1)),
    ],
)
def test_refused_package_call_leaves_its_reason(
    smartrecruiters: APIClient, logged: list[Any], path: str, headers: dict[str, str], expected: Any
) -> None:
    assert smartrecruiters.get(path, headers=headers).status_code == expected[1]
    assert (listed(), said(logged)) == ([expected], [expected[:-1]])


@pytest.mark.parametrize(
    ("form", "kind", "status", "errors"),
    [
        (
            "grant_type=password",
            FORM,
            400,
            "unsupported_grant_type: Send grant_type=client_credentials.",
        ),
        ("grant_type=client_credentials", FORM, 401, "invalid_client: Unknown client, or the wrong secret."),
        (
            "grant_type=client_credentials",
            "application/json",
            400,
            "invalid_request: Send the parameters as application/x-www-form-urlencoded, in UTF-8.",
        ),
        (f"x={'x' * 9000}", FORM, 413, "invalid_request: The body may have at most 8192 bytes."),
    ],
)
def test_refused_token_call_leaves_its_reason(
    connection: Connection, logged: list[Any], form: str, kind: str, status: int, errors: str
) -> None:
    client, _ = rows.make_client(connection)
    sent = f"{form}&client_id={client.client_id}&client_secret=wrong"
    assert Browser().generic("POST", "/oauth/token", sent, kind).status_code == status
    company = "" if status == 413 else "northwind"
    assert listed() == [("token", status, company, "", errors, 1)]
    assert said(logged) == [("token", status, company, "", errors)]


def test_scope_that_is_not_the_clients_leaves_its_reason(connection: Connection) -> None:
    client, secret = rows.make_client(connection)
    form = f"grant_type=client_credentials&client_id={client.client_id}&client_secret={secret}&scope=vendor"
    assert Browser().generic("POST", "/oauth/token", form, FORM).status_code == 400
    described = (
        "invalid_scope: This client has the scopes packages_view orders_modify: send some of them, or no scope for all."
    )
    assert listed() == [("token", 400, "northwind", "", described, 1)]


@pytest.mark.parametrize(
    ("key", "company", "expected"),
    [
        ("x" * 22, "northwind", ("disable", 404, "northwind", "", "not_found", 1)),
        ("x" * 22, "Ada.Lovelace", ("disable", 404, "", "", "not_found", 1)),
        (None, "unknown", ("disable", 404, "", "", "not_found", 1)),
    ],
)
def test_refused_disable_call_leaves_its_reason(
    connection: Connection, logged: list[Any], key: str | None, company: str, expected: Any
) -> None:
    key = key or PartnerConfiguration.load().disable_key
    Browser().delete(f"/smartrecruiters/{key}/integrations/companies/{company}")
    assert (listed(), said(logged)) == ([expected], [expected[:-1]])


def test_expired_token_names_its_company(smartrecruiters: APIClient, api: Api) -> None:
    get_access_token_model().objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert [smartrecruiters.post(ORDERS, order_body()).status_code, api("nonsense").post(ORDERS).status_code] == [
        401
    ] * 2
    assert listed() == [
        ("orders", 401, "northwind", "", "authentication_failed", 1),
        ("orders", 401, "", "", "authentication_failed", 1),
    ]


def test_engine_at_smartrecruiters_address_has_no_company(engine: APIClient) -> None:
    assert engine.get(PACKAGES).status_code == 403
    assert listed() == [("packages", 403, "", "", "insufficient_scope", 1)]


def test_nothing_that_was_sent_is_kept(smartrecruiters: APIClient, package: Package, logged: list[Any]) -> None:
    body = order_body(order_id=ORDER_ID, assessmentPackageId="canary-1", companyId="canary-2")
    body["candidate"] = "canary-3"
    smartrecruiters.post(ORDERS, body | {"completedAssessmentCallbackUrl": "https://canary-4 "})
    smartrecruiters.get(PACKAGES, headers={"requester": "canary-5"})
    smartrecruiters.get(f"{PACKAGES}/canary-6")
    Browser().post("/oauth/token", "grant_type=canary-7&client_id=canary-8", content_type=FORM)
    assert RefusedCall.objects.count() == 4
    assert "canary" not in str(list(RefusedCall.objects.values())) + str(said(logged))


def test_accepted_calls_and_faults_of_ours_are_not_listed(
    smartrecruiters: APIClient, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert smartrecruiters.post(ORDERS, order_body()).status_code == 202
    assert smartrecruiters.get(PACKAGES).status_code == 200
    monkeypatch.setattr("orders.intake.place", lambda **_: 1 / 0)
    assert smartrecruiters.post(ORDERS, order_body()).status_code == 500
    assert listed() == []


def test_refusal_is_answered_though_it_cannot_be_counted(
    smartrecruiters: APIClient, monkeypatch: pytest.MonkeyPatch, logged: list[Any]
) -> None:
    def fail(*_: object) -> None:
        raise DatabaseError("full")

    monkeypatch.setattr(refusals, "_count_calls", fail)
    assert smartrecruiters.post(ORDERS, {}).status_code == 400
    events = [line["event"] for line in logged if "refused" in line["event"]]
    assert events == ["call refused", "refused call not counted"]


def test_malformed_token_call_is_answered_without_a_database() -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("away")

    with database.execute_wrapper(fail):
        answer = Browser().post("/oauth/token", "client_id=a", content_type=FORM)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


# Bounds


def refuse(order: str = "o", errors: str = "x: invalid", company: str = "northwind", *, is_known: bool = True) -> None:
    refusals.record_refusal(Refusal("orders", 400, company, order, errors), is_authenticated=is_known)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MAX_ORDERS", 3)
    monkeypatch.setattr(refusals, "MAX_KINDS", 2)


def test_loop_over_orders_does_not_fill_the_table(small: None) -> None:
    for number in range(8):
        refuse(f"o-{number}")
    refuse("o-1")
    refuse("o-1", company="harbour-clinics")
    assert [(row[2], row[3], row[4], row[5]) for row in listed()] == [
        ("northwind", "o-0", "x: invalid", 1),
        ("northwind", "o-1", "x: invalid", 2),
        ("northwind", "o-2", "x: invalid", 1),
        ("northwind", "", "x: invalid", 5),
        ("harbour-clinics", "o-1", "x: invalid", 1),
    ]


def test_many_kinds_of_errors_do_not_fill_the_table(small: None) -> None:
    for number in range(6):
        refuse("", f"x{number}: invalid")
    assert [row[4:] for row in listed()] == [("x0: invalid", 1), ("x1: invalid", 1), ("", 4)]


def test_long_list_of_errors_is_cut(db: None) -> None:
    refuse(errors="x" * 600)
    refuse(errors="x" * 700)
    assert [row[4:] for row in listed()] == [("x" * 500, 2)]


def test_strangers_calls_are_gathered_before_they_are_written(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    now = [100.0]
    monkeypatch.setattr("integrations.api.refusals.time.monotonic", lambda: now[0])
    refuse("", company="", is_known=False)
    with django_assert_num_queries(0):
        for _ in range(9):
            refuse("", company="", is_known=False)
    assert [row[5] for row in listed()] == [1]
    now[0] += 1.5
    refuse("", company="", is_known=False)
    assert [row[5] for row in listed()] == [11]


def test_rows_are_deleted_thirty_days_after_the_last_call(db: None, time_machine: Any) -> None:
    time_machine.move_to("2026-11-01T10:00:00Z", tick=False)
    refuse("old")
    refuse("repeated")
    time_machine.move_to("2026-11-20T10:00:00Z", tick=False)
    refuse("repeated")
    time_machine.move_to("2026-12-02T10:00:00Z", tick=False)
    clear_expired()
    assert [(row[3], row[5]) for row in listed()] == [("repeated", 2)]


# Where staff see them


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_staff_see_counts_and_filter(staff_browser: Browser, connection: Connection) -> None:
    rows.make_refused_call()
    rows.make_refused_call(endpoint="packages", order_id="", errors="requester: invalid", count=5)
    rows.make_refused_call(
        endpoint="token", company_id="", order_id="", status=401, errors="invalid_client", count=1000
    )
    page = "/admin/integrations/refusedcall/"
    everything = text(staff_browser.get(page))
    signs = ("1,007 refused calls", "assessmentPackageId: required", "requester: invalid", "invalid_client", "order-1")
    assert [sign for sign in signs if sign not in everything] == []
    filters = {
        "endpoint__exact=packages": "5 refused calls",
        "status__exact=401": "1,000 refused calls",
        "company=northwind": "7 refused calls",
        "company=northwind&status__exact=401": "0 refused calls",
        "company=%3F": "1,000 refused calls",
        "company=harbour": "0 refused calls",
        "q=order-1": "2 refused calls",
        "q=northwind": "7 refused calls",
        "q=requester": "5 refused calls",
        "q=nothing": "0 refused calls",
    }
    assert [
        query for query, sign in filters.items() if f">{sign}<" not in text(staff_browser.get(f"{page}?{query}"))
    ] == []


def test_company_filter_offers_the_companies_with_most_refused_calls(staff_browser: Browser) -> None:
    for number in range(60):
        rows.make_refused_call(company_id=f"company-{number}", count=100 - number)
    page = "/admin/integrations/refusedcall/"
    most = {f"company-{number}" for number in range(50)} | {"?"}
    assert offered_companies(staff_browser.get(page)) == most
    assert offered_companies(staff_browser.get(f"{page}?company=company-55")) == most | {"company-55"}
    assert "1 refused call" not in text(staff_browser.get(f"{page}?company=company-55%00"))
    assert ">unknown caller<" in text(staff_browser.get(page))


def offered_companies(answer: Any) -> set[str]:
    return set(re.findall(r"[?&;]company=([^\"&]+)", answer.content.decode().replace("%3F", "?")))


def test_row_leads_to_the_connection(staff_browser: Browser, connection: Connection) -> None:
    row = rows.make_refused_call()
    shown = text(staff_browser.get(f"/admin/integrations/refusedcall/{row.pk}/change/"))
    assert f'<a href="/admin/integrations/connection/{connection.pk}/change/">northwind</a>' in shown


def test_metrics_count_refused_calls(settings: Any, db: None) -> None:
    settings.METRICS_TOKEN = "scrape-me"
    rows.make_refused_call()
    rows.make_refused_call(order_id="order-2", count=3)
    rows.make_refused_call(endpoint="token", status=401, company_id="")
    answer = Browser().get("/metrics", HTTP_AUTHORIZATION="Bearer scrape-me").content.decode()
    assert [line for line in answer.splitlines() if line.startswith("portal_refused_calls{")] == [
        'portal_refused_calls{endpoint="orders",status="400"} 5.0',
        'portal_refused_calls{endpoint="token",status="401"} 2.0',
    ]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"resultCallbackURL": "https://x/assessment-api/v1/orders/a-1/results"}, "a-1"),
        ({"resultCallbackURL": "https://x/orders/a_1/results"}, ""),
        ({"resultCallbackURL": None}, ""),
        ({}, ""),
        (None, ""),
        (b"\xff /orders/a-1/results", "a-1"),
        (json.dumps({"x": f"/orders/{'a' * 65}/results"}).encode(), ""),
    ],
)
def test_order_id_is_read_where_it_can_be(body: object, found: str) -> None:
    assert refusals.find_order_id(body) == found
