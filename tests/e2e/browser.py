"""Visitor with a real browser (Debian's Chromium), which records everything that no page may do."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Frame,
    Locator,
    Page,
    Request,
    Response,
    ViewportSize,
    WebError,
    expect,
    sync_playwright,
)

from tests.e2e.layout import find_layout_faults
from tests.integrations.simulator.process import ROOT

NAMES = ("chromium", "chromium-browser", "google-chrome")
FASTER_NAMES = ("chromium-headless-shell", *NAMES)  # without a user's preferences
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DESKTOP = ViewportSize(width=1280, height=860)
PHONE = ViewportSize(width=360, height=780)
LOOKS = (
    tuple(product(("light", "dark"), (PHONE, DESKTOP)))
    if os.environ.get("ALL")
    else (("light", PHONE), ("dark", DESKTOP))
)
WCAG = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
OPTIONS = {
    "runOnly": WCAG,
    "resultTypes": ["violations"],
    "rules": {"meta-refresh": {"enabled": False}},  # documented in orders/api/README.md; the reload loses nothing
    "iframes": False,  # the frame of an email runs no scripts, and the other frames are checked as pages
    "preload": False,  # axe would inline the style sheets, which the CSP forbids
}
AXE = f"axe.run({json.dumps(OPTIONS)})"
REPORT_VIOLATIONS = """addEventListener("securitypolicyviolation", event => console.error(
    `CSP: ${event.violatedDirective} blocked ${event.blockedURI || event.sample}`))"""
TIMEOUT_MS = 60_000  # ms

expect.set_options(timeout=TIMEOUT_MS)


@contextmanager
def launch_chromium() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, FASTER_NAMES)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def launch_with_blocked_cookies(chromium: Browser, folder: Path, *, site: str, inside: str) -> Iterator[BrowserContext]:
    """Launch a further Chromium in which the user blocks all cookies of `site` inside another site."""
    rule = {f"{site},{inside}": {"setting": 2}}
    (folder / "Default").mkdir()
    (folder / "Default" / "Preferences").write_text(
        json.dumps({"profile": {"content_settings": {"exceptions": {"cookies": rule}}}})
    )
    program = next(filter(None, map(shutil.which, NAMES)))
    with chromium.browser_type.launch_persistent_context(folder, executable_path=program, args=ARGUMENTS) as context:
        yield context


class Visitor:
    """Browser of one person, with its own cookies. `faults` collects errors of every page, pop-up and frame."""

    def __init__(self, browser: Browser, *, origins: set[str], portal: str, viewport: ViewportSize = DESKTOP) -> None:
        self.faults: list[str] = []
        self._expected_statuses: set[int] = set()
        self._origins, self._portal = origins, portal
        self.context = browser.new_context(locale="en-GB", reduced_motion="reduce", viewport=viewport)
        self.context.set_default_timeout(TIMEOUT_MS)
        self.context.add_init_script(REPORT_VIOLATIONS)
        self.context.on("console", self._record_console)
        self.context.on("weberror", self._record_script_error)
        self.context.on("request", self._check_request)
        self.context.on("response", self._check_response)
        self.page = self.context.new_page()

    def add_cookies(self, cookies: dict[str, Any]) -> None:
        """Sign in with the cookies of a test client."""
        self.context.add_cookies(
            [{"name": name, "value": cookie.value, "url": self._portal} for name, cookie in cookies.items()]
        )

    def _record_console(self, message: ConsoleMessage) -> None:
        is_status = message.text.startswith(
            "Failed to load resource: the server responded"
        )  # _check_response sees it too
        if message.type in ("error", "warning") and not is_status:
            self.faults.append(f"console on {message.page and message.page.url}: {message.text}")

    def _record_script_error(self, error: WebError) -> None:
        self.faults.append(f"script on {error.page and error.page.url}: {error.error}")

    def _check_request(self, request: Request) -> None:
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(request.url))
        if origin not in self._origins and not request.url.startswith(("data:", "about:", "blob:")):
            self.faults.append(f"request to another origin: {request.url}")

    def _check_response(self, response: Response) -> None:
        is_expected = response.status in self._expected_statuses and response.request.is_navigation_request()
        if response.status >= 400 and not is_expected:
            self.faults.append(f"{response.status} for {response.request.method} {response.url}")

    @contextmanager
    def expect_status(self, status: int) -> Iterator[None]:
        """Allow pages with this status."""
        self._expected_statuses.add(status)
        yield
        self._expected_statuses.remove(status)

    def press_button(self, name: str) -> None:
        button = self.page.get_by_role("button", name=name, exact=True)
        expect(button).to_be_visible()
        button.click()

    def follow_link(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).click()

    def expect_page(self, heading: str, place: Page | Frame | None = None) -> None:
        """Wait for the portal's page with this heading and check it. This stops a page that refreshes itself."""
        place = place or self.page
        expect(place.get_by_role("heading", name=heading, exact=True, level=1)).to_be_visible()
        self.check_accessibility(place)

    def check_accessibility(self, place: Page | Frame | None = None) -> None:
        """Check the layout and WCAG 2.2 AA, light on a phone and dark on a screen; under ALL=1, each on both."""
        place = place or self.page
        assert place.url.startswith(self._portal), place.url
        place.wait_for_load_state()
        place.evaluate("stop()")
        place.evaluate(AXE_SCRIPT)
        if isinstance(place, Frame):
            self._check_layout(place, "framed")
            return
        size = place.viewport_size or DESKTOP
        for scheme, width in LOOKS:
            place.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            place.set_viewport_size(width)
            self._check_layout(place, f"{scheme}, {width['width']} px")
        place.emulate_media(color_scheme="light", reduced_motion="reduce")
        place.set_viewport_size(size)

    def _check_layout(self, place: Page | Frame, how: str) -> None:
        where = f"{place.title()!r} {place.url} ({how})"
        overhang = place.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if overhang > 0:
            self.faults.append(f"{where}: {overhang} px wider than the window")
        self.faults += [f"{where}: {fault}" for fault in find_layout_faults(place)]
        for violation in place.evaluate(AXE)["violations"]:
            self.faults += [f"{where}: {violation['id']}: {_describe_node(node)}" for node in violation["nodes"]]


def _describe_node(node: dict[str, Any]) -> str:
    return f"{node['html'][:200]} {node['failureSummary']}"


def take_picture(name: str, shown: Locator, *, width: int) -> None:
    """Save a picture for the README, under PICTURES=1."""
    if os.environ.get("PICTURES") == "1":
        size = shown.page.viewport_size or DESKTOP
        shown.page.set_viewport_size({"width": width, "height": size["height"]})
        folder = ROOT / "static" / "readme"
        folder.mkdir(exist_ok=True)
        shown.screenshot(path=folder / f"{name}.png", animations="disabled")
        shown.page.set_viewport_size(size)
