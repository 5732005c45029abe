"""Every route, requested by every role with every method; tests/routes.py is the table."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import transaction

from tests import footprint
from tests.everything import PATTERNS, World, build_body, build_url, find_flaws
from tests.routes import METHODS, ROLES, ROUTES, Answer

pytestmark = pytest.mark.django_db
SOME_ROLES = ("stranger", "alice", "administrator", "engine")  # enough for methods that a row does not name
REFUSED = {401, 403, 404, 405, 409, 410, "to /accounts/login/", "to /admin/login/"}

# Used by programs with a token, or by a candidate's link. Signed-in users are redirected from sign-in with or without a
# CSRF token; the stranger's case is in tests/integrations/accounts/test_sign_in_messages.py.
WITHOUT_FORM = ("engine", "orders", "inline-orders", "token", "take", "account_login")


@pytest.fixture(autouse=True)
def _make_smartrecruiters_unreachable(settings: Any) -> None:
    settings.SMARTRECRUITERS_API_URL = "http://127.0.0.1:9"


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    listed = {row.partition(", ")[0] for row in ROUTES}
    assert sorted(PATTERNS.keys() - listed) == [], (
        "These routes have no row in tests/routes.py. Add one each, with the answer of every role. If a route needs "
        "other arguments than `route_arguments` of tests/everything.py has, or a body, add them to "
        "URL_ARGUMENTS and BODIES there. A model in the admin needs a line in RIGHTS and one in `admin_rows`."
    )
    assert sorted(listed - PATTERNS.keys()) == [], "These rows of tests/routes.py no longer have a route."


@pytest.mark.parametrize("row", ROUTES)
def test_every_role_gets_what_the_table_says(world: World, row: str) -> None:
    url, table = build_url(world, row), ROUTES[row]
    actual: dict[tuple[str, str], Answer] = {}
    for method in ("GET", "POST", "DELETE") if url.startswith("/admin/") else METHODS:
        for role in ROLES if method in table and method != "HEAD" else SOME_ROLES:
            with transaction.atomic(), footprint.record_writes() as written:
                answer = world.send_request(role, method, url, *build_body(world, row, method))
                actual[role, method] = _summarize(answer)
                assert find_flaws(answer, url.partition("?")[0]) == [], (role, method, url)
                assert actual[role, method] not in REFUSED or written == [], (role, method, url)
                transaction.set_rollback(True)
    expected = {(role, method): table.get(method, table["*"])[role] for role, method in actual}
    assert [f"{method} by {role}: {actual[role, method]}, not {expected[role, method]}" for role, method in actual
            if actual[role, method] != expected[role, method]] == []  # fmt: skip


@pytest.mark.parametrize(
    ("row", "role", "method"),
    [("disconnect", "alice", "POST"), ("orders", "theirs", "POST"), ("engine-package", "engine", "DELETE")],
)
def test_what_is_done_is_seen_as_written(world: World, row: str, role: str, method: str) -> None:
    """Check the check: a write is recorded, so that "no writes" means something."""
    with transaction.atomic(), footprint.record_writes() as written:
        world.send_request(role, method, build_url(world, row), *build_body(world, row, method))
        transaction.set_rollback(True)
    assert written != []


@pytest.mark.parametrize("row", [row for row in ROUTES if "POST" in ROUTES[row] and not row.startswith(WITHOUT_FORM)])
def test_every_form_wants_its_token(world: World, row: str) -> None:
    """C22 of tests/reliability/README.md, for every role that may post the form."""
    for role in ("alice", "administrator"):
        if ROUTES[row]["POST"][role] in REFUSED - {"to /accounts/login/"}:
            continue
        browser = world.browsers[role]
        browser.handler.enforce_csrf_checks = True
        with transaction.atomic():
            answer = world.send_request(role, "POST", build_url(world, row), *build_body(world, row, "POST"))
            transaction.set_rollback(True)
        browser.handler.enforce_csrf_checks = False
        assert (answer.status_code, "This page has expired" in answer.content.decode()) == (403, True)


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
def test_odd_methods_tell_and_do_nothing(world: World, method: str) -> None:
    """T33: the response is a refusal or lists the allowed methods, and never repeats the request."""
    for row in ROUTES:
        role = "administrator" if row.startswith("admin") else "stranger"
        with transaction.atomic():
            answer = world.send_request(role, method, build_url(world, row), HTTP_X_CANARY="canary-33")
            transaction.set_rollback(True)
        assert answer.status_code < 500
        assert not row.startswith("admin:") or answer.status_code >= 300, row
        assert not answer.has_header("Access-Control-Allow-Origin")
        assert "canary-33" not in answer.content.decode("utf-8", "replace") + str(answer.headers)


def test_every_page_carries_the_headers_of_a_careful_one(world: World) -> None:
    """A19, C29, C34, S16. Pages that SmartRecruiters may frame have their own tests."""
    for row in ROUTES:
        path = build_url(world, row)
        with transaction.atomic():
            answer = world.send_request("administrator" if path.startswith("/admin") else "bob", "GET", path)
            transaction.set_rollback(True)
        parts = answer.headers["Content-Security-Policy"].split(";")
        policy = dict(part.strip().partition(" ")[::2] for part in parts)
        if "sandbox" not in policy:
            assert {policy[name] for name in ("object-src", "base-uri", "default-src")} == {"'none'"}, row
            assert "unsafe" not in str(policy), row
        if not row.startswith(FRAMED):
            assert policy.get("frame-ancestors", "'none'") == "'none'", row
            assert (answer.headers["X-Frame-Options"], answer.headers["Cross-Origin-Opener-Policy"]) == SHUT, row
        assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer"), row
        for cookie in answer.cookies.values():
            is_framed = cookie.key.startswith("frame-")
            assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (
                True,
                "None" if is_framed else "Lax",
                "/",
            ), (row, cookie.key)


SHUT = ("DENY", "same-origin")
# By SmartRecruiters in a pop-up; and the preview of an email by the admin's own page.
FRAMED = ("consent", "admin:email")


def _summarize(answer: Any) -> Answer:
    place = urlsplit(answer.headers.get("Location", "")).path
    is_known = place in ("/", "/admin/", "/admin/login/", "/accounts/login/")
    return f"to {place}" if is_known else int(answer.status_code)
