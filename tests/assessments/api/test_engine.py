import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from assessments.models import Package
from integrations.models import Customer, PartnerConfiguration
from tests import rows
from tests.conftest import Api

PACKAGES = "/api/vendor/v1/packages"
CUSTOMERS = "/api/vendor/v1/customers"
DAYS = "Send a whole number from 1 to 3650."
TYPES = "BACKGROUND_CHECK, BEHAVIORAL_ASSESSMENT, INLINE_ASSESSMENT, REFERENCE_CHECK, SKILL_TEST, VIDEO_INTERVIEW"
NEW = {"type": "SKILL_TEST", "name": "Spreadsheets"}
DEFAULTS = {
    "id": "skills",
    "type": "SKILL_TEST",
    "name": "Spreadsheets",
    "description": "",
    "delivery": "engine",
    "invite_candidate": True,
    "expires_after_days": None,
    "retired": False,
    "assessments": [],
    "rules": [],
}
PARTS = [
    {"id": "pivot", "type": "SKILL_TEST", "name": "Pivot tables", "description": "Five questions."},
    {"id": "formulas", "type": "VIDEO_INTERVIEW", "name": "Formulas", "description": ""},
]
BAD_ID = "Send 1 to 64 letters, digits, _ and -, starting with a letter or digit."


def put(engine: APIClient, package_id: str = "skills", **keys: Any) -> Any:
    return engine.put(f"{PACKAGES}/{package_id}", keys)


def errors_of(answer: Any) -> list[tuple[str, str]]:
    """Return (field, message) pairs of a 422."""
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    return [(error.get("field", ""), error["message"]) for error in answer.json()["errors"]]


# One package


def test_put_of_a_new_package(engine: APIClient) -> None:
    answer = put(engine, **NEW)
    assert (answer.status_code, answer.json()) == (201, DEFAULTS)
    assert engine.get(f"{PACKAGES}/skills").json() == DEFAULTS


def test_put_of_everything(engine: APIClient, customer: Customer) -> None:
    body = {
        **DEFAULTS,
        "description": "Forty minutes.\nTwo parts.",
        "delivery": "manual",
        "invite_candidate": False,
        "expires_after_days": 14,
        "retired": True,
        "assessments": PARTS,
        "rules": [
            {
                "customer": customer.pk,
                "requester": "@northwind.example",
                "country": "DE",
                "region": "BY",
                "city": "München",
                "remote": False,
                "fields": {"seniority": "Senior"},
            },
            {"requester": "rita@northwind.example"},
            {},
        ],
    }
    answer = put(engine, **body)
    assert (answer.status_code, answer.json()) == (201, body)
    again = put(engine, **body)
    assert (again.status_code, again.json()) == (200, body)


def test_put_keeps_missing_keys(engine: APIClient) -> None:
    whole = {**DEFAULTS, "description": "Kept.", "delivery": "manual", "invite_candidate": False, "retired": True}
    whole |= {"expires_after_days": 3, "assessments": PARTS, "rules": [{"country": "DE"}]}
    put(engine, **whole)
    answer = put(engine, name="Renamed")
    assert (answer.status_code, answer.json()) == (200, {**whole, "name": "Renamed"})
    answer = put(engine)
    assert (answer.status_code, answer.json()) == (200, {**whole, "name": "Renamed"})


def test_put_replaces_lists_whole(engine: APIClient) -> None:
    put(engine, **NEW, assessments=PARTS, rules=[{"country": "DE"}, {"country": "FR"}])
    third = {"id": "charts", "type": "SKILL_TEST", "name": "Charts", "description": ""}
    answer = put(engine, assessments=[third, PARTS[0]], rules=[{"city": "Kraków"}])
    assert answer.json() == {**DEFAULTS, "assessments": [third, PARTS[0]], "rules": [{"city": "Kraków"}]}
    assert put(engine, assessments=[], rules=[]).json() == DEFAULTS


