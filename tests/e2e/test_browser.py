"""The whole way as people go it, by clicking alone, on pages that fit, can be read and break no rule."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Frame, Locator, Page, ViewportSize, expect

from tests.e2e.browser import DESKTOP, PHONE, Visitor, take_picture
from tests.e2e.people import (
    answer_questions,
    ask_to_connect,
    connect_company,
    disconnect_in_smartrecruiters,
    find_invitation,
    open_company,
    open_in_admin,
    place_order,
    publish_display_mode,
    read_report,
    sign_in,
    sign_in_to_admin,
    take_assessment,
)
from tests.e2e.world import Json, World, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.xdist_group("browser")]
Open = Callable[..., Visitor]
CONSENT = "Connect SmartRecruiters to Assessments?"
SPREADSHEETS, TYPING = "Spreadsheets for analysts", "Typing speed"
BY_HAND = "Interview by hand"
HREFS = "links => links.map(link => link.href)"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Start a portal in which the test answers for the candidates."""
    with World(tmp_path_factory.mktemp("browser"), auto_answer=False) as world:
        yield world


@pytest.fixture
def person(world: World, chromium: Browser) -> Iterator[Open]:
    """Return `person()`, which adds a person with their own browser. Any fault on their pages fails the test."""
    visitors: list[Visitor] = []
    origins = {world.url, world.engine_url, world.simulator.url, elsewhere(world)}

    def add_visitor(viewport: ViewportSize = DESKTOP) -> Visitor:
        visitors.append(Visitor(chromium, origins=origins, portal=world.url, viewport=viewport))
        return visitors[-1]

    yield add_visitor
    for each in visitors:
        each.context.close()
    assert [fault for each in visitors for fault in each.faults] == []


def elsewhere(world: World) -> str:
    """Return the simulator's URL under a host that is another site than the portal's."""
    return f"http://127.0.0.1:{world.simulator.port}"


@pytest.fixture
def popup_mode(world: World, person: Open) -> Iterator[None]:
    staff = person()
    sign_in_to_admin(staff, world)
    publish_display_mode(staff, "POPUP")
    yield
    publish_display_mode(staff, "REDIRECT")


