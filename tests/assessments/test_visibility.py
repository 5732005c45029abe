"""Tests of the visibility rules."""

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from assessments import catalogue, compiled_catalogue
from assessments.compiled_catalogue import Catalogue, load_catalogue
from assessments.models import Assessment, Package, Rule
from assessments.visibility import PackageQuery
from integrations.models import Customer
from tests.rows import configure_partner, make_package

EVERYTHING = {
    "requester": "rita@northwind.example",
    "country": "DE",
    "region": "BY",
    "city": "München",
    "remote": True,
    "fields": {"seniority": ["Senior"]},
}


def list_visible(customer: Customer, **came: Any) -> list[str]:
    return [package.id for package in load_catalogue().list_visible(PackageQuery(customer, **came))]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("requester", "rita@northwind.example"),
        ("requester", "RITA@Northwind.example"),
        ("requester", "@northwind.example"),
        ("requester", "@NORTHWIND.EXAMPLE"),
        ("country", "de"),
        ("region", "by"),
        ("city", "MÜNCHEN"),
        ("remote", True),
        ("fields", {"seniority": "senior"}),
    ],
)
def test_rule_that_matches(customer: Customer, key: str, value: Any) -> None:
    make_package(rules=({key: value},))
    assert list_visible(customer, **EVERYTHING) == ["skills"]


@pytest.mark.parametrize(
    ("rule", "sent"),
    [
        ("München", unicodedata.normalize("NFD", "München")),
        (unicodedata.normalize("NFD", "München"), "MÜNCHEN"),
        ("서울", unicodedata.normalize("NFD", "서울")),
        ("İstanbul", "Istanbul"),
        ("İstanbul", "istanbul"),
        ("istanbul", "İSTANBUL"),
        ("Gießen", "GIESSEN"),
        ("Ｋöln", "Köln"),
        ("New York", "New\u00a0York"),
        ("New York", " New  York\t"),
        ("Berlin", "Ber\u00adlin\u200b"),
    ],
)
def test_rule_matches_the_same_text_in_another_form(customer: Customer, rule: str, sent: str) -> None:
    make_package("city", rules=({"city": rule},))
    make_package("field", rules=({"fields": {"place": rule}},))
    assert list_visible(customer, city=sent, fields={"place": [sent]}) == ["city", "field"]
    assert load_catalogue().list_hidden(PackageQuery(customer, city=sent, fields={"place": [sent]})) == []


def test_rule_matches_a_requester_in_another_form(customer: Customer) -> None:
    make_package(rules=({"requester": "@münchen.example"},))
    assert list_visible(customer, requester=unicodedata.normalize("NFD", "rita@MÜNCHEN.example")) == ["skills"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("requester", "eve@northwind.example"),
        ("requester", "@harbour.example"),
        ("requester", "@wind.example"),
        ("requester", "@example"),
        ("country", "D"),
        ("region", "BE"),
        ("city", "Munchen"),
        ("remote", False),
        ("fields", {"seniority": "junior"}),
        ("fields", {"seniority": "senior", "level": "2"}),
    ],
)
def test_rule_that_does_not_match(customer: Customer, key: str, value: Any) -> None:
    make_package(rules=({key: value},))
    assert list_visible(customer, **EVERYTHING) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("requester", "rita@northwind.example"),
        ("requester", "@northwind.example"),
        ("country", "DE"),
        ("region", "BY"),
        ("city", "München"),
        ("remote", True),
        ("remote", False),
        ("fields", {"seniority": "Senior"}),
    ],
)
def test_rule_without_a_value_in_the_query_does_not_match(customer: Customer, key: str, value: Any) -> None:
    make_package(rules=({key: value},))
    assert list_visible(customer) == []


@pytest.mark.parametrize("missing", [*EVERYTHING])
def test_rule_with_all_keys_needs_them_all(customer: Customer, missing: str) -> None:
    make_package(rules=({**EVERYTHING, "fields": {"seniority": "Senior"}, "customer": customer},))
    assert list_visible(customer, **EVERYTHING) == ["skills"]
    assert list_visible(customer, **{key: value for key, value in EVERYTHING.items() if key != missing}) == []


def test_field_with_several_values_matches_by_one(customer: Customer) -> None:
    make_package(rules=({"fields": {"seniority": "Senior"}},))
    assert list_visible(customer, fields={"seniority": ["Lead", "senior"]}) == ["skills"]


def test_package_without_rules_is_visible_to_all(customer: Customer, other_customer: Customer) -> None:
    make_package()
    assert (list_visible(customer), list_visible(other_customer)) == (["skills"], ["skills"])


def test_rule_without_keys_is_visible_to_all(customer: Customer) -> None:
    make_package(rules=({},))
    assert list_visible(customer) == ["skills"]


