from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from assessments.models import Assessment
from integrations.models import Customer, PartnerConfiguration
from tests import rows
from tests.conftest import Api

LIST = "/smartrecruiters/packages"
SKILLS = {
    "id": "skills",
    "type": "SKILL_TEST",
    "name": "Package skills",
    "description": "",
    "assessments": [
        {"id": "b", "type": "SKILL_TEST", "name": "Assessment b", "description": ""},
        {"id": "a", "type": "SKILL_TEST", "name": "Assessment a", "description": ""},
    ],
}


def problem_document(status: int, title: str, code: str, detail: str, **field: str) -> dict[str, Any]:
    message = detail.removeprefix(f"{field.get('field')}: ")
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "errors": [{"code": code, "message": message, **field}],
    }


NO_PACKAGE = problem_document(404, "Not Found", "not_found", "No such assessment package.")


@pytest.mark.parametrize("slash", ["", "/"])
def test_list_is_a_plain_array(smartrecruiters: APIClient, slash: str) -> None:
    rows.make_package("skills", assessments=("b", "a"))
    rows.make_package("alone", name="Alone", description="All of <it> & more\u0001", delivery="manual")
    answer = smartrecruiters.get(LIST + slash)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json() == [
        {
            "id": "alone",
            "type": "SKILL_TEST",
            "name": "Alone",
            "description": "All of <it> & more\u0001",
            "assessments": [],
        },
        SKILLS,
    ]


def test_empty_list_is_204(smartrecruiters: APIClient) -> None:
    rows.make_package(retired_at=timezone.now())
    answer = smartrecruiters.get(LIST)
    assert (answer.status_code, answer.content, answer.has_header("Content-Type")) == (204, b"", False)


def test_list_is_the_tokens_customers(
    smartrecruiters: APIClient, api: Api, other_token: str, customer: Customer, other_customer: Customer
) -> None:
    rows.make_package("mine", rules=({"customer": customer},), assessments=("a",))
    rows.make_package("theirs", rules=({"customer": other_customer},), assessments=("a",))
    assert [package["id"] for package in smartrecruiters.get(LIST).json()] == ["mine"]
    assert [package["id"] for package in api(other_token).get(LIST).json()] == ["theirs"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["all"]),
        ({"country-code": "de"}, ["all", "country"]),
        ({"region-abbr": "by"}, ["all", "region"]),
        ({"city": "MÜNCHEN"}, ["all", "city"]),
        ({"remote": "true"}, ["all", "remote"]),
        ({"remote": "True"}, ["all", "remote"]),
        ({"remote": "false"}, ["all", "on-site"]),
        ({"remote": "perhaps"}, ["all"]),
        ({"remote": ""}, ["all"]),
        ({"seniority": "senior"}, ["all", "field"]),
        ({"seniority": ["lead", "senior"]}, ["all", "field"]),
        ({"address": "Lindenstraße 12", "postal-code": "10969", "unknown": "x"}, ["all"]),
        ({"country-code": " ", "city": ""}, ["all"]),
        ({"country-code": "DE", "city": "München", "remote": "false"}, ["all", "city", "country", "on-site"]),
        ({"city": "\x00"}, ["all"]),
    ],
)
def test_list_by_location_and_fields(smartrecruiters: APIClient, query: dict[str, Any], expected: list[str]) -> None:
    rows.make_package("all")
    rows.make_package("country", rules=({"country": "DE"},))
    rows.make_package("region", rules=({"region": "BY"},))
    rows.make_package("city", rules=({"city": "München"},))
    rows.make_package("remote", rules=({"remote": True},))
    rows.make_package("on-site", rules=({"remote": False},))
    rows.make_package("field", rules=({"fields": {"seniority": "Senior"}},))
    answer = smartrecruiters.get(LIST, query)
    assert [package["id"] for package in answer.json()] == expected


@pytest.mark.parametrize(
    "header",
    ['{"email": "rita@northwind.example"}', "email,rita@northwind.example", "rita@northwind.example"],
)
def test_list_by_requester(smartrecruiters: APIClient, header: str) -> None:
    rows.make_package("all")
    rows.make_package("ours", rules=({"requester": "@northwind.example"},))
    rows.make_package("eves", rules=({"requester": "eve@northwind.example"},))
    answer = smartrecruiters.get(LIST, headers={"requester": header})
    assert [package["id"] for package in answer.json()] == ["all", "ours"]


def test_list_by_a_requester_of_another_customer(smartrecruiters: APIClient, other_customer: Customer) -> None:
    rows.make_package("theirs", rules=({"customer": other_customer, "requester": "@harbour.example"},))
    assert smartrecruiters.get(LIST, headers={"requester": "charlie@harbour.example"}).status_code == 204


@pytest.mark.parametrize("header", ["", "{}", "null", '""', '{"email":null}', '{"email":""}', "userId,5f"])
def test_list_by_a_requester_that_names_nobody(smartrecruiters: APIClient, header: str) -> None:
    rows.make_package("all")
    rows.make_package("ours", rules=({"requester": "@northwind.example"},))
    answer = smartrecruiters.get(LIST, HTTP_REQUESTER=header)
    assert (answer.status_code, answer.json()) == (200, smartrecruiters.get(LIST).json())
    assert [package["id"] for package in answer.json()] == ["all"]