class Engine:
    """Second engine, which uses the public API."""

    def __init__(self, world: World) -> None:
        self._api = f"{world.url}/api/vendor/v1"
        self._session = requests.Session()
        client = world.seeded["engine"]
        form = {"grant_type": "client_credentials", "scope": "vendor"}
        pair = (client["client_id"], client["client_secret"])
        token = self._session.post(f"{world.url}/oauth/token", auth=pair, data=form, timeout=20).json()["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, **body: Any) -> Json:
        response = self._session.request(method, f"{self._api}/{path}", json=body or None, timeout=20)
        assert response.ok, response.text
        return dict(response.json())


def test_redirect_order_answer_and_report(world: World, person: Open) -> None:
    admin = person()
    ask_to_connect(admin, world.simulator.url, "northwind")
    admin.expect_page("Sign in")
    sign_in(admin.page, world.seeded["customers"][0])
    admin.expect_page(CONSENT)
    take_picture("consent", admin.page.locator("form.card"), width=680)
    admin.press_button("Approve")
    expect(admin.page.get_by_role("heading", name="Northwind Retail is connected")).to_be_visible()

    recruiter = person()
    place_order(recruiter, world, "northwind", SPREADSHEETS, "Amara Okafor")
    link = find_invitation(world, "amara.okafor@northwind-candidates.example", SPREADSHEETS)
    take_assessment(person(viewport=PHONE), link, SPREADSHEETS)
    expect(recruiter.page.get_by_text("28/80").first).to_be_visible()
    assert "Score: 28 of 80" in read_report(recruiter)

    staff = person()
    sign_in_to_admin(staff, world)
    staff.check_accessibility()
    open_in_admin(staff, "Orders")
    staff.page.locator("#result_list").get_by_role("link", name="ord_").first.click()
    timeline = staff.page.locator("section", has=staff.page.get_by_role("heading", name="Timeline"))
    expect(timeline).to_be_visible()
    staff.check_accessibility()
    take_picture("timeline", timeline, width=1180)
    assert world.control.list_breaches() == []


def pop_up(admin: Visitor) -> Page:
    with admin.page.expect_popup() as opened:
        admin.press_button("Open the vendor's page")
    return opened.value


def framed(admin: Visitor) -> Frame:
    """Show the vendor's page in a frame of SmartRecruiters, up to the sign-in."""
    admin.follow_link("Show it on this page")
    admin.page.frame_locator("iframe.frame").get_by_role("button", name="Sign in").wait_for()
    return admin.page.frames[1]


def test_popup_window_closes_when_connected(world: World, person: Open, popup_mode: None) -> None:
    world.control.add_company("in-a-window")
    admin = person()
    ask_to_connect(admin, world.simulator.url, "in-a-window")
    window = pop_up(admin)
    admin.expect_page("Sign in", window)
    sign_in(window, world.seeded["customers"][0])
    admin.expect_page(CONSENT, window)
    with window.expect_event("close"):
        window.get_by_role("button", name="Approve").click()
    expect(admin.page.get_by_role("heading", name="in-a-window is connected")).to_be_visible()


def test_popup_in_a_frame_of_another_site_connects(world: World, person: Open, popup_mode: None) -> None:
    world.control.add_company("in-a-frame")
    admin = person()
    ask_to_connect(admin, elsewhere(world), "in-a-frame")
    frame = framed(admin)
    admin.expect_page("Sign in", frame)
    sign_in(frame, world.seeded["customers"][0])
    admin.expect_page(CONSENT, frame)
    frame.get_by_role("button", name="Approve").click()
    expect(admin.page.get_by_role("heading", name="in-a-frame is connected")).to_be_visible()


def test_popup_that_is_denied_closes_and_may_be_opened_again(world: World, person: Open, popup_mode: None) -> None:
    world.control.add_company("denied-first")
    admin = person()
    ask_to_connect(admin, world.simulator.url, "denied-first")
    window = pop_up(admin)
    sign_in(window, world.seeded["customers"][0])
    with window.expect_event("close"):
        window.get_by_role("button", name="Deny").click()
    expect(admin.page.get_by_text("you denied the request on the vendor's page")).to_be_visible()
    window = pop_up(admin)
    expect(admin.page.get_by_text("you denied the request on the vendor's page")).to_be_hidden()
    window.get_by_role("button", name="Approve").click()
    expect(admin.page.get_by_role("heading", name="denied-first is connected")).to_be_visible()


def test_denial_in_a_frame_is_noticed_by_the_page_around_it(world: World, person: Open, popup_mode: None) -> None:
    world.control.add_company("denied-in-a-frame")
    admin = person()
    ask_to_connect(admin, elsewhere(world), "denied-in-a-frame")
    frame = framed(admin)
    sign_in(frame, world.seeded["customers"][0])
    frame.get_by_role("button", name="Deny").click()
    expect(admin.page.get_by_text("you denied the request on the vendor's page")).to_be_visible()
    expect(admin.page.locator("iframe.frame")).to_be_hidden()
    admin.follow_link("Try again")
    admin.page.frame_locator("iframe.frame").get_by_role("button", name="Approve").wait_for()


def test_candidate_who_applies_comes_back_to_smartrecruiters(world: World, person: Open) -> None:
    world.control.add_company("shop")
    connect_company(person(), world, "shop")
    candidate = person(viewport=PHONE)
    open_company(candidate, world.simulator.url, "shop", "Career site")
    candidate.press_button("Apply")
    answer_questions(candidate)
    expect(candidate.page.get_by_role("heading", name="Thank you, Amara")).to_be_visible()
    assert candidate.page.url.startswith(world.simulator.url)
    candidate.follow_link("the candidate's panel")
    expect(candidate.page.get_by_text("28/80").first).to_be_visible()
    assert "Score: 28 of 80" in read_report(candidate)


def test_disconnected_on_either_side_comes_back(world: World, person: Open) -> None:
    world.control.add_company("comes-back")
    admin = person()
    connect_company(admin, world, "comes-back")
    disconnect_in_smartrecruiters(admin, world, "comes-back")
    connect_company(admin, world, "comes-back")

    home = admin.context.new_page()
    home.goto(world.url)
    admin.expect_page("Connections", home)
    card = home.locator("section", has=home.get_by_role("heading", name="comes-back"))
    card.get_by_role("link", name="Disconnect").click()
    admin.expect_page("Disconnect comes-back?", home)
    home.get_by_role("button", name="Disconnect").click()
    expect(home.get_by_text("comes-back is disconnected.")).to_be_visible()
    admin.expect_page("Connections", home)
    disconnect_in_smartrecruiters(admin, world, "comes-back")
    connect_company(admin, world, "comes-back")

    place_order(admin, world, "comes-back", TYPING, "Amara Okafor")
    take_assessment(person(), find_invitation(world, "amara.okafor@comes-back-candidates.example", TYPING), TYPING)
    expect(admin.page.get_by_text("28/80").first).to_be_visible()


def test_denied_connects_nothing(world: World, person: Open) -> None:
    world.control.add_company("denied")
    admin = person()
    ask_to_connect(admin, world.simulator.url, "denied")
    sign_in(admin.page, world.seeded["customers"][0])
    admin.press_button("Deny")
    expect(admin.page.get_by_role("heading", name="is not connected")).to_be_visible()
    assert [each for each in world.control.iterate_events(kinds="integrated") if each["company"] == "denied"] == []


def test_company_of_another_customer_is_refused(world: World, person: Open) -> None:
    world.control.add_company("taken")
    connect_company(person(), world, "taken")
    disconnect_in_smartrecruiters(person(), world, "taken")
    other = person()
    ask_to_connect(other, world.simulator.url, "taken")
    sign_in(other.page, world.seeded["customers"][1])
    with other.expect_status(409):
        other.press_button("Approve")
        other.expect_page("This company belongs to another organisation")
    other.follow_link("Back to SmartRecruiters")
    expect(other.page.get_by_role("heading", name="is not connected")).to_be_visible()


def test_admin_waits_while_smartrecruiters_does_not_answer(world: World, person: Open) -> None:
    world.control.add_company("patient")
    world.control.set_fault("status", route="integration", company="patient", status=503)
    admin = person()
    ask_to_connect(admin, world.simulator.url, "patient")
    sign_in(admin.page, world.seeded["customers"][0])
    admin.press_button("Approve")
    admin.expect_page("Not connected yet")
    world.control.clear_faults()
    admin.page.reload()
    expect(admin.page.get_by_role("heading", name="patient is connected")).to_be_visible()


def test_links_that_lead_nowhere_are_friendly(world: World, person: Open) -> None:
    visitor = person()
    for path, status, heading in (
        ("/take/of-nobody", 404, "This link does not work"),
        ("/nothing", 404, "Page not found"),
        ("/smartrecruiters/integration?companyId=x&redirect=https://elsewhere.example/", 400, "This link is not valid"),
    ):
        with visitor.expect_status(status):
            visitor.page.goto(world.url + path)
            visitor.expect_page(heading)


def test_candidate_waits_until_there_is_a_test_and_not_for_ever(world: World, person: Open) -> None:
    world.control.add_company("patience")
    engine = Engine(world)
    engine.call("PUT", "packages/by-hand", type="SKILL_TEST", name=BY_HAND, delivery="manual")
    recruiter = person()
    connect_company(recruiter, world, "patience")
    place_order(recruiter, world, "patience", BY_HAND, "Zoë Haddad")
    link = find_invitation(world, "zoe.haddad@patience-candidates.example", BY_HAND)
    candidate = person(viewport=PHONE)
    candidate.page.goto(link)
    candidate.expect_page("Ihr Assessment wird vorbereitet")
    ours = engine.call("GET", "orders")["results"][0]
    candidate.page.reload()
    engine.call("POST", f"orders/{ours['id']}/accept", launch_url=f"{world.engine_url}/take/{ours['id']}")
    expect(candidate.page.get_by_role("button", name="Starten")).to_be_visible()
    candidate.expect_page(BY_HAND)
    candidate.page.evaluate("document.documentElement.dir = 'rtl'")
    candidate.check_accessibility()
    engine.call("PATCH", f"orders/{ours['id']}/result", status="EXPIRED")
    with candidate.expect_status(410):
        candidate.page.goto(link)
        candidate.expect_page("Dieser Link ist abgelaufen")


def test_staff_find_out_why_a_result_is_not_in_smartrecruiters_and_mend_it(world: World, person: Open) -> None:
    world.control.add_company("mended")
    recruiter = person()
    connect_company(recruiter, world, "mended")
    world.control.set_fault("status", route="result", company="mended", status=422)
    place_order(recruiter, world, "mended", TYPING, "Amara Okafor")
    take_assessment(person(), find_invitation(world, "amara.okafor@mended-candidates.example", TYPING), TYPING)

    staff = person()
    sign_in_to_admin(staff, world)
    failed = staff.page.locator(".troubles li", has_text="SmartRecruiters found something wrong with the result (422)")
    reload_until(staff, failed)
    staff.check_accessibility()
    failed.get_by_role("link").click()
    expect(staff.page.get_by_text("The result is not in SmartRecruiters.")).to_be_visible()
    staff.check_accessibility()
    world.control.clear_faults()
    staff.page.locator(".notice").get_by_role("link", name="Send again").click()
    staff.check_accessibility()
    staff.press_button("Send again")
    expect(staff.page.get_by_text("The result is sent again manually")).to_be_visible()
    reload_until(staff, staff.page.get_by_text("Result delivered to SmartRecruiters"))
    expect(recruiter.page.get_by_text("28/80").first).to_be_visible()


def reload_until(visitor: Visitor, shown: Locator) -> None:
    """Reload a page that does not refresh itself until `shown` is visible."""

    def is_visible() -> bool:
        visitor.page.reload()
        return shown.first.is_visible()

    wait_for("the page to show it", is_visible)


def test_pages_of_an_account(world: World, person: Open) -> None:
    admin = person()
    admin.page.goto(world.url)
    admin.follow_link("Forgot your password?")
    admin.check_accessibility()
    admin.page.go_back()
    account = world.seeded["customers"][1]
    sign_in(admin.page, {**account, "password": "wrong"})
    expect(admin.page.get_by_role("alert")).to_be_visible()
    admin.check_accessibility()
    sign_in(admin.page, account)
    admin.expect_page("Connections")
    admin.follow_link(account["email"])
    expect(admin.page.get_by_role("link", name=account["email"])).to_have_attribute("aria-current", "page")
    admin.check_accessibility()


def test_pages_of_staff(world: World, person: Open) -> None:
    staff = person()
    sign_in_to_admin(staff, world)
    for way in staff.page.locator("#nav-sidebar a").evaluate_all(HREFS):
        staff.page.goto(way)
        staff.check_accessibility()
        for first in staff.page.locator("#result_list tbody a").evaluate_all(HREFS)[:1]:
            staff.page.goto(first)
            staff.check_accessibility()
