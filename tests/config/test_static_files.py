"""Static files: what is served, and with which headers (tests/reliability/README.md, A19 and A20)."""

import re
from collections import Counter
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.db import transaction
from django.test import Client as Browser

from config import static_files
from tests.everything import World, build_url
from tests.routes import ROUTES

STATIC_URL = re.compile(r"""["'](/static/[^"'?#]+)""")
PAGES = [row for row in ROUTES if ROUTES[row].get("GET", ROUTES[row]["*"])["administrator"] == 200]
PUBLIC_PAGES = ["/accounts/login/", "/accounts/password/reset/", "/take/unknown/", "/nowhere/"]


def test_headers_of_a_static_file(client: Browser) -> None:
    answer = client.get("/static/portal.css", headers={"Origin": "https://elsewhere.example"})
    varying = {"Last-Modified", "Content-Length", "ETag"}
    assert {name: value for name, value in answer.headers.items() if name not in varying} == {
        "Cache-Control": "max-age=60, public",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "Content-Type": 'text/css; charset="utf-8"',
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


@pytest.mark.parametrize("path", ["admin/img/icon-yes.svg", "admin/js/core.js", "close.js", "readme/consent.png"])
def test_every_kind_of_file_has_them(client: Browser, path: str) -> None:
    answer = client.get(f"/static/{path}")
    assert (answer.status_code, answer["Content-Security-Policy"]) == (200, static_files.POLICY)
    assert not answer.has_header("Access-Control-Allow-Origin")


@pytest.mark.parametrize(
    "path",
    [
        "rest_framework/css/bootstrap.min.css",
        "rest_framework/js/jquery-3.7.1.min.js",
        "oauth2_provider/js/application_form.js",
        "account/js/account.js",
        "mfa/js/recovery_codes.js",
        "admin/js/vendor/xregexp/xregexp.min.js",
        "admin/js/urlify.js",
    ],
)
def test_file_that_no_page_uses_is_not_served(client: Browser, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404
    assert path not in list_served()


def list_served() -> list[str]:
    return [path for finder in finders.get_finders() for path, _ in finder.list(None)]


def test_libraries_bring_no_further_files() -> None:
    from_libraries = Counter(path.partition("/")[0] for path in list_served() if static_files.is_used(path))
    assert sorted(from_libraries) == ["account", "admin", "mfa"]


@pytest.mark.django_db
def test_pages_load_what_is_served_and_nothing_else(world: World) -> None:
    loaded: set[str] = set()
    for row in PAGES:
        with transaction.atomic():
            answer: Any = world.send_request("administrator", "GET", build_url(world, row))
            transaction.set_rollback(True)
        if answer["Content-Type"].startswith("text/html"):
            loaded |= set(STATIC_URL.findall(answer.content.decode()))
    for page in PUBLIC_PAGES:
        loaded |= set(STATIC_URL.findall(Browser().get(page).content.decode()))
    served = {f"/static/{path}" for path in list_served()}
    assert loaded - served == set()
    used_libraries = {path for path in loaded if static_files.is_used(path.removeprefix("/static/"))}
    assert {"/static/admin/js/core.js", "/static/account/js/onload.js", "/static/mfa/js/webauthn.js"} <= used_libraries