def test_put_keeps_missing_keys_of_an_assessment(engine: APIClient) -> None:
    put(engine, **NEW, assessments=PARTS)
    answer = put(engine, assessments=[{"id": "formulas", "name": "References"}, {"id": "pivot"}])
    assert answer.json()["assessments"] == [{**PARTS[1], "name": "References"}, PARTS[0]]


def test_put_takes_a_retired_package_back(engine: APIClient) -> None:
    put(engine, **NEW, retired=True)
    assert put(engine, retired=False).json() == DEFAULTS


@pytest.mark.parametrize(
    ("type", "invited"),
    [
        ("SKILL_TEST", True),
        ("VIDEO_INTERVIEW", True),
        ("BEHAVIORAL_ASSESSMENT", True),
        ("INLINE_ASSESSMENT", False),
        ("BACKGROUND_CHECK", False),
        ("REFERENCE_CHECK", False),
    ],
)
def test_put_invites_by_default_where_the_candidate_has_to_act(engine: APIClient, type: str, invited: bool) -> None:
    assert put(engine, type=type, name="New").json() == {
        **DEFAULTS,
        "type": type,
        "name": "New",
        "invite_candidate": invited,
    }
    assert put(engine, type="SKILL_TEST").json()["invite_candidate"] is invited


@pytest.mark.parametrize("package_id", ["-a", "_a", "a.b", "a b", "ä", "a" * 65, "orders", "inline", "a%00", "a%0A"])
def test_put_under_an_invalid_id(engine: APIClient, package_id: str) -> None:
    reserved = f"“{package_id}” is reserved; choose another id."
    message = reserved if package_id in ("orders", "inline") else BAD_ID
    answer = put(engine, package_id, **NEW)
    assert ("id", message) in errors_of(answer)
    assert Package.objects.count() == 0


@pytest.mark.parametrize("package_id", ["a", "7", "a" * 64, "A-b_C", "Orders"])
def test_put_under_a_good_id(engine: APIClient, package_id: str) -> None:
    assert put(engine, package_id, **NEW).json() == {**DEFAULTS, "id": package_id}


def test_put_of_a_new_package_lists_required_keys(engine: APIClient) -> None:
    answer = put(engine)
    assert answer.json() == {
        "type": "about:blank",
        "title": "Unprocessable content",
        "status": 422,
        "detail": "type: Required for a new entry.",
        "errors": [
            {"code": "invalid", "message": "Required for a new entry.", "field": "type"},
            {"code": "invalid", "message": "Required for a new entry.", "field": "name"},
        ],
    }


