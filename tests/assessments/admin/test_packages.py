"""Tests of the packages' admin pages."""

import html
import re
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.db.models import ProtectedError
from django.test import Client as Browser

from assessments.models import Package, Rule
from integrations.models import AuditEntry, Customer, PartnerField
from tests import rows

pytestmark = pytest.mark.django_db
LIST = "/admin/assessments/package/"


def page_text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def build_form(
    *, assessments: tuple[dict[str, Any], ...] = (), rules: tuple[dict[str, Any], ...] = (), **fields: Any
) -> Any:
    """Return the form data of a package with new assessments and rules."""
    form = {"id": "skills", "type": "SKILL_TEST", "name": "Skills", "delivery": "engine", **fields}
    for prefix, forms in (("assessments", assessments), ("rules", rules)):
        form |= {f"{prefix}-TOTAL_FORMS": len(forms), f"{prefix}-INITIAL_FORMS": 0}
        form |= {f"{prefix}-{n}-{name}": value for n, each in enumerate(forms) for name, value in each.items()}
    return form


def test_package_is_written_with_assessments_and_rules(staff_browser: Browser, customer: Customer) -> None:
    PartnerField.objects.create(field_id="department", name="Department", description="Where")
    logic = {"assessment_id": "logic", "type": "SKILL_TEST", "name": "Logic", "position": 0}
    rule = {"customer": customer.pk, "remote": "true", "fields_as_text": "department = Sales\n\n"}
    assert staff_browser.post(f"{LIST}add/", build_form(assessments=(logic,), rules=(rule,)))["Location"] == LIST
    package = Package.objects.get()
    assert [(each.assessment_id, each.name) for each in package.assessments.all()] == [("logic", "Logic")]
    assert [(r.customer, r.remote, r.fields) for r in package.rules.all()] == [
        (customer, True, {"department": "Sales"})
    ]
    assert AuditEntry.objects.filter(action="package.added", subject="skills").count() == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"id": "orders"}, "is reserved; choose another id."),
        ({"id": "-x"}, "Start with a letter or digit"),
        ({"remind_after_days": 0}, "greater than or equal to 1"),
        (
            {"remind_after_days": 14, "expires_after_days": 14},
            "The order has expired by then; send the reminder earlier.",
        ),
        ({"type": "VIDEO_INTERVIEW"}, "“Video interview” is not a published type"),
        ({"rules": ({"requester": "northwind.example"},)}, "Send an email address or a domain, like @b.example."),
        ({"rules": ({"fields_as_text": "colour = red"},)}, "Unknown field: colour."),
        ({"rules": ({"fields_as_text": "department"},)}, "Write each field as id = value."),
    ],
)
def test_invalid_package_is_refused(staff_browser: Browser, fields: dict[str, Any], message: str) -> None:
    PartnerField.objects.create(field_id="department", name="Department", description="Where")
    rows.configure_partner(supported_types=["SKILL_TEST"])
    assert message in page_text(staff_browser.post(f"{LIST}add/", build_form(**fields)))
    assert not Package.objects.exists()


NEW_ROWS = {
    "assessments": {"assessment_id": "logic", "type": "SKILL_TEST", "name": "Logic", "position": 0},
    "rules": {"country": "DE", "remote": "unknown"},
}


