"""Every page of every route in a real browser: light and dark, phone and screen, WCAG 2.2 AA and the CSP.

The pages come from tests/routes.py, so that a new page is checked automatically.
"""

import time
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests import rows
from tests.e2e.browser import Visitor
from tests.e2e.people import sign_in
from tests.e2e.world import wait_for
from tests.everything import World, build_url
from tests.integrations.accounts.test_mfa import code_of
from tests.reauthentication import forget_proof_of
from tests.routes import ROUTES

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.browser,
    pytest.mark.e2e,
    pytest.mark.xdist_group("pages"),
]
PEOPLE = ("stranger", "alice", "bob", "administrator")
# Not pages: an email in its frame, where scripts (and axe) are disabled; a part of a page; data.
PARTS = ("admin:email", "admin:orders_order_preview", "admin:autocomplete")


@pytest.fixture
def everything(transactional_db: None) -> World:
    """Create a committed world, which the server's threads can see."""
    return World()


def find_pages(world: World) -> dict[str, dict[str, int]]:
    """Return {person: {url: status}} of pages that no earlier person saw, and one of each kind of refusal."""
    pages: dict[str, dict[str, int]] = {person: {} for person in PEOPLE}
    known: set[object] = set()
    for person in PEOPLE:
        for row in (row for row in ROUTES if row not in PARTS):
            url = build_url(world, row)
            answer = world.send_request(person, "GET", url)
            if not answer.headers.get("Content-Type", "").startswith("text/html") or answer.status_code in (302, 405):
                continue
            shown = (url, answer.status_code) if answer.status_code == 200 else answer.content.split(b"</title>")[0]
            if shown not in known:
                known.add(shown)
                pages[person][url] = answer.status_code
    return pages


def test_every_page_fits_and_can_be_read(everything: World, live_server: Any, chromium: Browser) -> None:
    faults = {}
    for person, pages in find_pages(everything).items():
        visitor = Visitor(chromium, origins={live_server.url}, portal=live_server.url)
        visitor.add_cookies(everything.cookies[person])
        for url, status in pages.items():
            with visitor.expect_status(status):
                visitor.page.goto(live_server.url + url)
                visitor.check_accessibility()
        visitor.context.close()
        faults[person] = visitor.faults
    assert faults == {person: [] for person in PEOPLE}


def test_second_factor_is_set_up_used_and_switched_off(
    transactional_db: None, live_server: Any, chromium: Browser
) -> None:
    """Visit the pages that require a recent password, by clicking only."""
    account = {"email": "alice@northwind.example", "password": rows.PASSWORD}
    user = rows.make_user(rows.make_customer(), account["email"])
    visitor = Visitor(chromium, origins={live_server.url}, portal=live_server.url)
    page = visitor.page
    page.goto(live_server.url)
    sign_in(page, account)
    visitor.follow_link(account["email"])
    visitor.expect_page("Two-factor authentication")
    forget_proof_of(user)
    visitor.follow_link("Add a passkey")
    visitor.expect_page("Confirm it’s you")
    page.get_by_label("Password").fill(account["password"])
    visitor.press_button("Continue")
    page.get_by_role("heading", name="Confirm it’s you").wait_for(state="detached")
    visitor.check_accessibility()
    page.goto(f"{live_server.url}/accounts/2fa/")
    visitor.follow_link("Set up")
    visitor.expect_page("Set up your authenticator app")
    secret = page.get_by_label("Key").input_value()
    wait_for("a code that does not end at once", lambda: time.time() % 30 < 15)
    page.locator("[name=code]").fill(code_of(secret))
    visitor.press_button("Switch on")
    visitor.expect_page("Recovery codes")
    visitor.follow_link("Create new codes…")
    visitor.expect_page("Create recovery codes?")
    page.goto(f"{live_server.url}/accounts/2fa/")
    visitor.expect_page("Two-factor authentication")
    visitor.follow_link("Switch off…")
    page.get_by_role("heading", level=1).wait_for()
    visitor.check_accessibility()
    visitor.press_button("Sign out")
    page.goto(live_server.url)
    sign_in(page, account)
    visitor.expect_page("Two-factor authentication")
    visitor.context.close()
    assert visitor.faults == []