@pytest.mark.parametrize(
    ("keys", "field", "message"),
    [
        ({"id": "other"}, "id", "Omit the id, or send skills as in the URL."),
        ({"id": 1}, "id", "Send text."),
        ({"type": "EXAM"}, "type", f"Send one of {TYPES}."),
        ({"type": "skill_test"}, "type", f"Send one of {TYPES}."),
        ({"type": ["SKILL_TEST"]}, "type", f"Send one of {TYPES}."),
        ({"name": ""}, "name", "Send text that is not empty."),
        ({"name": " \n"}, "name", "Send text that is not empty."),
        ({"name": None}, "name", "Send text; null is not allowed."),
        ({"name": 5}, "name", "Send text."),
        ({"name": "x" * 201}, "name", "Send at most 200 characters."),
        ({"description": 5}, "description", "Send text."),
        ({"description": "x" * 2001}, "description", "Send at most 2000 characters."),
        ({"delivery": "post"}, "delivery", "Send one of engine, manual."),
        ({"delivery": True}, "delivery", "Send one of engine, manual."),
        ({"invite_candidate": "yes"}, "invite_candidate", "Send true or false."),
        ({"invite_candidate": 1}, "invite_candidate", "Send true or false."),
        ({"invite_candidate": None}, "invite_candidate", "Send true or false; null is not allowed."),
        ({"expires_after_days": "5"}, "expires_after_days", DAYS),
        ({"expires_after_days": 5.0}, "expires_after_days", DAYS),
        ({"expires_after_days": True}, "expires_after_days", DAYS),
        ({"expires_after_days": 0}, "expires_after_days", DAYS),
        ({"expires_after_days": 3651}, "expires_after_days", DAYS),
        ({"retired": "false"}, "retired", "Send true or false."),
        ({"assessments": None}, "assessments", "Send a list of objects; null is not allowed."),
        ({"assessments": {}}, "assessments", "Send a list of objects."),
        ({"assessments": ["pivot"]}, "assessments.0", "Send an object."),
        ({"assessments": [{"type": "SKILL_TEST", "name": "A"}]}, "assessments.0.id", "This is required: send text."),
        ({"assessments": [{"id": "a.b", "type": "SKILL_TEST", "name": "A"}]}, "assessments.0.id", BAD_ID),
        ({"assessments": [{"id": "a", "name": "A"}]}, "assessments.0.type", "Required for a new entry."),
        ({"assessments": [{"id": "a", "type": "SKILL_TEST"}]}, "assessments.0.name", "Required for a new entry."),
        (
            {"assessments": [PARTS[0], PARTS[0]]},
            "assessments.1.id",
            "This id is repeated. Each assessment of a package needs an id of its own.",
        ),
        (
            {"assessments": [PARTS[0], {**PARTS[1], "score": 1}]},
            "assessments.1.score",
            "There is no such key here; the keys are id, type, name, description.",
        ),
        (
            {"rules": [{"customer": "nobody"}]},
            "rules.0.customer",
            "There is no customer with this id.",
        ),
        ({"rules": [{"customer": None}]}, "rules.0.customer", "Send text; null is not allowed."),
        (
            {"rules": [{}, {"requester": "rita"}]},
            "rules.1.requester",
            "Send an email address or a domain, like @b.example.",
        ),
        ({"rules": [{"country": ""}]}, "rules.0.country", "Send text that is not empty."),
        ({"rules": [{"remote": "true"}]}, "rules.0.remote", "Send true or false."),
        ({"rules": [{"fields": []}]}, "rules.0.fields", "Send an object whose values are text."),
        ({"rules": [{"fields": {"level": 2}}]}, "rules.0.fields.level", "Send text."),
        (
            {"rules": [{"postal_code": "1"}]},
            "rules.0.postal_code",
            "There is no such key here; the keys are customer, requester, country, region, city, remote, fields.",
        ),
        (
            {"created_at": "now"},
            "created_at",
            "There is no such key here; the keys are id, type, name, description, delivery, invite_candidate, "
            "expires_after_days, retired, assessments, rules.",
        ),
    ],
)
def test_put_of_an_invalid_package(engine: APIClient, keys: dict[str, Any], field: str, message: str) -> None:
    assert errors_of(put(engine, **{**NEW, **keys})) == [(field, message)]
    assert Package.objects.count() == 0


def test_put_says_all_that_is_wrong(engine: APIClient) -> None:
    answer = put(engine, type="EXAM", name=1, colour="red", assessments=[{"id": "!"}, 5])
    assert [field for field, _ in errors_of(answer)] == ["colour", "type", "name", "assessments.0.id", "assessments.1"]