@pytest.mark.parametrize("refused", ["taken", "orders", "-x", "", "x" * 65])
@pytest.mark.parametrize("prefix", ["assessments", "rules"])
def test_package_is_saved_after_its_id_was_refused(staff_browser: Browser, refused: str, prefix: Any) -> None:
    rows.make_package("taken")
    page = staff_browser.post(f"{LIST}add/", build_form(id=refused, **{prefix: (NEW_ROWS[prefix],)}))
    shown = page.context["inline_admin_formsets"][["assessments", "rules"].index(prefix)].formset
    sent_again = NEW_ROWS[prefix] | {"package": shown.empty_form["package"].value() or ""}
    answer = staff_browser.post(f"{LIST}add/", build_form(**{prefix: (sent_again,)}))
    assert (answer.status_code, answer.get("Location")) == (302, LIST)
    package = Package.objects.get(pk="skills")
    assert (package.assessments.count(), package.rules.count()) == ((1, 0) if prefix == "assessments" else (0, 1))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"package": "other"}, "Package: The inline value did not match the parent instance."),
        ({"id": "999"}, "Id: Select a valid choice. That choice is not one of the available choices."),
        ({"id": "x"}, "Id: Select a valid choice. That choice is not one of the available choices."),
    ],
)
def test_error_of_a_hidden_input_is_shown(staff_browser: Browser, changed: dict[str, Any], message: str) -> None:
    rule = rows.make_package("skills", rules=({"country": "DE"},)).rules.get()
    sent = {"id": rule.pk, "package": "skills", "country": "AT", "remote": "unknown", **changed}
    form = build_form(rules=(sent,)) | {"rules-INITIAL_FORMS": 1}
    assert message in html.unescape(page_text(staff_browser.post(f"{LIST}skills/change/", form)))
    assert list(Rule.objects.values_list("country", flat=True)) == ["DE"]


def test_error_of_a_formset_is_shown(staff_browser: Browser) -> None:
    form = build_form()
    del form["rules-TOTAL_FORMS"]
    page = page_text(staff_browser.post(f"{LIST}add/", form))
    assert "ManagementForm data is missing or has been tampered with." in page


PAGES_WITH_A_CUSTOMER = (f"{LIST}add/", f"{LIST}who-sees-what/", "/admin/integrations/user/add/")


@pytest.mark.parametrize("page", PAGES_WITH_A_CUSTOMER)
@pytest.mark.parametrize(("count", "options"), [(50, 50), (51, 0)])
def test_customer_is_searched_among_many(staff_browser: Browser, page: str, count: int, options: int) -> None:
    Customer.objects.bulk_create(Customer(id=f"c{n}", name=f"Customer {n}") for n in range(count))
    text = staff_browser.get(page).content.decode()
    select = re.search(r"<select[^>]*name=\"(?:rules-__prefix__-)?customer\".*?</select>", text, re.DOTALL)
    assert select is not None
    found = (len(re.findall(r'value="c\d+"', select[0])), 'data-ajax--url="/admin/autocomplete/"' in select[0])
    assert found == (options, count > 50)
    assert ("admin/js/autocomplete.js" in text) == (count > 50)


def test_search_of_a_customer_finds_it_by_a_part_of_its_name(staff_browser: Browser) -> None:
    Customer.objects.bulk_create(Customer(id=f"c{n}", name=f"Customer {n}") for n in range(60))
    query = {"app_label": "assessments", "model_name": "rule", "field_name": "customer", "term": "mer 59"}
    found = staff_browser.get("/admin/autocomplete/", query).json()
    assert found == {"results": [{"id": "c59", "text": "Customer 59"}], "pagination": {"more": False}}


def test_customer_that_was_chosen_stays_chosen_among_many(staff_browser: Browser) -> None:
    Customer.objects.bulk_create(Customer(id=f"c{n}", name=f"Customer {n}") for n in range(60))
    page = page_text(staff_browser.get(f"{LIST}who-sees-what/", {"customer": "c7"}))
    assert ('<option value="c7" selected>Customer 7</option>' in page, "for Customer 7</h2>" in page) == (True, True)


def test_package_rule_cannot_be_emptied(staff_browser: Browser) -> None:
    rule = rows.make_package("skills", rules=({"country": "DE"},)).rules.get()
    emptied = {"id": rule.pk, "package": "skills", "country": "", "remote": "unknown", "fields_as_text": ""}
    answer = staff_browser.post(f"{LIST}skills/change/", build_form(rules=(emptied,)) | {"rules-INITIAL_FORMS": 1})
    assert "An empty rule shows the package to every customer." in page_text(answer)
    assert list(Rule.objects.values_list("country", flat=True)) == ["DE"]


def test_package_rule_shows_its_fields_as_lines(staff_browser: Browser) -> None:
    rows.make_package("skills", rules=({"fields": {"department": "Sales", "level": "senior"}},))
    assert "department = Sales\nlevel = senior" in staff_browser.get(f"{LIST}skills/change/").content.decode()


