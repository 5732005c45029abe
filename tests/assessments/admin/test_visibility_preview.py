"""Tests of the visibility preview and its reasons."""

import json
from itertools import product
from typing import Any

import pytest
from django.test import Client as Browser
from rest_framework.test import APIClient

from assessments.compiled_catalogue import HiddenPackage, load_catalogue
from assessments.models import Package
from assessments.visibility import PackageQuery, RuleMismatch
from integrations.models import Customer, PartnerConfiguration, PartnerField
from tests import rows

pytestmark = pytest.mark.django_db
PAGE = "/admin/assessments/package/who-sees-what/"


@pytest.fixture(autouse=True)
def _field() -> None:
    PartnerConfiguration.load()
    PartnerField.objects.create(field_id="department", name="Department", description="Where")


def page_text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def list_hidden(customer: Customer, **came: Any) -> list[HiddenPackage]:
    return load_catalogue().list_hidden(PackageQuery(customer, **came))


def test_reason_names_the_keys_that_do_not_match(customer: Customer, other_customer: Customer) -> None:
    rules = (
        {"customer": other_customer, "country": "DE"},
        {"requester": "@harbour.example", "country": "FR", "region": "BY", "remote": True},
        {"city": "Oslo", "fields": {"department": "Sales", "level": "2"}},
    )
    rows.make_package(rules=rules)
    came = {"requester": "rita@northwind.example", "country": "de", "remote": False, "fields": {"department": ["HR"]}}
    [package] = list_hidden(customer, **came)
    assert (package.id, package.reason) == ("skills", "")
    assert package.rule_mismatches == [
        [RuleMismatch("customer", "Harbour Clinics", "Northwind Retail")],
        [
            RuleMismatch("requester", "@harbour.example", "rita@northwind.example"),
            RuleMismatch("country", "FR", "de"),
            RuleMismatch("region", "BY", ""),
            RuleMismatch("remote", "true", "false"),
        ],
        [RuleMismatch("city", "Oslo", ""), RuleMismatch("department", "Sales", "HR"), RuleMismatch("level", "2", "")],
    ]


def test_retired_or_unpublished_package_says_so(customer: Customer) -> None:
    rows.configure_partner(supported_types=["SKILL_TEST"])
    rows.make_package("old", retired_at="2026-01-01T00:00Z")
    rows.make_package("film", "VIDEO_INTERVIEW")
    assert list_hidden(customer) == [
        HiddenPackage("film", "Package film", "The partner configuration does not include its type, Video interview."),
        HiddenPackage("old", "Package old", "The package is retired."),
    ]


def test_every_hidden_package_has_a_reason_and_no_seen_one_is_hidden(
    customer: Customer, other_customer: Customer
) -> None:
    """Compare reasons and list over all rules of two values per key and all queries."""
    keys: dict[str, tuple[Any, ...]] = {
        "customer": (None, customer, other_customer),
        "requester": ("", "@a.example", "b@a.example"),
        "country": ("", "DE"),
        "remote": (None, True, False),
        "fields": ({}, {"department": "Sales"}),
    }
    for number, values in enumerate(product(*keys.values())):
        rows.make_package(f"p{number}", rules=(dict(zip(keys, values, strict=True)),))
    everything = set(Package.objects.values_list("pk", flat=True))
    for requester, country, remote, fields in product(
        ("", "B@a.example", "c@a.example"), ("", "de", "FR"), (None, True), ({}, {"department": ["SALES"]})
    ):
        asking = PackageQuery(customer, requester=requester, country=country, remote=remote, fields=fields)
        seen = {package.id for package in load_catalogue().list_visible(asking)}
        left_out = load_catalogue().list_hidden(asking)
        assert {package.id for package in left_out} == everything - seen
        assert all(all(package.rule_mismatches) for package in left_out)


def test_page_without_a_customer_shows_advice(staff_browser: Browser, customer: Customer) -> None:
    page = page_text(staff_browser.get(PAGE))
    assert "Choose a customer to see" in page
    assert 'name="department"' in page


def test_page_matches_the_list_for_smartrecruiters(
    staff_browser: Browser, smartrecruiters: APIClient, customer: Customer
) -> None:
    rows.make_package("sales", assessments=("logic",), rules=({"fields": {"department": "Sales"}, "country": "DE"},))
    rows.make_package("oslo", rules=({"city": "Oslo"},))
    query = {"country-code": "de", "department": "sales"}
    answer = staff_browser.get(
        PAGE, {"customer": customer.pk, "requester": "rita@northwind.example", **query, "remote": ""}
    )
    seen = [json.loads(package.listed) for package in answer.context["seen"]]
    assert seen == smartrecruiters.get("/smartrecruiters/packages", query).json()
    page = page_text(answer)
    assert "1 package for Northwind Retail" in page
    assert "1 hidden package" in page
    assert "must be <strong><bdi>Oslo</bdi></strong> but is <bdi>not set</bdi>" in page


def test_page_of_an_empty_list_mentions_204(staff_browser: Browser, customer: Customer) -> None:
    assert "SmartRecruiters receives an empty response (204)" in page_text(
        staff_browser.get(PAGE, {"customer": customer.pk})
    )


def test_invalid_requester_is_refused(staff_browser: Browser, customer: Customer) -> None:
    page = page_text(staff_browser.get(PAGE, {"customer": customer.pk, "requester": "rita"}))
    assert "or the email address alone." in page
    assert "Choose a customer to see" in page


def test_page_is_reached_from_the_list_and_for_staff_alone(staff_browser: Browser, alice: Any) -> None:
    assert f'href="{PAGE}"' in page_text(staff_browser.get("/admin/assessments/package/"))
    browser = Browser()
    browser.force_login(alice)
    assert browser.get(PAGE).status_code in (302, 403)
