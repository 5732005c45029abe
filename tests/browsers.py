"""Fixtures of tests in a real browser, which is launched once per module; a person's context shares nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser

from tests.e2e.browser import Visitor, launch_chromium


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, launch_chromium() as browser:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright runs an event loop in this thread
        yield browser


@pytest.fixture
def stella(live_server: Any, staff_browser: Client, chromium: Browser) -> Iterator[Visitor]:
    """Yield a browser in which Stella is signed in. Faults on any page fail the test."""
    visitor = Visitor(chromium, origins={live_server.url}, portal=live_server.url)
    visitor.add_cookies(staff_browser.cookies)
    yield visitor
    visitor.context.close()
    assert "\n".join(visitor.faults) == ""
