"""Consent page in a browser: in a frame of another site, in a window, and with the CSP's form-action."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Frame, Page, expect

from tests.e2e import browser
from tests.e2e.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.xdist_group("e2e")]


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """Return a browser context in which any error on the console fails the test."""
    messages: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            messages.append(message.text)

    with chromium.new_context() as context:
        context.on("console", listen)
        yield context
    assert messages == []


@pytest.fixture
def popup_mode(world: World) -> Iterator[None]:
    world.set_display_mode("POPUP")
    yield
    world.set_display_mode("REDIRECT")


def open_smartrecruiters(context: BrowserContext, world: World) -> Page:
    """Open a page of SmartRecruiters at 127.0.0.1, for the browser another site than the portal's localhost."""
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{world.simulator.port}/")
    return page


def press_button(place: Page | Frame, button: str) -> None:
    place.get_by_role("button", name=button, exact=True).click()


def sign_in(place: Page | Frame, world: World, customer: int = 0) -> None:
    account = world.seeded["customers"][customer]
    place.fill("[name=login]", account["email"])
    place.fill("[name=password]", account["password"])
    press_button(place, "Sign in")


def build_consent_url(world: World, company: str, **more: Any) -> str:
    world.control.add_company(company)
    world.control.grant_consent(company)
    return f"{world.url}/smartrecruiters/integration?companyId={company}"


def is_connected(world: World, company: str) -> bool:
    return bool(world.control.get_company(company)["state"] == "connected")


def test_popup_works_in_a_frame_of_another_site(context: BrowserContext, world: World, popup_mode: None) -> None:
    url = build_consent_url(world, "framed")
    approve(open_frame(open_smartrecruiters(context, world), url), world)
    assert is_connected(world, "framed")
    assert [cookie["name"] for cookie in context.cookies()] == ["frame-session", "frame-csrf", "frame-device"]


def open_frame(page: Page, url: str, **attributes: str) -> Frame:
    """Show the URL in a frame of the page."""
    page.evaluate(
        """([url, attributes]) => {
            const frame = document.createElement("iframe");
            Object.assign(frame, {width: 600, height: 400});
            Object.entries(attributes).forEach(([name, value]) => frame.setAttribute(name, value));
            frame.src = url;
            document.body.replaceChildren(frame);
        }""",
        [url, attributes],
    )
    element = page.wait_for_selector("iframe")
    frame = element.content_frame() if element else None
    assert frame is not None
    return frame


def expect_way_out(place: Page | Frame, url: str) -> None:
    """Expect the link to the URL, and the URL as text for a frame that may open no window."""
    link = place.get_by_role("link", name="Open in a new window")
    expect(link).to_have_attribute("href", url)
    expect(place.locator("code", has_text=url)).to_be_visible()


def approve(place: Page | Frame, world: World, customer: int = 0) -> None:
    sign_in(place, world, customer)
    press_button(place, "Approve")
    place.wait_for_selector("text=You can close this window.")


@pytest.mark.parametrize("permissions", ["allow-scripts allow-forms", "allow-scripts allow-forms allow-popups"])
def test_sandboxed_frame_leads_to_a_window_of_its_own(
    chromium: Browser, world: World, popup_mode: None, permissions: str
) -> None:
    company = f"sandboxed-{permissions.count('-')}"
    url = build_consent_url(world, company)
    with chromium.new_context() as context:
        place: Page | Frame = open_frame(open_smartrecruiters(context, world), url, sandbox=permissions)
        expect_sandbox(place, world, url)
        if "popups" in permissions:  # a window that the frame opens is sandboxed, too
            with context.expect_page() as opened:
                place.get_by_role("link", name="Open in a new window").click()
            expect_sandbox(opened.value, world, url)
        window = context.new_page()
        window.goto(url)
        approve(window, world, customer=1)
    assert is_connected(world, company)


def expect_sandbox(place: Page | Frame, world: World, url: str) -> None:
    sign_in(place, world, customer=1)
    expect(place.get_by_role("heading", level=1)).to_have_text("Open this page in its own window")
    expect_way_out(place, url)


def test_frame_without_cookies_names_the_cause_and_stays_true(
    chromium: Browser, world: World, popup_mode: None, tmp_path: Path
) -> None:
    url = build_consent_url(world, "cookieless")
    portal, top = f"http://localhost:{world.port}", f"http://127.0.0.1:{world.simulator.port}"
    with browser.launch_with_blocked_cookies(chromium, tmp_path, site=portal, inside=top) as context:
        frame = open_frame(open_smartrecruiters(context, world), url)
        expect(frame.get_by_role("heading", level=1)).to_have_text("Your browser blocks cookies here")
        expect_way_out(frame, url)
        with context.expect_page() as opened:
            frame.get_by_role("link", name="Open in a new window").click()
        approve(opened.value, world, customer=1)
        expect(frame.get_by_text("Nothing was connected")).to_have_count(0)
        expect(frame.get_by_text("Then nothing is left to do here.")).to_be_visible()
    assert is_connected(world, "cookieless")


def test_popup_works_in_a_window_that_keeps_its_opener(context: BrowserContext, world: World, popup_mode: None) -> None:
    page = open_smartrecruiters(context, world)
    url = build_consent_url(world, "windowed")
    with page.expect_popup() as opened:
        page.evaluate("url => { window.consent = open(url, 'consent', 'width=600,height=400') }", url)
    window = opened.value
    sign_in(window, world)
    press_button(window, "Approve")
    window.wait_for_selector("text=You can close this window.")
    assert (page.evaluate("consent.closed"), window.evaluate("opener !== null")) == (False, True)
    assert is_connected(world, "windowed")


UNSEEN = """() => {
    const end = document.querySelector(".actions").getBoundingClientRect().top
    const below = each => each.getBoundingClientRect().bottom > end
    return [...document.querySelectorAll("dd, dd li")].filter(below).map(each => each.innerText)
}"""


def test_popup_of_its_smallest_size_shows_all_that_is_asked(context: BrowserContext, world: World) -> None:
    page = open_smartrecruiters(context, world)
    page.set_viewport_size({"width": 600, "height": 340})
    page.goto(build_consent_url(world, "small"))
    page.wait_for_function("document.activeElement.name === 'login'")
    assert page.evaluate("document.documentElement.scrollHeight") <= 340
    sign_in(page, world)
    page.wait_for_selector("text=Approve")
    assert page.evaluate(UNSEEN) == []


@pytest.mark.parametrize(("button", "state"), [("Approve", "connected"), ("Deny", "disconnected")])
def test_redirect_lands_in_smartrecruiters(context: BrowserContext, world: World, button: str, state: str) -> None:
    company = f"redirected-{button.lower()}"
    page = open_smartrecruiters(context, world)
    back = page.url
    page.goto(f"{build_consent_url(world, company)}&redirect={back}")
    sign_in(page, world)
    press_button(page, button)
    page.wait_for_url(back)
    assert world.control.get_company(company)["state"] == state


def test_consent_by_keyboard_alone(context: BrowserContext, world: World) -> None:
    page = open_smartrecruiters(context, world)
    page.goto(build_consent_url(world, "typed"))
    account = world.seeded["customers"][0]
    page.focus("[name=login]")
    page.keyboard.type(account["email"])
    page.keyboard.press("Tab")
    page.keyboard.type(account["password"])
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Approve")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == "Approve":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("text=You can close this window.")
