"""Browser tests of the catalogue's admin pages: script, file upload and WCAG checks."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from assessments.models import Package
from integrations.models import Customer, PartnerConfiguration, PartnerField
from tests import rows
from tests.e2e.browser import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.xdist_group("browser")]
LIST = "/admin/assessments/package/"


def test_visibility_preview_updates_with_the_form(stella: Visitor, live_server: Any, customer: Customer) -> None:
    PartnerConfiguration.load()
    PartnerField.objects.create(field_id="department", name="Department", description="Where")
    rows.make_package("sales", rules=({"fields": {"department": "Sales"}, "city": "Oslo"},))
    page = stella.page
    page.goto(live_server.url + LIST)
    stella.follow_link("Who sees what")
    stella.check_accessibility()
    page.get_by_label("Customer").select_option("Northwind Retail")
    expect(page.get_by_text("city must be Oslo but is not set; department must be Sales")).to_be_visible()
    page.get_by_label("City").fill("oslo")
    page.get_by_label("Department").fill("sales")
    expect(page.get_by_role("heading", name="1 package for Northwind Retail")).to_be_visible()
    page.get_by_text("As sent to SmartRecruiters").click()
    stella.check_accessibility()
    assert "city=oslo" in page.url


def test_import_is_checked_and_applied(stella: Visitor, live_server: Any, tmp_path: Path) -> None:
    rows.make_package("skills")
    wrong, right = tmp_path / "wrong.csv", tmp_path / "right.csv"
    wrong.write_text("package,expires_after_days\nskills,soon\n")
    right.write_text("package,name,type\nskills,Skills for all,\nnew,New,SKILL_TEST\n")
    page = stella.page
    page.goto(live_server.url + LIST)
    stella.follow_link("Import")
    stella.check_accessibility()
    page.get_by_label("File", exact=True).set_input_files(wrong)
    stella.press_button("Preview changes")
    expect(page.get_by_role("heading", name="1 error in the file; nothing was changed")).to_be_visible()
    stella.check_accessibility()
    page.get_by_label("File", exact=True).set_input_files(right)
    stella.press_button("Preview changes")
    expect(page.get_by_text("1 created, 1 updated, 0 retired, 0 unchanged.")).to_be_visible()
    stella.check_accessibility()
    stella.press_button("Apply 2 changes")
    expect(page.get_by_text("Imported: 1 created, 1 updated")).to_be_visible()
    assert dict(Package.objects.values_list("pk", "name")) == {"skills": "Skills for all", "new": "New"}


@pytest.mark.parametrize("count", [1, 60])
def test_long_name_of_a_customer_makes_no_select_wide(
    stella: Visitor, live_server: Any, customer: Customer, count: int
) -> None:
    Customer.objects.bulk_create(Customer(id=f"c{n}", name="W" * 190 + str(n)) for n in range(count))
    rows.make_package("skills", rules=({"country": "DE"}, {"customer": Customer.objects.get(pk="c0")}))
    page = stella.page
    for path in (f"{LIST}skills/change/", f"{LIST}who-sees-what/?customer=c0", "/admin/integrations/user/add/"):
        page.goto(live_server.url + path)
        shown = page.locator(".select2-container" if count > 50 else "select[name$=customer]").locator("visible=true")
        widths = [box["width"] for box in (each.bounding_box() for each in shown.all()) if box]
        assert (len(widths) > 0, [width for width in widths if width > 360]) == (True, []), path


def test_customer_is_found_among_many_by_typing(stella: Visitor, live_server: Any) -> None:
    Customer.objects.bulk_create(Customer(id=f"c{n}", name=f"Customer {n}") for n in range(60))
    page = stella.page
    page.goto(f"{live_server.url}{LIST}who-sees-what/")
    page.locator(".select2-selection").click()
    page.locator(".select2-search__field").fill("mer 59")
    page.get_by_role("option", name="Customer 59").click()
    expect(page.get_by_role("heading", name="0 packages for Customer 59")).to_be_visible()