def test_rule_of_a_customer(customer: Customer, other_customer: Customer) -> None:
    make_package(rules=({"customer": customer},))
    assert (list_visible(customer), list_visible(other_customer)) == (["skills"], [])


def test_one_of_two_rules_is_enough(customer: Customer, other_customer: Customer) -> None:
    make_package(rules=({"customer": other_customer}, {"country": "DE"}))
    assert (list_visible(customer, country="DE"), list_visible(customer, country="FR")) == (["skills"], [])


def test_keys_of_two_rules_are_not_mixed(customer: Customer, other_customer: Customer) -> None:
    make_package(rules=({"customer": customer, "country": "FR"}, {"customer": other_customer, "country": "DE"}))
    assert list_visible(customer, country="DE") == []


def test_retired_package_is_not_seen(customer: Customer, retired: Package) -> None:
    assert list_visible(customer) == []


def test_package_of_another_type_is_not_seen(customer: Customer) -> None:
    configure_partner(supported_types=["VIDEO_INTERVIEW"])
    make_package(type="SKILL_TEST")
    assert list_visible(customer) == []


@pytest.mark.parametrize(
    ("keys", "allowed"),
    [
        ([], True),
        (["mine"], True),
        (["theirs"], False),
        (["theirs", "mine"], True),
        (["theirs", "anybody's, elsewhere"], True),
    ],
)
def test_may_order(customer: Customer, other_customer: Customer, keys: list[str], allowed: bool) -> None:
    """Only the customer of a rule counts; a rule without one admits every customer."""
    rules = {
        "mine": {"customer": customer, "country": "DE"},
        "theirs": {"customer": other_customer},
        "anybody's, elsewhere": {"requester": "@nowhere.example", "remote": True},
    }
    package = make_package(rules=tuple(rules[key] for key in keys))
    assert (load_catalogue().find_orderable(package.pk, customer) is not None) is allowed


def test_may_order_a_retired_package(customer: Customer, retired: Package) -> None:
    assert load_catalogue().find_orderable(retired.pk, customer) is not None


@pytest.fixture
def retired(customer: Customer) -> Package:
    return make_package(rules=({"customer": customer},), retired_at=timezone.now())


def write_instance(package: Package) -> None:
    package.name = "Renamed"
    package.save()


@pytest.mark.parametrize(
    "write",
    [
        write_instance,
        lambda package: Package.objects.filter(pk=package.pk).update(name="Renamed"),
        lambda package: Package.objects.filter(pk=package.pk).update(retired_at=timezone.now()),
        lambda package: Package.objects.bulk_create([Package(id="more", type="SKILL_TEST", name="More")]),
        lambda package: package.delete(),
        lambda package: Package.objects.all().delete(),
        lambda package: Rule.objects.bulk_create([Rule(package=package, country="DE")]),
        lambda package: Rule.objects.create(package=package, country="DE"),
        lambda package: Assessment.objects.create(package=package, assessment_id="a", type="SKILL_TEST", name="A"),
        lambda package: configure_partner(supported_types=["VIDEO_INTERVIEW"]),
        lambda package: configure_partner(offers_inline=False),
        lambda package: catalogue.retire_packages(package.pk),
    ],
)
def test_each_write_shows_at_once(customer: Customer, write: Callable[[Package], object]) -> None:
    package = make_package(type="INLINE_ASSESSMENT")
    before = load_catalogue()
    write(package)
    assert load_catalogue() != before
    assert load_catalogue() == Catalogue.compile()


def test_deleted_customer_takes_its_rules_along(customer: Customer, other_customer: Customer) -> None:
    make_package(rules=({"customer": other_customer}, {"customer": customer}))
    assert list_visible(customer) == ["skills"]
    other_customer.delete()
    [package] = load_catalogue().list_visible(PackageQuery(customer))
    assert [rule.customer_id for rule in package.rules] == [customer.pk]


def test_unchanged_catalogue_is_read_once(customer: Customer, django_assert_num_queries: Any) -> None:
    make_package()
    compiled = load_catalogue()
    with django_assert_num_queries(1):
        assert load_catalogue() is compiled


def test_write_that_is_rolled_back_leaves_no_trace(customer: Customer) -> None:
    make_package()
    with transaction.atomic():
        make_package("other")
        assert list_visible(customer) == ["other", "skills"]
        transaction.set_rollback(True)
    assert list_visible(customer) == ["skills"]
    make_package("third")
    assert list_visible(customer) == ["skills", "third"]


def test_write_during_the_compilation_is_not_missed(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package must not appear without its rules because it was read between two writes."""
    load_rules = compiled_catalogue._load_rules

    def load_rules_then_write() -> Any:
        rules = load_rules()
        monkeypatch.undo()
        make_package("restricted", rules=({"country": "FR"},))
        return rules

    make_package()
    monkeypatch.setattr(compiled_catalogue, "_load_rules", load_rules_then_write)
    assert list_visible(customer) == ["skills"]
