"""Lookups in the URLs of admin's lists: those of its own filters and links, and no other."""

import re
from collections.abc import Iterator
from html import unescape
from itertools import cycle
from typing import Any, cast

import pytest
from django.contrib import admin
from django.db import connection as database
from django.db.models import Field, Model
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from integrations.staff.model_admin import StaffAdmin
from tests.everything import World, build_url
from tests.routes import ROUTES, STAFF

pytestmark = pytest.mark.django_db
LISTS = [row for row in ROUTES if row.endswith("_changelist") and "partnerconfiguration" not in row]
LOOKUPS = ("regex", "iregex", "startswith", "icontains", "endswith", "gt", "range", "iexact", "in", "length__gt")
RESERVED = {"q", "p", "o", "all", "e", "_facets", "_popup", "_to_field"}


def admin_of(row: str) -> StaffAdmin:
    label = row.removeprefix("admin:").removesuffix("_changelist")
    registered = {model._meta.label_lower.replace(".", "_"): each for model, each in admin.site._registry.items()}
    return cast(StaffAdmin, registered[label])


def iter_columns(model: type[Model], prefix: str = "", depth: int = 2) -> Iterator[str]:
    """Yield the path of every column of the model, and of the models that are `depth` relations away."""
    for field in model._meta.get_fields():
        if isinstance(field, Field) and not field.is_relation:
            yield prefix + field.name
        elif depth and field.related_model:
            yield from iter_columns(cast(type[Model], field.related_model), f"{prefix}{field.name}__", depth - 1)


def get_status(browser: Browser, url: str, **query: str) -> int:
    return int(browser.get(url, query).status_code)


@pytest.mark.parametrize("row", LISTS)
def test_only_lookups_of_filters_and_links_are_allowed(world: World, row: str) -> None:
    model_admin = admin_of(row)
    columns = list(iter_columns(model_admin.model))
    wanted = {f"{column}__{lookup}" for column in columns for lookup in LOOKUPS} | set(columns)
    assert {each for each in wanted if model_admin.lookup_allowed(each, "x")} == wanted & model_admin.get_lookups()


@pytest.mark.parametrize("row", LISTS)
@pytest.mark.parametrize("role", STAFF)
def test_refused_lookup_is_an_invalid_request_for_every_role(world: World, row: str, role: str) -> None:
    """No statement with the value runs. The test above has every column and lookup."""
    url, browser, value = build_url(world, row), world.browsers[role], "^([0-9a-f-]+)*Z"
    if ROUTES[row]["GET"][role] != 200:
        assert get_status(browser, url, id__regex=value) == ROUTES[row]["GET"][role]
        return
    columns = cycle(iter_columns(admin_of(row).model, depth=0))
    refused = [f"{next(columns)}__{lookup}" for lookup in ("regex", "iregex", "startswith", "contains")]
    with CaptureQueriesContext(database) as queries:
        assert {name: get_status(browser, url, **{name: value}) for name in refused} == dict.fromkeys(refused, 400)
    assert [each["sql"] for each in queries if "REGEXP" in each["sql"] or "0-9a-f" in each["sql"]] == []


@pytest.mark.parametrize(
    ("row", "lookup"),
    [
        ("admin:orders_order_changelist", "launch_url__regex"),
        ("admin:orders_order_changelist", "launch_url__startswith"),
        ("admin:orders_order_changelist", "completed_callback_url"),
        ("admin:orders_order_changelist", "candidate_email"),
        ("admin:orders_order_changelist", "candidate_last_name__iexact"),
        ("admin:orders_order_changelist", "package__id__regex"),
        ("admin:orders_order_changelist", "id__in__regex"),
        ("admin:orders_order_changelist", "attachments__digest__startswith"),
        ("admin:outbox_delivery_changelist", "key__regex"),
        ("admin:outbox_delivery_changelist", "payload__note__startswith"),
        ("admin:outbox_delivery_changelist", "kind__regex"),
        ("admin:integrations_consent_changelist", "key__startswith"),
        ("admin:integrations_connection_changelist", "their_client_id__startswith"),
        ("admin:integrations_client_changelist", "client_secret__startswith"),
        ("admin:integrations_user_changelist", "password__startswith"),
        ("admin:integrations_user_changelist", "customers__connections__their_client_id__startswith"),
    ],
)
@pytest.mark.parametrize("role", STAFF)
def test_hidden_column_is_not_guessed(world: World, row: str, lookup: str, role: str) -> None:
    """Faults 3 and 9 of the security test."""
    assert [get_status(world.browsers[role], build_url(world, row), **{lookup: value}) for value in "hx"] == [400, 400]


@pytest.mark.parametrize("row", LISTS)
@pytest.mark.parametrize("parameter", ["_to_field", "o", "_popup"])
def test_other_parameters_name_no_column(world: World, row: str, parameter: str) -> None:
    status = get_status(world.browsers["administrator"], build_url(world, row), **{parameter: "launch_url__regex"})
    assert status == (400 if parameter == "_to_field" else 200)


@pytest.mark.parametrize("row", LISTS)
def test_every_filter_and_link_of_a_list_works(world: World, row: str) -> None:
    url, model_admin, browser = build_url(world, row), admin_of(row), world.browsers["administrator"]
    page = browser.get(url)
    filters: Any = page.context["cl"].filter_specs
    assert {name for each in filters for name in each.expected_parameters()} - model_admin.get_lookups() == set()
    for link in set(re.findall(r'href="(\?[^"#]+)"', page.content.decode())):
        assert browser.get(url + unescape(link)).status_code == 200, link


def test_every_link_of_the_overview_to_a_list_works(world: World) -> None:
    browser = world.browsers["administrator"]
    page = browser.get("/admin/").content.decode()
    links = {unescape(link) for link in re.findall(r'href="(/admin/[^"#]*\?[^"#]*)"', page)}
    assert links
    for link in links:
        assert browser.get(link).status_code == 200, link


@pytest.mark.parametrize("row", LISTS)
def test_date_hierarchy_is_a_lookup(world: World, row: str) -> None:
    if not (column := admin_of(row).date_hierarchy):
        return
    answer = world.browsers["administrator"].get(
        build_url(world, row), {f"{column}__year": "2026", f"{column}__month": "7", f"{column}__day": "1"}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("support", 200), ("administrator", 200)])
def test_history_follows_the_permission_to_see_the_audit_log(world: World, role: str, status: int) -> None:
    """Fault 21 of the security test: the link is hidden, too."""
    pages = {row: build_url(world, row) for row in ROUTES if row.endswith("_history")}
    browser = world.browsers[role]
    assert {row: get_status(browser, url) for row, url in pages.items() if status == 403 or "audit" not in row} == {
        row: status for row in pages if status == 403 or "audit" not in row
    }
    order = browser.get(build_url(world, "admin:orders_order_change")).content.decode()
    package = browser.get(build_url(world, "admin:assessments_package_change")).content.decode()
    assert ["/history/" in page for page in (order, package)] == [status == 200] * 2
