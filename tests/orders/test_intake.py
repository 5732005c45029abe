"""Orders from SmartRecruiters, over the real URL stack."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection as database
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from assessments.models import Package
from integrations.encryption import hash_token
from integrations.models import AuditEntry, Connection, RefusedCall
from integrations.outbox.models import Delivery, DeliveryState
from orders import results
from orders.models import Order, OrderEvent, Resource
from orders.privacy import erasure
from tests import rows
from tests.orders.bodies import CALLBACK, INLINE, INLINE_ORDERS, ORDERS, order_body

pytestmark = pytest.mark.django_db
ORDER_ID = "6f1c2a3b-0000-4000-8000-000000000001"


def errors(answer: Any) -> list[tuple[str, str]]:
    return [(error["code"], error.get("field", "")) for error in answer.json()["errors"]]


def test_order_is_kept_with_all_that_came(smartrecruiters: APIClient, package: Package, connection: Connection) -> None:
    body = order_body(order_id=ORDER_ID, fields={"seniority": "junior"}, priority=7)
    body["candidate"]["nickname"] = "Countess"
    answer = smartrecruiters.post(ORDERS, body)
    assert (answer.status_code, answer.json()) == (202, {})
    order = Order.objects.get()
    assert {name: getattr(order, name) for name in KEPT} == KEPT
    assert (order.connection, order.package, order.accepted_at, order.erased_at) == (connection, package, None, None)
    assert hash_token(order.link_token) == order.link_token_hash
    assert [(e.hop, e.what, e.by, e.detail) for e in OrderEvent.objects.all()] == [
        ("in", "Ordered: Package skills", "SmartRecruiters", {"inline": False})
    ]


KEPT = {
    "smartrecruiters_order_id": ORDER_ID,
    "result_callback_url": CALLBACK.format(ORDER_ID),
    "is_inline": False,
    "completed_callback_url": "",
    "candidate_id": "cand-1",
    "candidate_email": "ada@lovelace.example",
    "candidate_first_name": "Ada",
    "candidate_last_name": "Lovelace",
    "candidate_language": "en",
    "requester_user_id": "user-1",
    "requester_email": "ruth@northwind.example",
    "job_id": "job-1",
    "fields": {"seniority": "junior"},
    "unknown": {"candidate.nickname": "Countess", "priority": 7},
    "status": "",
    "launch_url": "",
}


def test_order_asks_for_candidate_job_and_team_and_invites(smartrecruiters: APIClient, package: Package) -> None:
    smartrecruiters.post(ORDERS, order_body())
    order = Order.objects.get()
    stream = order.connection.stream_name
    found = Delivery.objects.order_by("pk").values_list("kind", "stream__name", "key", "priority", "subject", "payload")
    assert list(found) == [
        ("candidate", stream, f"{order.pk}:candidate", 2, order.pk, {}),
        ("job", stream, f"{order.pk}:job", 2, order.pk, {}),
        ("hiring_team", stream, f"{order.pk}:hiring_team", 2, order.pk, {}),
        ("invitation", f"email:{order.connection.customer_id}", f"{order.pk}:invitation", 1, order.pk, {}),
    ]
    assert list(Resource.objects.order_by("kind").values_list("kind", "state")) == [
        ("candidate", "awaited"),
        ("hiring_team", "awaited"),
        ("job", "awaited"),
    ]


@pytest.mark.parametrize("address", [ORDERS, ORDERS + "/", INLINE_ORDERS, INLINE_ORDERS + "/"])
def test_inline_order_is_answered_with_the_candidates_link(
    smartrecruiters: APIClient, package: Package, address: str
) -> None:
    body = order_body(**INLINE)
    answers = [smartrecruiters.post(address, body) for _ in range(2)]
    order = Order.objects.get()
    url = f"{settings.PUBLIC_URL}/take/{order.link_token}"
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"url": url})] * 2
    assert (order.is_inline, order.completed_callback_url) == (True, INLINE["completedAssessmentCallbackUrl"])
    assert sorted(Delivery.objects.values_list("kind", flat=True)) == ["hiring_team", "job"]
    resource = Resource.objects.get(kind="candidate")
    assert (resource.state, resource.reason) == ("none", "Inline orders have no candidate id.")


def test_other_spelling_of_the_return_address_is_the_same_order(smartrecruiters: APIClient, package: Package) -> None:
    body = order_body(**INLINE)
    other = {("completeAssessmentCallbackUrl" if key.startswith("completed") else key): body[key] for key in body}
    assert smartrecruiters.post(ORDERS, body).json() == smartrecruiters.post(INLINE_ORDERS, other).json()
    assert Order.objects.count() == 1


def test_inline_address_wants_a_way_back(smartrecruiters: APIClient, package: Package) -> None:
    answer = smartrecruiters.post(INLINE_ORDERS, order_body())
    assert (answer.status_code, errors(answer)) == (400, [("required", "completedAssessmentCallbackUrl")])


def test_same_order_again_is_answered_the_same_and_kept_once(smartrecruiters: APIClient, package: Package) -> None:
    body = order_body()
    first = smartrecruiters.post(ORDERS, body)
    respelt = json.dumps({"new": 1, **dict(reversed(body.items()))}, indent=3)
    again = smartrecruiters.post(ORDERS, respelt, content_type="application/json; charset=utf-8")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert (Order.objects.count(), Delivery.objects.count(), OrderEvent.objects.count()) == (1, 4, 1)


def test_deprecated_job_id_says_the_same_as_the_job(smartrecruiters: APIClient, package: Package) -> None:
    body = order_body()
    assert smartrecruiters.post(ORDERS, body).status_code == 202
    body["jobId"] = body.pop("job")["id"]
    assert smartrecruiters.post(ORDERS, body).status_code == 202
    assert Order.objects.get().job_id == "job-1"


def test_job_goes_before_the_deprecated_job_id(smartrecruiters: APIClient, package: Package) -> None:
    smartrecruiters.post(ORDERS, order_body(jobId="job-2"))
    assert Order.objects.get().job_id == "job-1"


def test_same_order_after_a_result_and_after_retiring_is_answered_the_same(
    smartrecruiters: APIClient, package: Package
) -> None:
    body = order_body()
    smartrecruiters.post(ORDERS, body)
    results.report(Order.objects.get().pk, {"status": "COMPLETED"}, by="engine")
    Package.objects.update(retired_at=timezone.now())
    before = Delivery.objects.count()
    assert smartrecruiters.post(ORDERS, body).status_code == 202
    assert (Order.objects.get().status, Delivery.objects.count()) == ("COMPLETED", before)


def test_erased_order_again_stores_nothing(smartrecruiters: APIClient, package: Package) -> None:
    body = order_body()
    smartrecruiters.post(ORDERS, body)
    Order.objects.update(erased_at=timezone.now(), candidate_email="", candidate_first_name="")
    before = Delivery.objects.count()
    assert smartrecruiters.post(ORDERS, body).status_code == 202
    order = Order.objects.get()
    assert (order.candidate_email, order.candidate_first_name, Delivery.objects.count()) == ("", "", before)


@pytest.mark.parametrize(
    "change",
    [
        {"candidate": {"id": "cand-1", "email": "other@lovelace.example", "firstName": "Ada", "lastName": "Lovelace"}},
        {"assessmentPackageId": "video"},
        {"fields": {"seniority": "senior"}},
        {"completedAssessmentCallbackUrl": "https://jobs.smartrecruiters.com/back"},
    ],
)
def test_same_id_with_other_content_is_a_conflict(
    smartrecruiters: APIClient, package: Package, change: dict[str, Any]
) -> None:
    rows.make_package("video")
    smartrecruiters.post(ORDERS, order_body(order_id=ORDER_ID))
    digest = Order.objects.get().digest
    answer = smartrecruiters.post(ORDERS, order_body(order_id=ORDER_ID) | change)
    assert (answer.status_code, answer.json()["title"]) == (409, "Conflict")
    assert Order.objects.get().digest == digest


@pytest.mark.parametrize("is_erased", [False, True])
@pytest.mark.parametrize(
    "callback",
    [
        "https://api.smartrecruiters.com/assessment-api/v202010/orders/{}/results/",
        "https://API.SmartRecruiters.com/assessment-api/v202010/orders/{}/results",
        "https://api.smartrecruiters.com:443/assessment-api/v202010/orders/{}/results/",
        "https://api.smartrecruiters.com/assessment-api/v202110/orders/{}/results",
    ],
)
def test_callback_in_another_spelling_is_the_same_order(
    smartrecruiters: APIClient, package: Package, callback: str, is_erased: bool
) -> None:
    first = smartrecruiters.post(ORDERS, order_body(order_id=ORDER_ID))
    if is_erased:
        erasure.erase("ada@lovelace.example")
    again = smartrecruiters.post(ORDERS, order_body(order_id=ORDER_ID, resultCallbackURL=callback.format(ORDER_ID)))
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert Order.objects.get().result_callback_url == CALLBACK.format(ORDER_ID)


def test_callback_with_a_slash_first_and_without_it_next_is_the_same_order(
    smartrecruiters: APIClient, package: Package
) -> None:
    with_slash = order_body(resultCallbackURL=f"{CALLBACK.format(ORDER_ID)}/")
    bodies = (with_slash, order_body(order_id=ORDER_ID), with_slash)
    assert [smartrecruiters.post(ORDERS, body).status_code for body in bodies] == [202, 202, 202]
    assert Order.objects.count() == 1


def test_order_of_another_company_is_a_conflict(
    smartrecruiters: APIClient, package: Package, other_connection: Connection, api: Any
) -> None:
    smartrecruiters.post(ORDERS, order_body(order_id=ORDER_ID))
    other = api(rows.make_token(other_connection))
    answer = other.post(ORDERS, order_body(order_id=ORDER_ID, companyId="harbour-clinics"))
    assert answer.status_code == 409
    assert Order.objects.get().connection.company_id == "northwind"


def test_foreign_company_is_refused_and_written_down(
    smartrecruiters: APIClient, package: Package, other_connection: Connection
) -> None:
    answer = smartrecruiters.post(ORDERS, order_body(companyId="harbour-clinics"))
    assert answer.status_code == 403
    assert answer.json()["detail"] == "companyId is not this token's company."
    assert Order.objects.count() == 0
    found = AuditEntry.objects.values_list("action", "subject", "ip", "detail")
    assert list(found) == [("order.refused", "northwind", "127.0.0.1", {"claimed": "harbour-clinics"})]


@pytest.mark.parametrize(("action", "status"), [("order.refused", 403), ("order.conflict", 409)])
def test_refused_orders_of_a_valid_token_are_audited_once_a_minute(
    smartrecruiters: APIClient,
    package: Package,
    other_connection: Connection,
    api: Any,
    time_machine: Any,
    action: str,
    status: int,
) -> None:
    """Audit entries stay for ever. All refused calls are counted nevertheless."""
    time_machine.move_to(timezone.now(), tick=False)
    smartrecruiters.post(ORDERS, order_body(order_id=ORDER_ID))
    other = api(rows.make_token(other_connection))

    def place(number: int) -> int:
        company = f"foreign-{number}" if action == "order.refused" else "harbour-clinics"
        return int(other.post(ORDERS, order_body(order_id=ORDER_ID, companyId=company)).status_code)

    assert {place(number) for number in range(20)} == {status}
    assert AuditEntry.objects.filter(action=action, subject="harbour-clinics").count() == 1
    assert RefusedCall.objects.filter(status=status).aggregate(total=Sum("count"))["total"] == 20
    time_machine.move_to(timezone.now() + timedelta(seconds=61), tick=False)
    place(1)
    assert AuditEntry.objects.filter(action=action).count() == 2


@pytest.mark.parametrize("package_id", ["nothing", "../p1", "harbours-own", "Skills"])
def test_package_that_is_unknown_or_not_this_customers_is_not_found(
    smartrecruiters: APIClient, package: Package, other_connection: Connection, package_id: str
) -> None:
    rows.make_package("harbours-own", rules=({"customer": other_connection.customer},))
    answer = smartrecruiters.post(ORDERS, order_body(assessmentPackageId=package_id))
    assert (answer.status_code, answer.json()["detail"]) == (404, "No such assessment package.")
    assert Order.objects.count() == 0


def test_retired_package_is_ordered(smartrecruiters: APIClient, package: Package) -> None:
    Package.objects.update(retired_at=timezone.now())
    assert smartrecruiters.post(ORDERS, order_body()).status_code == 202


def test_package_without_invitation_invites_nobody(smartrecruiters: APIClient, package: Package) -> None:
    Package.objects.update(invite_candidate=False)
    smartrecruiters.post(ORDERS, order_body())
    assert not Delivery.objects.filter(kind="invitation").exists()


def test_order_of_an_automatic_step_has_no_requester(smartrecruiters: APIClient, package: Package) -> None:
    for number, requester in enumerate([None, {}, {"userId": None, "email": None}]):
        body = order_body(order_id=f"order-{number}", requester=requester)
        assert smartrecruiters.post(ORDERS, body).status_code == 202
    body = order_body(order_id="order-null") | {"requester": None, "job": None, "jobId": None, "fields": None}
    assert smartrecruiters.post(ORDERS, body).status_code == 202


@pytest.mark.parametrize("email", ["", "nobody", "a@b.example, c@d.example", "ada@lovelace", '"><script>@x.example'])
def test_unusable_email_address_is_kept(smartrecruiters: APIClient, package: Package, email: str) -> None:
    candidate = {"id": "cand-1", "email": email, "firstName": "Ada", "lastName": "Lovelace"}
    assert smartrecruiters.post(ORDERS, order_body(candidate=candidate)).status_code == 202
    assert Order.objects.get().candidate_email == email
    assert Delivery.objects.filter(kind="invitation", state=DeliveryState.PENDING).count() == 1


def test_candidate_without_an_address_is_accepted(smartrecruiters: APIClient, package: Package) -> None:
    assert smartrecruiters.post(ORDERS, order_body(candidate={"id": "cand-1"})).status_code == 202


@pytest.mark.parametrize(
    "name",
    ["O'Brien", "Zoë", "李小龍", "‮evil", "a​b", "👩‍🚀" * 20, "' OR 1=1--", "{{7*7}}", " x ", "<b>x</b>", "É" * 200],
)
def test_any_real_name_is_kept_as_it_came(smartrecruiters: APIClient, package: Package, name: str) -> None:
    candidate = {"id": "cand-1", "email": "a@b.example", "firstName": name, "lastName": name}
    assert smartrecruiters.post(ORDERS, order_body(candidate=candidate)).status_code == 202
    assert Order.objects.get().candidate_last_name == name


@pytest.mark.parametrize("identifier", ["../../users", "..", "x?y", "a b", "é", "x" * 200])
def test_id_that_may_not_stand_in_a_url_is_kept_and_not_asked_for(
    smartrecruiters: APIClient, package: Package, identifier: str
) -> None:
    candidate = {"id": identifier, "email": "a@b.example", "firstName": "Ada", "lastName": "Lovelace"}
    answer = smartrecruiters.post(ORDERS, order_body(candidate=candidate, job={"id": identifier}))
    assert answer.status_code == 202
    assert {resource.state for resource in Resource.objects.all()} == {"none"}
    assert all(
        resource.reason == "SmartRecruiters sent an id that cannot be part of a URL."
        for resource in Resource.objects.all()
    )
    assert list(Delivery.objects.values_list("kind", flat=True)) == ["invitation"]


BAD_CALLBACKS = [
    "",
    "x",
    "http://169.254.169.254/latest",
    "https://evil.example/assessment-api/v202010/orders/1/results",
    "https://api.smartrecruiters.com.evil.example/assessment-api/v202010/orders/1/results",
    "https://api.smartrecruiters.com@evil.example/assessment-api/v202010/orders/1/results",
    "http://127.0.0.1:1\\@api.smartrecruiters.com/assessment-api/v202010/orders/1/results",
    "https://www.smartrecruiters.com%2eevil.example/assessment-api/v202010/orders/1/results",
    "http://api.smartrecruiters.com/assessment-api/v202010/orders/1/results",
    "https://api.smartrecruiters.com:8443/assessment-api/v202010/orders/1/results",
    "https://u:p@api.smartrecruiters.com/assessment-api/v202010/orders/1/results",
    "https://api.smartrecruiters.com./assessment-api/v202010/orders/1/results",
    "https://api.smartrecruiters.com/assessment-api/v202010/orders/1/results#x",
    "https://api.smartrecruiters.com/assessment-api/v202010/orders/1/results?x=1",
    "https://api.smartrecruiters.com/assessment-api/v202010/partner/configuration",
    "https://api.smartrecruiters.com/assessment-api/v202010/orders/../../x/results",
    "https://api.smartrecruiters.com/assessment-api/v202010/orders/a_b/results",
    f"https://api.smartrecruiters.com/assessment-api/v202010/orders/{'a' * 65}/results",
]
BAD_RETURNS = [
    "",
    "x",
    "/relative",
    "//evil.example",
    "javascript:alert(1)",
    "http://www.smartrecruiters.com/x",
    "http://evil.example/",
    "https://www.smartrecruiters.com@evil.example",
    "https://ｗｗｗ.smartrecruiters.com/",
    "https://www.smartrecruiters.com/ü",
    "https://www.smartrecruiters.com/" + "x" * 8000,
    "https://www.smartrecruiters.com\\@evil.example/",
    "https://evil.example/\r\nSet-Cookie: x=1",
]
WRONG = [
    *(("resultCallbackURL", url, "resultCallbackURL") for url in BAD_CALLBACKS),
    *(("completedAssessmentCallbackUrl", url, "completedAssessmentCallbackUrl") for url in BAD_RETURNS),
    *(
        (key, value, key)
        for key in ("resultCallbackURL", "assessmentPackageId", "companyId")
        for value in (1, True, [])
    ),
    ("assessmentPackageId", "", "assessmentPackageId"),
    ("assessmentPackageId", "x" * 10_000, "assessmentPackageId"),
    ("assessmentPackageId", "a\nb", "assessmentPackageId"),
    ("companyId", "", "companyId"),
    ("candidate", [], "candidate"),
    ("candidate", "x", "candidate"),
    ("candidate", 5, "candidate"),
]


@pytest.mark.parametrize(("key", "value", "field"), WRONG)
def test_what_is_wrong_in_the_body_is_named(
    smartrecruiters: APIClient, package: Package, key: str, value: Any, field: str
) -> None:
    answer = smartrecruiters.post(ORDERS, order_body() | {key: value})
    assert (answer.status_code, [name for _, name in errors(answer)]) == (400, [field])
    assert answer["Content-Type"] == "application/problem+json"
    assert Order.objects.count() == 0


@pytest.mark.parametrize("missing", ["resultCallbackURL", "candidate", "assessmentPackageId", "companyId"])
def test_missing_key_is_named(smartrecruiters: APIClient, package: Package, missing: str) -> None:
    answer = smartrecruiters.post(ORDERS, order_body(**{missing: None}))
    assert (answer.status_code, errors(answer)) == (400, [("required", missing)])


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b"[" * 60_000, "application/json", 400),
        (b'{"a": 1e999}', "application/json", 400),
        (b'{"a": "\\u0000"}', "application/json", 400),
        (b'{"a": "\\ud800"}', "application/json", 400),
        (b'{"a": 1, "a": 2}', "application/json", 400),
        (b'{"a": NaN}', "application/json", 400),
        (b" " * 65_537, "application/json", 413),
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
    ],
)
def test_body_that_is_no_json_object_is_refused(
    smartrecruiters: APIClient, package: Package, body: bytes, kind: str, status: int
) -> None:
    answer = smartrecruiters.generic("POST", ORDERS, body, content_type=kind)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("address", [ORDERS, ORDERS + "/", INLINE_ORDERS, INLINE_ORDERS + "/"])
def test_other_methods_are_not_for_orders(smartrecruiters: APIClient, method: str, address: str) -> None:
    answer = smartrecruiters.generic(method, address)
    assert (answer.status_code, answer["Allow"]) == (405, "POST, OPTIONS")


def test_order_needs_a_token_with_the_scope(api: Any, connection: Connection, package: Package) -> None:
    assert api(None).post(ORDERS, order_body()).status_code == 401
    assert api("nonsense").post(ORDERS, order_body()).status_code == 401
    narrow = rows.make_token(connection, scope="packages_view")
    assert api(narrow).post(ORDERS, order_body()).status_code == 403
    assert api(rows.make_token()).post(ORDERS, order_body()).status_code == 403
    assert Order.objects.count() == 0


def test_unknown_keys_are_kept_up_to_a_bound(smartrecruiters: APIClient, package: Package) -> None:
    assert smartrecruiters.post(ORDERS, order_body(small=1, large="x" * 9000, after=2)).status_code == 202
    assert Order.objects.get().unknown == {"small": 1}


def test_order_takes_a_statement_per_table_and_a_repeat_no_more(smartrecruiters: APIClient, package: Package) -> None:
    smartrecruiters.post(ORDERS, order_body())
    body = order_body()
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(database) as queries:
            smartrecruiters.post(ORDERS, body)
        counts.append(len(queries))
    assert counts == [9, 7]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)
KEYS = [*order_body(), "jobId", "fields", "completedAssessmentCallbackUrl", "x"]


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(changes=st.dictionaries(st.sampled_from(KEYS), JSON, min_size=1, max_size=3))
def test_no_body_breaks_us(smartrecruiters: APIClient, package: Package, changes: dict[str, Any]) -> None:
    answer = smartrecruiters.generic("POST", ORDERS, json.dumps(order_body() | changes), "application/json")
    assert answer.status_code in (200, 202, 400, 403, 404)
