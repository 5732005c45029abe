"""Every page of admin: there for staff, closed to everybody else, and without a secret."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from assessments.models import Package
from integrations import incidents
from integrations.audit import Actor
from integrations.models import (
    AuditEntry,
    Client,
    CompanyClaim,
    ConnectAttempt,
    Connection,
    Consent,
    Customer,
    FormerSecret,
    Incident,
    IncidentKind,
    Invitation,
    PartnerConfiguration,
    RefusedCall,
    User,
    Webhook,
)
from integrations.oauth import engine_clients
from integrations.outbox import deliveries
from integrations.outbox.models import Attempt, Delivery, Stream
from orders.models import Order
from tests import rows

pytestmark = pytest.mark.django_db

MODELS = (
    AuditEntry, Client, Connection, Consent, Customer, PartnerConfiguration, User, Delivery, Stream, Package, Order,
    CompanyClaim, Incident, Invitation, RefusedCall, Webhook,
)  # fmt: skip
MAY_BE_ADDED = {Client, Customer, User, Package}
CANARY = "canary-4711"


@pytest.fixture
def world(connection: Connection, staff: User) -> dict[type[Model], Model]:
    """Create a row of everything, each secret a canary."""
    connection.their_client_secret = connection.access_token = f"{CANARY}-theirs"
    connection.save()
    configuration = PartnerConfiguration.load()
    configuration.master_client_secret = configuration.master_token = f"{CANARY}-master"
    configuration.disable_key = f"{CANARY}-disable"
    configuration.save()
    engine, _ = engine_clients.create_client("production", actor=Actor(staff))
    consent = Consent.objects.create(key=f"{CANARY}-consent", company_id="northwind", mode="REDIRECT")
    client, _ = rows.make_client(connection)
    attempt = ConnectAttempt(connection=connection, consent=consent, client=client, client_id_sent="sent")
    attempt.client_secret = f"{CANARY}-ours"
    attempt.save()
    webhook = Webhook(client=engine, url="https://engine.example/hook", events=["order.created"])
    webhook.secret = f"{CANARY}-webhook"
    webhook.save()
    former = FormerSecret(webhook=webhook, expires_at=timezone.now() + timedelta(days=1))
    former.secret = f"{CANARY}-webhook-former"
    former.save()
    invitation = Invitation(customer=connection.customer, email="dora@northwind.example", link_token_hash="0" * 64)
    invitation.link_token = f"{CANARY}-invitation"
    invitation.save()
    package = rows.make_package(assessments=("basics",), rules=({"country": "DE"},))
    order = Order(
        connection=connection,
        package=package,
        smartrecruiters_order_id="0b8e3c2e",
        digest="d",
        result_callback_url="https://api.smartrecruiters.com/assessment-api/v202010/orders/0b8e3c2e/results",
        candidate_email="jane@mail.example",
        link_token_hash=f"{CANARY}-hash",
    )
    order.link_token = f"{CANARY}-link"
    order.save()
    delivery = deliveries.enqueue("result", stream=connection.stream_name, key="k", payload={}, subject=order.pk)
    Attempt.objects.create(delivery=delivery, number=1, started_at=timezone.now())
    return {
        AuditEntry: AuditEntry.objects.all()[0],
        Client: engine,
        CompanyClaim: rows.make_claim(connection.customer, "northwind-2"),
        Connection: connection,
        Consent: consent,
        Customer: connection.customer,
        Incident: incidents.record_incident(IncidentKind.COMPANY_CLASH, "northwind-2", connection.customer),
        Invitation: invitation,
        PartnerConfiguration: configuration,
        User: staff,
        Delivery: delivery,
        Stream: delivery.stream,
        Package: package,
        RefusedCall: rows.make_refused_call(),
        Order: order,
        Webhook: webhook,
    }


def pages(world: dict[type[Model], Model]) -> dict[str, int]:
    """Return each page of each model with the status for a superuser."""
    found = {"/admin/": 200, "/admin/password_change/": 302}
    for model, row in world.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found |= {
            reverse(f"{name}_changelist"): 302 if model is PartnerConfiguration else 200,
            reverse(f"{name}_add"): 200 if model in MAY_BE_ADDED else 403,
            reverse(f"{name}_change", args=[quote(row.pk)]): 200,
            reverse(f"{name}_history", args=[quote(row.pk)]): 200,
        }
    return found


def test_admin_registers_what_this_house_wrote_and_nothing_else() -> None:
    assert set(admin.site._registry) == set(MODELS)


def test_admin_pages_are_there_for_staff(staff_browser: Browser, world: dict[type[Model], Model]) -> None:
    expected = pages(world)
    assert {url: staff_browser.get(url).status_code for url in expected} == expected


def test_admin_pages_lead_customers_home(alice: User, world: dict[type[Model], Model]) -> None:
    browser = Browser()
    browser.force_login(alice)
    answers = {url: browser.get(url) for url in pages(world)}
    assert {url: (answer.status_code, answer.headers.get("Location", "")) for url, answer in answers.items()} == {
        url: (302, f"/admin/login/?next={url}") for url in answers
    }
    assert browser.get("/admin/login/?next=/admin/")["Location"] == reverse("home")
    assert "That page is for staff only." in browser.get(reverse("home")).content.decode()


def test_admin_pages_send_strangers_to_sign_in(world: dict[type[Model], Model]) -> None:
    answers = [Browser().get(url) for url in pages(world)]
    assert {answer.status_code for answer in answers} == {302}
    assert Browser().get("/admin/login/?next=/admin/")["Location"].startswith("/accounts/login/")


def test_admin_pages_show_no_secret(staff_browser: Browser, world: dict[type[Model], Model], staff: User) -> None:
    texts = {url: staff_browser.get(url).content.decode() for url in pages(world)}
    hashes = [Client.objects.values_list("client_secret", flat=True)[0], staff.password, "srp_"]
    sealed = [value for row in world.values() for name, value in vars(row).items() if name.endswith("_sealed")]
    secrets = [CANARY, *hashes, *filter(None, sealed)]
    assert [(url, secret) for url, text in texts.items() for secret in secrets if secret in text] == []


def test_admin_cannot_be_searched_by_a_secret(staff_browser: Browser, world: dict[type[Model], Model]) -> None:
    digest = Client.objects.filter(connection=None).values_list("client_secret", flat=True)[0]
    assert "production" not in staff_browser.get("/admin/integrations/client/", {"q": digest}).content.decode()
    for lookup in ("client_secret__startswith", "connection__access_token_sealed__startswith"):
        assert staff_browser.get("/admin/integrations/client/", {lookup: "s"}).status_code == 400


def test_admin_pages_carry_no_inline_style_or_script(staff_browser: Browser, world: dict[type[Model], Model]) -> None:
    texts = {url: staff_browser.get(url).content.decode() for url in pages(world)}
    signs = (" style=", " onclick=", "<style", "<script>")
    found = [(url, sign) for url, text in texts.items() for sign in signs if sign in text]
    assert found == []


def test_admin_takes_no_change_of_rows_that_are_only_read(
    staff_browser: Browser, world: dict[type[Model], Model]
) -> None:
    before: Any = list(LogEntry.objects.values())
    for model in (AuditEntry, Connection, Consent, Delivery, Stream, Webhook):
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[world[model].pk])
        assert staff_browser.post(url, {"state": "live"}).status_code == 403
        assert staff_browser.post(url.replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    assert list(LogEntry.objects.values()) == before


def test_breadcrumbs_call_rows_as_the_sidebar_does(staff_browser: Browser, alice: User) -> None:
    page = " ".join(staff_browser.get(f"/admin/integrations/user/{alice.pk}/change/").content.decode().split())
    assert '<a href="/admin/integrations/user/">People</a>' in page
    assert "Users" not in page


def test_every_page_has_a_menu_and_leads_to_the_own_account(staff_browser: Browser, staff: User) -> None:
    page = " ".join(staff_browser.get("/admin/orders/order/").content.decode().split())
    [menu] = re.findall('<details class="menu">(.*?)</details>', page)
    assert '<a href="/admin/orders/order/" aria-current="page">Orders</a>' in menu
    for place in ("/admin/", "/accounts/2fa/", "/admin/outbox/delivery/", "/admin/integrations/customer/"):
        assert f'<a href="{place}">' in menu
    assert (
        '<a class="who" href="/accounts/2fa/" title="Your account: two-factor authentication, password, sessions">'
        f"{staff.name}</a>" in page
    )
    assert '<details class="menu">' not in staff_browser.get("/admin/orders/order/?_popup=1").content.decode()


@pytest.mark.parametrize("model", [model for model in MODELS if model not in (AuditEntry, PartnerConfiguration, User)])
def test_empty_list_says_what_appears_there_and_counts_nothing(staff_browser: Browser, model: type[Model]) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    page = " ".join(staff_browser.get(url).content.decode().split())
    [said] = re.findall('class="empty">(.*?)</', page)
    assert ("No matches" in said, 'class="paginator"' in page, "Show all" in page) == (False, False, False)
    found = " ".join(staff_browser.get(f"{url}?q=nothing").content.decode().split())
    has_search = 'id="searchbar"' in page
    assert ("No matches." in found, '<a href="?">show all</a>' in found) == (has_search, has_search)