@pytest.mark.parametrize("where", ["package", "assessment"])
def test_put_of_a_type_that_is_not_published(engine: APIClient, where: str) -> None:
    rows.configure_partner(supported_types=["VIDEO_INTERVIEW"])
    message = "This type is not published. The partner configuration contains VIDEO_INTERVIEW."
    if where == "package":
        assert errors_of(put(engine, **NEW)) == [("type", message)]
    else:
        answer = put(engine, type="VIDEO_INTERVIEW", name="Video", assessments=[PARTS[0]])
        assert errors_of(answer) == [("assessments.0.type", message)]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("[]", "application/json", 400),
        ("{", "application/json", 400),
        ('{"name": "a", "name": "b"}', "application/json", 400),
        ('{"name": "\\u0000"}', "application/json", 400),
        ("[" * 100_000, "application/json", 413),
        ("[" * 60_000, "application/json", 400),
        (json.dumps({"description": "x" * 66_000}), "application/json", 413),
        ("name=a", "application/x-www-form-urlencoded", 415),
    ],
)
def test_put_of_no_good_json(engine: APIClient, body: str, content_type: str, status: int) -> None:
    answer = engine.put(f"{PACKAGES}/skills", body, content_type=content_type)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")


def test_delete_retires(engine: APIClient) -> None:
    put(engine, **NEW, assessments=PARTS, rules=[{"country": "DE"}])
    answers = [engine.delete(f"{PACKAGES}/skills") for _ in range(2)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b""), (204, b"")]
    retired = {**DEFAULTS, "retired": True, "assessments": PARTS, "rules": [{"country": "DE"}]}
    assert engine.get(f"{PACKAGES}/skills").json() == retired


@pytest.mark.parametrize("method", ["get", "delete"])
@pytest.mark.parametrize("package_id", ["unknown", "orders", "a%00b", "a" * 65, "ä"])
def test_unknown_package(engine: APIClient, method: str, package_id: str) -> None:
    answer = getattr(engine, method)(f"{PACKAGES}/{package_id}")
    assert (answer.status_code, answer.json()) == (
        404,
        {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "Not found.",
            "errors": [{"code": "not_found", "message": "Not found."}],
        },
    )


# The whole catalogue


def test_replace(engine: APIClient) -> None:
    for package_id in ("kept", "changed", "missing"):
        put(engine, package_id, **NEW, assessments=PARTS)
    put(engine, "retired", **NEW, retired=True)
    body = [{"id": "kept"}, {"id": "changed", "name": "Changed", "rules": [{"country": "DE"}]}, {"id": "new", **NEW}]
    answer = engine.put(PACKAGES, {"packages": body})
    assert (answer.status_code, answer.json()) == (200, {"created": 1, "updated": 2, "retired": 1})
    stored = {**DEFAULTS, "assessments": PARTS}
    assert engine.get(PACKAGES).json()["results"] == [
        {**stored, "id": "changed", "name": "Changed", "rules": [{"country": "DE"}]},
        {**stored, "id": "kept"},
        {**stored, "id": "missing", "retired": True},
        {**DEFAULTS, "id": "new"},
        {**DEFAULTS, "id": "retired", "retired": True},
    ]


def test_replace_twice_is_once(engine: APIClient) -> None:
    body = {"packages": [{"id": "skills", **NEW, "assessments": PARTS, "rules": [{"country": "DE"}]}]}
    assert engine.put(PACKAGES, body).json() == {"created": 1, "updated": 0, "retired": 0}
    first = engine.get(PACKAGES).json()
    assert engine.put(PACKAGES, body).json() == {"created": 0, "updated": 1, "retired": 0}
    assert engine.get(PACKAGES).json() == first


def test_replace_by_its_own_response_changes_nothing(engine: APIClient, customer: Customer) -> None:
    put(engine, "one", **NEW, assessments=PARTS, rules=[{"customer": customer.pk, "remote": True}])
    put(engine, "two", **NEW, retired=True)
    listed = engine.get(PACKAGES).json()["results"]
    assert engine.put(PACKAGES, {"packages": listed}).json() == {"created": 0, "updated": 2, "retired": 0}
    assert engine.get(PACKAGES).json()["results"] == listed


