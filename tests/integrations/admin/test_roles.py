"""Access of each staff role. A permission that is not listed belongs to administrators."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from integrations.models import AuditEntry, Client, Connection, PartnerConfiguration, User
from integrations.outbox.models import Attempt, Delivery
from integrations.roles import StaffRole
from orders import attachments
from orders.models import Order
from tests import rows
from tests.orders.bodies import place_order
from tests.orders.test_attachments import PDF

pytestmark = pytest.mark.django_db
ROLES = ("viewer", "support", "administrator")


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def signed_in(role: str) -> Browser:
    browser = Browser()
    browser.force_login(rows.make_user(None, f"{role}@vendor.example", role=role))
    return browser


@pytest.fixture
def order(connection: Connection) -> Order:
    rows.make_package("skills")
    return place_order(connection)


@pytest.fixture
def delivery(order: Order) -> Delivery:
    """Return a failed delivery with the candidate's name in request and response."""
    delivery = Delivery.objects.filter(subject=order.pk).first()
    assert delivery is not None
    Delivery.objects.filter(pk=delivery.pk).update(state="failed", payload={"note": "Ada Lovelace"})
    Attempt.objects.create(
        delivery=delivery,
        number=1,
        started_at=timezone.now(),
        outcome="failed",
        request={"method": "PATCH", "url": "/orders", "body": {"name": "Ada Lovelace"}},
        response="Ada Lovelace is not here",
    )
    return delivery


def page_of(row: Any) -> str:
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return reverse(name, args=[re.sub("_", "_5F", str(row.pk))])


# What each sees


@pytest.mark.parametrize(("role", "sees"), [("viewer", False), ("support", True), ("administrator", True)])
def test_candidate_is_seen_by_role(role: str, sees: bool, order: Order, delivery: Delivery) -> None:
    browser = signed_in(role)
    pages = [page_of(order), page_of(delivery), "/admin/orders/order/"]
    shown = "".join(text(browser.get(page)) for page in pages)
    assert [each in shown for each in ("Lovelace", order.candidate_email)] == [sees, sees]
    assert ("Only support and administrators see scores" in shown) is not sees


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("support", 200), ("administrator", 200)])
def test_report_is_opened_by_role(role: str, status: int, order: Order) -> None:
    attachment, _ = attachments.add_file(order.pk, PDF, name="report.pdf", by="engine")
    answer = signed_in(role).get(f"/admin/orders/order/{order.pk}/attachments/{attachment.pk}/")
    assert answer.status_code == status


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("support", 302), ("administrator", 302)])
def test_order_is_sought_by_the_candidates_address_by_role(role: str, status: int, order: Order) -> None:
    assert signed_in(role).post("/admin/orders/order/find/", {"q": order.candidate_email}).status_code == status


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("q=ada@candidates.example", 200),
        ("candidate_email__startswith=a", 400),
        ("candidate_last_name=Lovelace", 400),
        ("fields__x=1", 400),
    ],
)
def test_viewer_finds_no_order_by_what_is_hidden(query: str, status: int, order: Order) -> None:
    Order.objects.update(candidate_email="ada@candidates.example", candidate_last_name="Lovelace")
    answer = signed_in("viewer").get(f"/admin/orders/order/?{query}")
    assert (answer.status_code, order.pk in text(answer)) == (status, False)


def test_viewer_finds_no_delivery_by_what_it_carried(delivery: Delivery) -> None:
    assert signed_in("viewer").get("/admin/outbox/delivery/?payload__note__startswith=Ada").status_code == 400


@pytest.mark.parametrize("role", ROLES)
def test_no_page_shows_a_secret(role: str, connection: Connection, settings: Any) -> None:
    settings.SMARTRECRUITERS_CLIENT_ID = ""
    row = PartnerConfiguration.load()
    row.master_client_id, row.master_client_secret = "the-master", "the-master-secret"
    row.save()
    browser = signed_in(role)
    shown = "".join(text(browser.get(page_of(each))) for each in (row, connection))
    found = ("the-master-secret", "their-secret-northwind", row.disable_key)
    assert [each in shown for each in found] == [False, False, False]


# What each does


ACTS = {
    "administrator": {
        "accept",
        "erase",
        "export",
        "replay",
        "retry",
        "disconnect",
        "move",
        "reports-uploaded",
        "reports-linked",
    },
    "support": {"accept", "export", "replay", "retry"},
    "viewer": set(),
}