@pytest.mark.parametrize("header", ["nobody", '{"email": 1}', "[]", "\xff@b.example", "x" * 16_000])
def test_list_with_a_bad_requester(smartrecruiters: APIClient, header: str) -> None:
    rows.make_package()
    answer = smartrecruiters.get(LIST, HTTP_REQUESTER=header)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    message = 'Send {"email": "a@b.example"} as JSON, or email,a@b.example, or the email address alone.'
    assert answer.json() == problem_document(400, "Bad request", "invalid", f"requester: {message}", field="requester")


def test_list_leaves_out_types_that_are_not_published(smartrecruiters: APIClient) -> None:
    configuration = PartnerConfiguration.load()
    configuration.supported_types = ["SKILL_TEST", "NO_SUCH_TYPE"]
    configuration.save()
    rows.make_package("skills", assessments=("a", "b"))
    Assessment.objects.filter(assessment_id="b").update(type="VIDEO_INTERVIEW")
    rows.make_package("video", "VIDEO_INTERVIEW")
    rows.make_package("odd", "NO_SUCH_TYPE")
    assert smartrecruiters.get(LIST).json() == [{**SKILLS, "assessments": [SKILLS["assessments"][1]]}]


@pytest.mark.parametrize(("offers_inline", "expected"), [(True, ["inline-one", "skills"]), (False, ["skills"])])
def test_list_has_inline_packages_where_inline_is_offered(
    smartrecruiters: APIClient, offers_inline: bool, expected: list[str]
) -> None:
    configuration = PartnerConfiguration.load()
    configuration.offers_inline = offers_inline
    configuration.save()
    rows.make_package("inline-one", "INLINE_ASSESSMENT")
    rows.make_package("skills")
    assert [package["id"] for package in smartrecruiters.get(LIST).json()] == expected


@pytest.mark.parametrize("count", [1, 3])
def test_list_of_an_unchanged_catalogue_takes_one_query(
    smartrecruiters: APIClient, customer: Customer, count: int, django_assert_num_queries: Any
) -> None:
    for number in range(count):
        rules = tuple({"customer": customer, "country": country} for country in ("DE", "FR", "PL")[:count])
        rows.make_package(f"package-{number}", assessments=("a", "b", "c")[:count], rules=rules)
    smartrecruiters.get(LIST)  # caches the token and the catalogue
    with django_assert_num_queries(1):  # the revision
        assert len(smartrecruiters.get(LIST, {"country-code": "de"}).json()) == count


@pytest.mark.parametrize("slash", ["", "/"])
def test_one_package(smartrecruiters: APIClient, slash: str) -> None:
    rows.make_package("skills", assessments=("b", "a"))
    answer = smartrecruiters.get(f"{LIST}/skills{slash}")
    assert (answer.status_code, answer.json()) == (200, SKILLS)


def test_one_package_keeps_resolving(smartrecruiters: APIClient, customer: Customer) -> None:
    """Hiring steps store ids, so a retired, hidden or unpublished package still resolves."""
    rows.configure_partner(supported_types=["VIDEO_INTERVIEW"], offers_inline=False)
    rules = ({"customer": customer, "country": "DE", "requester": "@nowhere.example"},)
    rows.make_package("skills", assessments=("b", "a"), rules=rules, retired_at=timezone.now())
    answer = smartrecruiters.get(f"{LIST}/skills")
    assert (answer.status_code, answer.json()) == (200, SKILLS)


@pytest.mark.parametrize(
    "package_id", ["theirs", "unknown", "inline", "SKILLS", "a" * 65, "..", "%2e%2e", "a%00b", "a b", "%F0%9F%98%80"]
)
def test_one_package_unknown_or_another_customers(
    smartrecruiters: APIClient, other_customer: Customer, package_id: str
) -> None:
    rows.make_package("skills")
    rows.make_package("theirs", rules=({"customer": other_customer},))
    answer = smartrecruiters.get(f"{LIST}/{package_id}")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json() == NO_PACKAGE


@pytest.mark.parametrize("path", [LIST, f"{LIST}/skills"])
def test_without_a_good_token(api: Api, connection: Any, path: str) -> None:
    rows.make_package()
    assert [api(None).get(path).status_code, api("wrong").get(path).status_code] == [401, 401]
    assert api(None).get(path)["WWW-Authenticate"] == 'Bearer realm="portal"'
    assert api("wrong").get(path)["WWW-Authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("path", [LIST, f"{LIST}/skills"])
def test_with_a_token_of_another_scope(api: Api, connection: Any, engine_token: str, path: str) -> None:
    rows.make_package()
    answers = [api(token).get(path) for token in (engine_token, rows.make_token(connection, scope="orders_modify"))]
    assert [answer.status_code for answer in answers] == [403, 403]
    challenge = 'Bearer error="insufficient_scope", scope="packages_view"'
    assert [answer["WWW-Authenticate"] for answer in answers] == [challenge, challenge]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
@pytest.mark.parametrize("path", [LIST, f"{LIST}/skills"])
def test_with_another_method(smartrecruiters: APIClient, path: str, method: str) -> None:
    rows.make_package()
    answer = getattr(smartrecruiters, method)(path)
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
    assert "GET" in answer["Allow"]
