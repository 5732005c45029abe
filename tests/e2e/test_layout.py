"""Layout and small scripts of staff's pages, measured in a browser.

The rules of tests/e2e/layout.py hold for every page; here they meet long names, refused forms and odd widths.
"""

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from integrations.models import Customer
from integrations.models import User as Person
from tests import rows
from tests.e2e.browser import DESKTOP, PHONE, Visitor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.browser,
    pytest.mark.e2e,
    pytest.mark.xdist_group("pages"),
]
PACKAGE = "/admin/assessments/package"
LONG_NAME = "Situational judgement for team leaders in customer service, part two"
LONG_ADDRESS = "recruiting.emea@people.northwind.example"


def measure(shown: Locator) -> list[dict[str, float]]:
    boxes = (each.bounding_box() for each in shown.all())
    return [{side: round(value) for side, value in box.items()} for box in boxes if box]


def test_long_names_are_not_cut_off(stella: Visitor, live_server: Any, customer: Customer) -> None:
    package = rows.make_package("skills", rules=({"customer": customer, "requester": LONG_ADDRESS, "city": "Oslo"},))
    package.assessments.create(assessment_id="judgement-for-team-leads-2", type="SKILL_TEST", name=LONG_NAME)
    page = stella.page
    page.goto(f"{live_server.url}{PACKAGE}/skills/change/")
    stella.check_accessibility()
    page.get_by_role("button", name="Add another Rule").click()
    placeholder = page.get_by_placeholder("department = Sales").locator("visible=true").last
    assert placeholder.evaluate("each => each.clientHeight >= each.scrollHeight && each.clientWidth > 250")
    stella.check_accessibility()


@pytest.mark.parametrize("width", [1280, 1024, 901])
def test_overview_counts_by_status_in_five_equal_tiles(stella: Visitor, live_server: Any, width: int) -> None:
    stella.page.set_viewport_size({"width": width, "height": 800})
    stella.page.goto(f"{live_server.url}/admin/")
    tiles = measure(stella.page.locator(".tile"))
    assert len(tiles) == 5
    assert {(tile["y"], tile["height"]) for tile in tiles} == {(tiles[0]["y"], tiles[0]["height"])}
    assert max(tile["width"] for tile in tiles) - min(tile["width"] for tile in tiles) <= 1


def test_tiles_are_one_column_on_a_phone(stella: Visitor, live_server: Any) -> None:
    stella.page.set_viewport_size(PHONE)
    stella.page.goto(f"{live_server.url}/admin/")
    tiles = measure(stella.page.locator(".tile"))
    assert (len(tiles), len({(tile["x"], tile["width"], tile["height"]) for tile in tiles})) == (5, 1)


@pytest.mark.parametrize(
    ("prefix", "field", "value"),
    [
        ("Assessment", "id_assessments-0-assessment_id", "not an id"),
        ("Rule", "id_rules-0-requester", "nobody"),
        ("Rule", "id_rules-0-fields_as_text", "department"),
    ],
)
def test_refused_form_begins_at_its_first_error(
    stella: Visitor, live_server: Any, prefix: str, field: str, value: str
) -> None:
    rows.make_package("skills")
    page = stella.page
    page.goto(f"{live_server.url}{PACKAGE}/skills/change/")
    page.get_by_role("button", name=f"Add another {prefix}").click()
    if prefix == "Assessment":
        page.locator("#id_assessments-0-name").fill("Logic")
        page.locator("#id_assessments-0-type").select_option("SKILL_TEST")
    page.locator(f"#{field}").fill(value)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(f"#{field}")).to_be_focused()
    expect(page.locator(f"#{field}")).to_be_in_viewport()
    [invalid], [error] = measure(page.locator(f"#{field}")), measure(page.locator(".errorlist:not(.nonfield)"))
    assert error["y"] >= invalid["y"] + invalid["height"]
    stella.check_accessibility()


def test_error_of_a_field_stands_below_it(stella: Visitor, live_server: Any) -> None:
    page = stella.page
    page.goto(f"{live_server.url}/admin/integrations/customer/add/")
    page.locator("#id_name").evaluate("each => each.form.noValidate = true")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#id_name")).to_be_focused()
    [invalid], [error] = measure(page.locator("#id_name")), measure(page.locator(".errorlist"))
    assert error["y"] >= invalid["y"] + invalid["height"]
    assert error["x"] == invalid["x"]
    stella.check_accessibility()


def test_new_customer_is_shown_with_the_way_to_invite_its_people(stella: Visitor, live_server: Any) -> None:
    page = stella.page
    page.goto(f"{live_server.url}/admin/integrations/customer/add/")
    page.get_by_label("Name").fill("Quayside Foods")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Quayside Foods")
    expect(page.get_by_role("link", name="Invite a person by email")).to_be_visible()


def test_secret_is_copied_by_its_button(stella: Visitor, live_server: Any) -> None:
    page = stella.page
    stella.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
    page.goto(f"{live_server.url}/admin/integrations/client/add/")
    page.get_by_label("Name").fill("production")
    page.get_by_role("button", name="Save", exact=True).click()
    for name in ("client_id", "client_secret"):
        page.get_by_role("button", name=f"Copy {name}").click()
        expect(page.get_by_role("button", name=f"Copied {name}")).to_be_visible()
        shown = page.locator(f"dt:text-is('{name}') + dd > code").inner_text()
        assert (page.evaluate("navigator.clipboard.readText()"), len(shown) > 20) == (shown, True)
    stella.check_accessibility()


@pytest.mark.parametrize("width", [DESKTOP["width"], PHONE["width"]])
def test_errors_in_admin_keep_its_menu(stella: Visitor, live_server: Any, width: int) -> None:
    page = stella.page
    page.set_viewport_size({"width": width, "height": 800})
    with stella.expect_status(404):
        page.goto(f"{live_server.url}/admin/nothing/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
    if width == PHONE["width"]:
        page.get_by_text("Menu", exact=True).click()
    stella.follow_link("Packages")
    expect(page.get_by_role("heading", level=1)).to_have_text("Packages")


def test_form_of_an_old_session_leads_back_to_its_page(stella: Visitor, live_server: Any, staff: Person) -> None:
    page = stella.page
    page.goto(f"{live_server.url}/admin/integrations/customer/add/")
    page.get_by_label("Name").fill("Quayside Foods")
    page.locator("[name=csrfmiddlewaretoken]").last.evaluate("each => each.value = 'x'.repeat(64)")
    with stella.expect_status(403):
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("This page has expired")
    stella.follow_link("Reload the page")
    expect(page.get_by_role("heading", level=1)).to_have_text("Add customer")


def test_sign_out_says_so(stella: Visitor, live_server: Any) -> None:
    stella.page.goto(f"{live_server.url}/admin/")
    stella.press_button("Sign out")
    expect(stella.page.get_by_role("status")).to_have_text("You have signed out.")
