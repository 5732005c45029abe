"""Hostile orders (O2, O10, O16, O32 and O39 in tests/reliability/README.md)."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from assessments.models import Package
from integrations.models import AssessmentType, AuditEntry, Connection
from orders.models import Order
from tests import rows
from tests.conftest import Api
from tests.hostile import ODD_TEXTS
from tests.orders.bodies import ORDERS, order_body

pytestmark = pytest.mark.django_db
PACKAGES = "/smartrecruiters/packages"


def test_keys_that_would_be_columns_have_no_effect(smartrecruiters: APIClient, package: Package) -> None:
    """O16."""
    names = (
        "id",
        "pk",
        "status",
        "score",
        "connection",
        "connection_id",
        "customer",
        "package_id",
        "link_token",
        "digest",
    )
    sent = dict.fromkeys((*names, "accepted_at", "erased_at", "is_inline", "__proto__", "constructor"), "evil")
    inside = order_body()["candidate"] | {"is_staff": True, "__class__": "x"}
    assert smartrecruiters.post(ORDERS, order_body(candidate=inside) | sent).status_code == 202
    order = Order.objects.get()
    assert "evil" not in (order.pk, order.status, order.link_token, order.digest, order.package_id)
    assert (order.connection.company_id, order.accepted_at, order.erased_at, order.is_inline) == (
        "northwind",
        None,
        None,
        False,
    )
    assert order.unknown == sent | {"candidate.is_staff": True, "candidate.__class__": "x"}


def test_conflict_is_written_down_and_tells_nothing_of_the_other_order(
    smartrecruiters: APIClient, package: Package, other_connection: Connection, api: Api
) -> None:
    """O8, O10."""
    body = order_body()
    smartrecruiters.post(ORDERS, body)
    before = list(Order.objects.values())
    theirs = api(rows.make_token(other_connection)).post(ORDERS, body | {"companyId": "harbour-clinics"})
    own = smartrecruiters.post(ORDERS, body | {"fields": {"x": "y"}})
    assert [theirs.status_code, own.status_code] == [409, 409]
    assert [sign for sign in ("northwind", "lovelace", before[0]["id"]) if sign in theirs.content.decode()] == []
    assert list(Order.objects.values()) == before
    entries = AuditEntry.objects.filter(action="order.conflict").order_by("pk")
    order_id = before[0]["smartrecruiters_order_id"]
    assert [(entry.subject, entry.detail["order"]) for entry in entries] == [
        ("harbour-clinics", order_id),
        ("northwind", order_id),
    ]


@pytest.mark.parametrize("said", ODD_TEXTS)
def test_text_is_kept_letter_by_letter(
    smartrecruiters: APIClient, package: Package, engine: APIClient, said: str
) -> None:
    """O26, O27: and the engine gets it as it came."""
    candidate = {"id": "cand-1", "email": "ada@lovelace.example", "firstName": said, "lastName": said}
    answer = smartrecruiters.post(ORDERS, order_body(candidate=candidate, fields={"note": said}))
    assert answer.status_code == 202
    order = engine.get("/api/vendor/v1/orders").json()["results"][0]
    assert (order["candidate"]["first_name"], order["candidate"]["last_name"], order["fields"]) == (
        said,
        said,
        {"note": said},
    )


def test_requester_of_another_customer_or_of_ours_widens_no_list(
    smartrecruiters: APIClient, other_customer: Any, charlie: Any, staff: Any
) -> None:
    """O32."""
    rows.make_package("open")
    rows.make_package("theirs", rules=({"customer": other_customer},))
    rows.make_package("charlies", rules=({"customer": other_customer, "requester": charlie.email},))
    for email in (charlie.email, staff.email, "root@localhost.example", "%", "@harbour.example"):
        answer = smartrecruiters.get(PACKAGES, HTTP_REQUESTER=email)
        found = answer.json() if answer.status_code == 200 else []
        assert {package["id"] for package in found} <= {"open"}


def test_list_of_five_thousand_packages_is_valid_and_quick(smartrecruiters: APIClient) -> None:
    """O39: control characters, an unknown type in the database, and many."""
    kinds = [*AssessmentType.values, "NO_SUCH_TYPE"]
    Package.objects.bulk_create(
        Package(
            id=f"p-{number}", name=f"P {number} \x07\u2028", type=kinds[number % len(kinds)], description="d\x00"[:1]
        )
        for number in range(5000)
    )
    answer = smartrecruiters.get(PACKAGES)
    found = answer.json()
    assert (answer.status_code, {package["type"] for package in found}) == (200, set(AssessmentType.values))
    assert len(found) == sum(number % len(kinds) != len(kinds) - 1 for number in range(5000))
