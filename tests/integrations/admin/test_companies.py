"""Companies and incidents in the admin: confirm on the overview, on the claim's page, and from the customer's page."""

import re
from typing import Any

import pytest
from django.test import Client as Browser

from config.admin import overview
from integrations.connections.lifecycle import CompanyTakenError
from integrations.models import (
    AuditEntry,
    ClaimState,
    CompanyClaim,
    ConnectAttempt,
    Connection,
    Customer,
    Incident,
    User,
)
from tests import rows
from tests.integrations.connections.claims.test_ownership import approve
from tests.integrations.connections.test_consent import text

pytestmark = pytest.mark.django_db


def get_claim(person: User) -> CompanyClaim:
    return CompanyClaim.objects.get(customer=person.customers.get())


def act_url(claim: CompanyClaim, name: str) -> str:
    return f"/admin/integrations/companyclaim/{claim.pk}/act/{name}/"


def messages(answer: Any) -> list[str]:
    return re.findall(r'<li class="(?:success|error|warning)">(.*?)</li>', text(answer))


def test_request_is_confirmed_by_one_click_on_the_overview(
    staff_browser: Browser, alice: User, other_customer: Customer
) -> None:
    approve(alice)
    claim = get_claim(alice)
    page = text(staff_browser.get("/admin/"))
    assert "Northwind Retail asks to connect the company northwind." in page
    assert f'action="{act_url(claim, "confirm")}"' in page
    assert "Confirm for Northwind Retail</button>" in page
    answer = staff_browser.post(act_url(claim, "confirm"), follow=True)
    assert messages(answer) == [
        "The company northwind belongs to Northwind Retail now. "
        "The exchange of credentials with SmartRecruiters has started."
    ]
    assert (ConnectAttempt.objects.count(), overview.list_issues()) == (1, [])


def test_two_requests_stand_on_the_overview_with_a_warning_and_a_button_each(
    staff_browser: Browser, alice: User, charlie: User
) -> None:
    approve(charlie), approve(alice)
    first, second, *clashes = overview.list_issues()
    assert first.message == (
        "Harbour Clinics asks to connect the company northwind. Northwind Retail claims it, too: find out whose it is."
    )
    assert (second.action_text, second.action_url) == (
        *("Confirm for Northwind Retail", act_url(get_claim(alice), "confirm")),
    )
    assert [clash.message for clash in clashes] == [
        f"{name} tried to connect the company northwind, which another customer claims, too."
        for name in ("Harbour Clinics", "Northwind Retail")
    ]
    assert text(staff_browser.get("/admin/")).count("Confirm for ") == 2


@pytest.mark.parametrize("role", ["viewer", "support"])
def test_others_of_the_staff_see_the_request_and_no_button(
    client: Browser, alice: User, other_customer: Customer, role: str
) -> None:
    client.force_login(rows.make_user(None, "sam@vendor.example", role=role))
    approve(alice)
    page = text(client.get("/admin/"))
    assert ("asks to connect the company northwind" in page, "Confirm for" in page) == (True, False)
    assert client.post(act_url(get_claim(alice), "confirm")).status_code == 403
    assert get_claim(alice).state == ClaimState.WAITING


def test_page_from_the_mail_says_what_confirming_does(staff_browser: Browser, alice: User, charlie: User) -> None:
    approve(charlie), approve(alice)
    page = text(staff_browser.get(act_url(get_claim(alice), "confirm")))
    assert re.findall(r"<li>(.*?)</li>", page.partition("What will happen:")[2].partition("</ul>")[0]) == [
        "The company northwind belongs to Northwind Retail: no other customer can connect it.",
        "alice@northwind.example approved the connection. The exchange of credentials with SmartRecruiters starts now.",
        "The request of Harbour Clinics for the same company is denied.",
        "The administrators of the customers get an email.",
    ]


def test_page_of_a_request_names_who_asked_and_who_else_does(
    staff_browser: Browser, alice: User, charlie: User
) -> None:
    approve(charlie), approve(alice)
    claim = get_claim(alice)
    page = text(staff_browser.get(f"/admin/integrations/companyclaim/{claim.pk}/change/"))
    assert [
        each in page for each in (alice.email, "Harbour Clinics", "https://careers.smartrecruiters.com/northwind")
    ] == [True] * 3
    assert [name for name in ("confirm", "deny", "unassign") if act_url(claim, name) in page] == ["confirm", "deny"]


def test_request_is_denied(staff_browser: Browser, alice: User, other_customer: Customer) -> None:
    approve(alice)
    answer = staff_browser.post(act_url(get_claim(alice), "deny"), follow=True)
    assert messages(answer) == ["The request of Northwind Retail was denied."]
    assert (get_claim(alice).state, overview.list_issues()) == (ClaimState.DENIED, [])


