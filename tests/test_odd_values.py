"""Values that no database or calendar can store, at every route: in the path, in parameters and in forms.

On SQLite most of them are harmless; the suite runs on PostgreSQL as well.
"""

from typing import Any, cast
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.db import transaction

from integrations.staff.model_admin import StaffAdmin
from tests.everything import PATTERNS, World, build_url, find_flaws
from tests.routes import ROUTES

pytestmark = pytest.mark.django_db
NUL = "a\0b"
ODD = [NUL, "é", "://", ""]
BEYOND = [NUL, "-1", str(2**63), "0001-01-01T00:00:00+23:59"]
NAMES = ["q", "p", "o", "next", "page", "status", "company", "organisation", "email", "role", "term", "since", "until",
         "login", "password", "decision", "companyId", "redirect", "limit", "cursor", "after", "updated_after",
         "customer", "_popup", "_to_field", "_changelist_filters", "app_label", "model_name", "field_name"]  # fmt: skip
LISTS = [row for row in ROUTES if row.endswith("_changelist")]


def role_for(path: str) -> str:
    if path.startswith("/admin"):
        return "administrator"
    if path.startswith("/api"):
        return "engine"
    return "theirs" if path.startswith("/smartrecruiters/packages") else "alice"


def ask(world: World, method: str, path: str, query: str = "", form: str = "") -> Any:
    kind = "application/x-www-form-urlencoded" if form else "text/plain"
    path_info = path.encode().decode("latin-1")
    with transaction.atomic():
        answer = world.send_request(
            role_for(path), method, "/", form.encode(), kind, PATH_INFO=path_info, QUERY_STRING=query
        )
        transaction.set_rollback(True)
    assert find_flaws(answer, path) == [], (method, path, query[:200], form[:200], answer.status_code)
    return answer


@pytest.mark.parametrize("row", PATTERNS)
def test_nul_in_an_address_is_no_fault_of_ours(world: World, row: str) -> None:
    path = build_url(world, row).partition("?")[0]
    parts = path.rstrip("/").split("/")
    for at in range(2, len(parts)):
        odd = "/".join([*parts[:at], NUL, *parts[at + 1 :]]) + "/" * path.endswith("/")
        for method in ("GET", "POST"):
            assert ask(world, method, odd).status_code >= 300


@pytest.mark.parametrize("row", PATTERNS)
def test_odd_value_of_a_parameter_or_a_field_is_no_fault_of_ours(world: World, row: str) -> None:
    path = build_url(world, row).partition("?")[0]
    for odd in ODD:
        sent = urlencode(dict.fromkeys(NAMES, odd))
        ask(world, "GET", path, query=sent)
        ask(world, "POST", path, form=sent)


@pytest.mark.parametrize("row", LISTS)
def test_odd_value_of_a_filter_is_no_fault_of_ours(world: World, row: str) -> None:
    [lookups] = [
        cast(StaffAdmin, each).get_lookups()
        for model, each in admin.site._registry.items()
        if row == f"admin:{model._meta.label_lower.replace('.', '_')}_changelist"
    ]
    for name in ("q", "p", *sorted(lookups)):
        for odd in BEYOND:
            ask(world, "GET", build_url(world, row), query=urlencode({name: odd}))