def test_replace_by_an_empty_list_retires_all(engine: APIClient) -> None:
    put(engine, **NEW)
    assert engine.put(PACKAGES, {"packages": []}).json() == {"created": 0, "updated": 0, "retired": 1}


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "packages", "This is required: send a list of objects."),
        ({"packages": None}, "packages", "Send a list of objects; null is not allowed."),
        ({"packages": {}}, "packages", "Send a list of objects."),
        ({"packages": ["skills"]}, "packages.0", "Send an object."),
        ({"packages": [{**NEW}]}, "packages.0.id", "This is required: send text."),
        ({"packages": [{"id": "new", **NEW}, {"id": "other"}]}, "packages.1.type", "Required for a new entry."),
        (
            {"packages": [{"id": "new", **NEW}] * 2},
            "packages.1.id",
            "This id is repeated. Send each package once.",
        ),
        (
            {"packages": [{"id": "new", **NEW, "assessments": [PARTS[0], {"id": "x", "type": "EXAM"}]}]},
            "packages.0.assessments.1.type",
            f"Send one of {TYPES}.",
        ),
        ({"packages": [], "dry_run": True}, "dry_run", "There is no such key here; the keys are packages."),
    ],
)
def test_replace_by_an_invalid_list_changes_nothing(
    engine: APIClient, body: dict[str, Any], field: str, message: str
) -> None:
    put(engine, **NEW)
    assert (field, message) in errors_of(engine.put(PACKAGES, body))
    assert engine.get(PACKAGES).json()["results"] == [DEFAULTS]


def test_replace_takes_more_than_other_calls(engine: APIClient) -> None:
    packages = [{"id": f"package-{number}", **NEW, "description": "x" * 1000} for number in range(100)]
    assert engine.put(PACKAGES, {"packages": packages}).json() == {"created": 100, "updated": 0, "retired": 0}
    answer = engine.put(PACKAGES, " " * (8 * 1024 * 1024) + "{}", content_type="application/json")
    assert answer.status_code == 413
    assert answer.json()["errors"] == [{"code": "too_large", "message": "The body may have at most 8388608 bytes."}]


@pytest.mark.parametrize("body", ["[" * 100_000, '{"packages": [], "packages": []}', '{"packages": [{"name": NaN}]}'])
def test_replace_is_as_strict_as_other_calls(engine: APIClient, body: str) -> None:
    assert engine.put(PACKAGES, body, content_type="application/json").status_code == 400


# Numbers of queries


@pytest.mark.parametrize("count", [1, 3])
def test_queries(engine: APIClient, customer: Customer, count: int, django_assert_num_queries: Any) -> None:
    PartnerConfiguration.load()
    packages = [
        {
            "id": f"package-{number}",
            **NEW,
            "assessments": PARTS[:count],
            "rules": [{"customer": customer.pk}, {"country": "DE"}, {"country": "FR"}][:count],
        }
        for number in range(count)
    ]
    with django_assert_num_queries(17):
        assert engine.put(PACKAGES, {"packages": packages}).status_code == 200
    with django_assert_num_queries(3):  # packages, assessments, rules; the token is cached
        assert len(engine.get(PACKAGES).json()["results"]) == count


# Access


@pytest.mark.parametrize("path", [PACKAGES, f"{PACKAGES}/skills", f"{PACKAGES}/unknown", CUSTOMERS])
def test_without_the_vendors_scope(api: Api, token: str, path: str) -> None:
    rows.make_package()
    assert [api(each).get(path).status_code for each in (None, "wrong", token)] == [401, 401, 403]
    assert [api(each).put(path, {}).status_code for each in (None, "wrong", token)] == [401, 401, 403]


def test_customers(engine: APIClient, customer: Customer, other_customer: Customer) -> None:
    Customer.objects.filter(pk=other_customer.pk).update(is_active=False)
    listed = [{"id": each.pk, "name": each.name} for each in (customer, other_customer)]
    assert engine.get(CUSTOMERS).json() == {
        "results": sorted(listed, key=lambda each: each["id"]),
        "next": None,
        "previous": None,
    }