def test_request_that_was_withdrawn_meanwhile_is_gone(
    staff_browser: Browser, alice: User, other_customer: Customer
) -> None:
    approve(alice)
    url = act_url(get_claim(alice), "confirm")
    CompanyClaim.objects.all().delete()
    assert staff_browser.post(url).status_code == 404
    assert Connection.objects.count() == 0


def test_request_whose_company_another_customer_connected_meanwhile_is_not_confirmed(
    staff_browser: Browser, alice: User, charlie: User
) -> None:
    approve(charlie)
    rows.make_connection(alice.customers.get(), "northwind")
    answer = staff_browser.post(act_url(get_claim(charlie), "confirm"), follow=True)
    assert messages(answer) == [
        "The company northwind belongs to Northwind Retail. Nothing was changed. "
        "If that is wrong, use “Move to another customer” on the page of its connection."
    ]
    assert get_claim(charlie).state == ClaimState.WAITING


def test_company_is_assigned_on_the_customer_s_page(
    staff_browser: Browser, staff: User, alice: User, other_customer: Customer
) -> None:
    customer = alice.customers.get()
    page = f"/admin/integrations/customer/{customer.pk.replace('_', '_5F')}"
    assert f"{page}/assign/" in text(staff_browser.get(f"{page}/change/"))
    answer = staff_browser.post(f"{page}/assign/", {"company_id": " northwind "}, follow=True)
    assert messages(answer) == [
        "The company northwind belongs to Northwind Retail now. "
        "The customer’s administrators can connect it from SmartRecruiters."
    ]
    assert ">northwind</a>" in text(answer)
    entry = AuditEntry.objects.get(action="company.assigned")
    assert (entry.actor, entry.subject, entry.detail) == (staff, "northwind", {"customer": customer.pk})
    assert approve(alice) is not None


@pytest.mark.parametrize(
    ("company", "error"),
    [
        ("", "This field is required."),
        ("..", "This is no company id: use letters, digits, “.”, “_” and “-” only."),
        ("a/b", "This is no company id: use letters, digits, “.”, “_” and “-” only."),
        ("x" * 65, "Ensure this value has at most 64 characters (it has 65)."),
        ("harbour-clinics", "The company harbour-clinics belongs to Harbour Clinics. Nothing was changed."),
        ("Harbour-Clinics", "The company Harbour-Clinics belongs to Harbour Clinics. Nothing was changed."),
    ],
)
def test_company_that_is_none_or_belongs_to_another_is_not_assigned(
    staff_browser: Browser, customer: Customer, other_connection: Connection, company: str, error: str
) -> None:
    page = f"/admin/integrations/customer/{customer.pk.replace('_', '_5F')}/assign/"
    answer = staff_browser.post(page, {"company_id": company})
    assert (answer.status_code, error in text(answer)) == (200, True)
    assert CompanyClaim.objects.count() == 0


def test_assignment_is_taken_back_until_it_is_used(
    staff_browser: Browser, alice: User, other_customer: Customer
) -> None:
    claim = rows.make_claim(alice.customers.get(), state=ClaimState.ASSIGNED)
    page = f"/admin/integrations/companyclaim/{claim.pk}/change/"
    assert act_url(claim, "unassign") in text(staff_browser.get(page))
    approve(alice)
    assert act_url(claim, "unassign") not in text(staff_browser.get(page))
    staff_browser.post(act_url(claim, "unassign"))
    assert CompanyClaim.objects.get() == claim


def test_incident_is_closed_on_the_overview(staff_browser: Browser, staff: User, alice: User, charlie: User) -> None:
    rows.make_connection(alice.customers.get(), "northwind")
    with pytest.raises(CompanyTakenError):
        approve(charlie)
    [issue] = overview.list_issues()
    assert issue.message == "Harbour Clinics tried to connect the company northwind, which belongs to Northwind Retail."
    assert "Close</button>" in text(staff_browser.get("/admin/"))
    assert messages(staff_browser.post(issue.action_url, follow=True)) == ["The incident was closed."]
    incident = Incident.objects.get()
    assert (incident.closed_by, incident.closed_at is not None, overview.list_issues()) == (staff, True, [])
    with pytest.raises(CompanyTakenError):
        approve(charlie)
    assert len(overview.list_issues()) == 1, "it happened again"


def test_rule_and_exception_are_edited_in_admin(staff_browser: Browser, customer: Customer) -> None:
    page = text(staff_browser.get("/admin/integrations/partnerconfiguration/", follow=True))
    assert "Once there are two customers" in page
    edit = text(staff_browser.get(f"/admin/integrations/customer/{customer.pk.replace('_', '_5F')}/change/"))
    assert 'name="skips_confirmation"' in edit