def test_package_keeps_its_id_and_its_assessments_theirs(staff_browser: Browser) -> None:
    package = rows.make_package("skills", assessments=("logic",))
    part = package.assessments.get()
    changed = {"id": part.pk, "package": "skills", "assessment_id": "other", "type": "SKILL_TEST", "name": "New",
               "position": 0}  # fmt: skip
    staff_browser.post(
        f"{LIST}skills/change/", build_form(id="other", assessments=(changed,)) | {"assessments-INITIAL_FORMS": 1}
    )
    assert list(Package.objects.values_list("id", "name")) == [("skills", "Skills")]
    assert list(package.assessments.values_list("assessment_id", "name")) == [("logic", "New")]


def test_package_retires_and_comes_back(staff_browser: Browser) -> None:
    package = rows.make_package("skills")
    assert "Existing hiring steps continue to order it" in page_text(staff_browser.get(f"{LIST}skills/act/retire/"))
    staff_browser.post(f"{LIST}skills/act/retire/")
    package.refresh_from_db()
    assert package.retired_at is not None
    staff_browser.post(f"{LIST}skills/act/offer/")
    package.refresh_from_db()
    assert package.retired_at is None
    entries = AuditEntry.objects.filter(action__startswith="package.").order_by("pk")
    assert list(entries.values_list("action", "subject")) == [
        ("package.retired", "skills"),
        ("package.offered", "skills"),
    ]


def test_packages_retire_in_bulk(staff_browser: Browser) -> None:
    for name in ("a", "b", "c"):
        rows.make_package(name)
    staff_browser.post(LIST, {"action": "retire_selected", "_selected_action": ["a", "b"]})
    assert list(Package.objects.filter(retired_at=None).values_list("pk", flat=True)) == ["c"]
    shown = {state: page_text(staff_browser.get(f"{LIST}?on_offer={state}")) for state in ("yes", "no")}
    assert ["Package c" in shown["yes"], "Package a" in shown["yes"], "Package a" in shown["no"]] == [True, False, True]


def test_package_is_never_deleted(staff_browser: Browser) -> None:
    rows.make_package("skills")
    assert staff_browser.post(f"{LIST}skills/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in page_text(staff_browser.get(LIST))


def test_package_list_asks_as_often_for_one_row_as_for_many(
    staff_browser: Browser, django_assert_num_queries: Any
) -> None:
    rows.make_package("a", assessments=("x", "y"), rules=({"country": "DE"},))
    staff_browser.get(LIST)
    with django_assert_num_queries(5) as one:
        staff_browser.get(LIST)
    for name in "bcd":
        rows.make_package(name, assessments=("x",))
    with django_assert_num_queries(len(one)):
        page = page_text(staff_browser.get(LIST))
    assert (Rule.objects.count(), "every customer" in page) == (1, True)


def test_customer_who_alone_sees_a_package_is_not_deleted(staff_browser: Browser, customer: Customer) -> None:
    url = f"/admin/integrations/customer/{quote(customer.pk)}/delete/"
    package = Package.objects.create(id="skills", type="SKILL_TEST", name="Skills")
    last = Rule.objects.create(package=package, customer=customer)
    page = page_text(staff_browser.get(url))
    assert "without these rules, every customer would see their packages" in page
    assert (f"rule {last.pk} of skills" in page, 'name="post"' in page) == (True, False)
    staff_browser.post(url, {"post": "yes"})
    with pytest.raises(ProtectedError):
        customer.delete()
    assert Customer.objects.filter(pk=customer.pk).exists()


def test_customer_is_deleted_with_rules_beside_others(staff_browser: Browser, customer: Customer) -> None:
    url = f"/admin/integrations/customer/{quote(customer.pk)}/delete/"
    package = Package.objects.create(id="skills", type="SKILL_TEST", name="Skills")
    Rule.objects.create(package=package, customer=customer)
    kept = Rule.objects.create(package=package, requester="@northwind.example")
    page = page_text(staff_browser.get(url))
    assert (f"<h1>Delete {customer}?</h1>" in page, "This cannot be undone." in page) == (True, True)
    assert staff_browser.post(url, {"post": "yes"}).status_code == 302
    assert (list(Rule.objects.all()), Customer.objects.filter(pk=customer.pk).exists()) == ([kept], False)