@pytest.mark.parametrize("role", ROLES)
def test_acts_are_offered_and_done_by_role(role: str, order: Order, delivery: Delivery) -> None:
    Connection.objects.update(state="needs_reconnect")
    browser = signed_in(role)
    rows_shown = (order, delivery, order.connection)
    offered = {name for row in rows_shown for name in re.findall(r"/act/([a-z-]+)/", text(browser.get(page_of(row))))}
    assert offered == ACTS[role]
    pages = {
        name: f"{page_of(row).removesuffix('change/')}act/{name}/"
        for row, names in zip(
            rows_shown, (("accept", "erase", "export"), ("replay",), ("retry", "disconnect", "move")), strict=True
        )
        for name in names
    }
    done = {name: browser.get(page).status_code for name, page in pages.items()}
    assert done == {name: 200 if name in ACTS[role] else 403 for name in pages}


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("support", 302), ("administrator", 302)])
def test_result_is_reported_by_role(role: str, status: int, order: Order) -> None:
    answer = signed_in(role).post(f"/admin/orders/order/{order.pk}/report/", {"status": "IN_PROGRESS"})
    order.refresh_from_db()
    assert (answer.status_code, order.status) == (status, "IN_PROGRESS" if status == 302 else "")


@pytest.mark.parametrize(("role", "states"), [("viewer", {"failed"}), ("support", {"pending"})])
def test_replay_in_bulk_by_role(role: str, states: set[str], delivery: Delivery) -> None:
    form = {"action": "replay", "_selected_action": [delivery.pk], "confirmed": "yes"}
    signed_in(role).post("/admin/outbox/delivery/", form)
    delivery.refresh_from_db()
    assert {delivery.state} == states


@pytest.mark.parametrize(
    "page",
    [
        "/admin/integrations/user/add/",
        "/admin/integrations/customer/add/",
        "/admin/integrations/client/add/",
        "/admin/assessments/package/add/",
        "/admin/assessments/package/import/",
    ],
)
def test_adding_is_an_administrators(page: str) -> None:
    assert [signed_in(role).get(page).status_code for role in ROLES] == [403, 403, 200]


def test_configuration_is_an_administrators(connection: Connection) -> None:
    at = "/admin/integrations/partnerconfiguration"
    for role in ("viewer", "support"):
        browser = signed_in(role)
        before = PartnerConfiguration.load().display_mode
        posts = [f"{at}/publish/", f"{at}/compare/", page_of(PartnerConfiguration.load())]
        assert [browser.post(page, {"display_mode": "POPUP"}).status_code for page in posts] == [403, 403, 403]
        assert PartnerConfiguration.load().display_mode == before


def test_nobody_raises_himself() -> None:
    for role in ("viewer", "support"):
        browser = signed_in(role)
        me = User.objects.get(email=f"{role}@vendor.example")
        for page in (page_of(me), page_of(me).replace("/change/", "/act/send-password-link/")):
            form = {"email": me.email, "staff_role": "administrator"}
            assert browser.post(page, form).status_code == 403
        me.refresh_from_db()
        assert me.staff_role == role


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("support", 200), ("administrator", 200)])
def test_audit_is_read_by_role(role: str, status: int) -> None:
    assert signed_in(role).get("/admin/integrations/auditentry/").status_code == status


@pytest.mark.parametrize("role", ROLES)
def test_every_list_and_page_opens_for_whom_it_is_offered(role: str, order: Order, delivery: Delivery) -> None:
    rows.make_client()
    browser = signed_in(role)
    models = [model for model in admin.site._registry if role != "viewer" or model is not AuditEntry]
    lists = [reverse(f"admin:{each._meta.app_label}_{each._meta.model_name}_changelist") for each in models]
    assert {page: browser.get(page, follow=True).status_code for page in lists} == dict.fromkeys(lists, 200)
    found = [row for model in models if (row := model.objects.first()) and model is not Client]  # type: ignore[attr-defined]
    assert {str(row): browser.get(page_of(row)).status_code for row in found} == {str(row): 200 for row in found}


def test_person_without_a_role_may_nothing(alice: User) -> None:
    assert (alice.has_perm("orders.view_order"), alice.has_module_perms("orders")) == (False, False)


def test_permission_that_nobody_names_is_an_administrators() -> None:
    people = [rows.make_user(None, f"{role}@vendor.example", role=role) for role in StaffRole.values]
    assert [each.has_perm("orders.fly_order") for each in people] == [False, False, True]
    User.objects.update(is_active=False)
    assert [each.has_perm("orders.view_order") for each in User.objects.all()] == [False] * 3
