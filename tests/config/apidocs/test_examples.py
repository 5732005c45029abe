"""The examples of the engine's API keep to its description, and tell what it really answers."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no types
from rest_framework.test import APIClient

from config.apidocs import examples
from integrations.api.openapi import EXAMPLE_ERRORS
from integrations.models import Connection, Customer, EventType
from integrations.outbox.models import Delivery
from integrations.webhooks import events
from orders import resources
from orders.models import Resource
from tests import rows
from tests.orders import bodies

pytestmark = pytest.mark.django_db
Json = dict[str, Any]
API = "/api/vendor/v1"
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
VARIES = {
    r"http://localhost:8000": examples.PORTAL_URL,
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z": "(instant)",
    r"\b(ord|att|wh)_[a-z0-9]{20}\b": r"\1_",
    r"/(take|files)/[A-Za-z0-9_-]{32}": r"/\1/",
    r"whsec_[A-Za-z0-9+/=]+": "whsec_",
}


@pytest.fixture
def description(db: None) -> Json:
    schema: Json = Browser().get(f"{API}/schema").json()
    return schema


def calls(description: Json) -> Iterator[tuple[str, Json]]:
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            yield f"{method.upper()} {path.removeprefix(f'{API}/')}", operation


def media(operation: Json) -> Iterator[tuple[str, Json]]:
    """Return each request and response body with its schema."""
    for kind, each in operation.get("requestBody", {}).get("content", {}).items():
        yield kind, each
    for status, answer in operation["responses"].items():
        for each in answer.get("content", {}).values():
            yield status, each


def as_json_schema(part: Any) -> Any:
    """Convert a schema of OpenAPI 3.0 (`nullable`, `readOnly`) to JSON Schema."""
    if isinstance(part, list):
        return [as_json_schema(each) for each in part]
    if not isinstance(part, dict):
        return part
    plain = {key: as_json_schema(value) for key, value in part.items() if key not in ("nullable", "example")}
    return {"anyOf": [plain, {"type": "null"}]} if part.get("nullable") is True else plain


def test_every_request_and_answer_has_an_example_of_its_schema(description: Json) -> None:
    components = as_json_schema(description["components"])
    seen = 0
    for call, operation in calls(description):
        for what, each in media(operation):
            assert "example" in each, (call, what)
            schema = {**as_json_schema(each["schema"]), "components": components}
            readable = (
                {**each["example"], "id": "wh_"} if call == "POST webhooks" and what[0] == "a" else each["example"]
            )
            assert [error.message for error in Draft202012Validator(schema).iter_errors(readable)] == [], (call, what)
            seen += 1
    assert seen > 150


def test_every_id_in_a_path_has_an_example(description: Json) -> None:
    inside = [p for _, operation in calls(description) for p in operation.get("parameters", []) if p["in"] == "path"]
    assert len(inside) > 15
    assert [each["name"] for each in inside if "example" not in each] == []


def test_examples_are_of_calls_that_there_are(description: Json) -> None:
    known = {call for call, _ in calls(description)}
    assert examples.REQUESTS.keys() | examples.RESPONSES.keys() <= known


def test_examples_name_nobody_s_host(description: Json) -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", str([each for _, o in calls(description) for _, each in media(o)])))
    assert [host for host in hosts if not host.endswith(".example")] == []


@pytest.mark.parametrize("status", EXAMPLE_ERRORS)
def test_problem_s_example_says_its_status(description: Json, status: str) -> None:
    found = [
        each["example"] for _, operation in calls(description) for what, each in media(operation) if what == status
    ]
    assert found
    assert {example["status"] for example in found} == {int(status)}


def bare(value: Any) -> Any:
    """Remove values that differ each time."""
    if isinstance(value, dict):
        return {key: bare(each) for key, each in value.items()}
    if isinstance(value, list):
        return [bare(each) for each in value]
    if isinstance(value, str):
        for pattern, instead in VARIES.items():
            value = re.sub(pattern, instead, value)
    return value


class Story:
    """An engine that sends each example request and compares the response with the example."""

    def __init__(self, engine: APIClient) -> None:
        self.engine = engine
        self.ids: dict[str, str] = {"package_id": "shop-manager"}
        self.told: set[tuple[str, str]] = set()

    def tell(self, call: str, status: int = 200) -> Any:
        method, path = call.split()
        address = f"{API}/{path.format(**self.ids)}"
        answer = getattr(self.engine, method.lower())(address, examples.REQUESTS.get(call))
        assert answer.status_code == status, (call, answer.content)
        body = answer.json()
        expected = examples.RESPONSES[call][str(status)]
        if call == "PATCH orders/{order_id}/result":
            body["updated_at"] = expected["updated_at"]
        assert bare(body) == bare(expected), call
        self.told.add((call, str(status)))
        return body


@pytest.fixture
def story(api: Any) -> Story:
    client, secret = rows.make_client(name="Sample engine")
    form = f"grant_type=client_credentials&client_id={client.client_id}&client_secret={secret}"
    answer = Browser().post("/oauth/token", form, content_type="application/x-www-form-urlencoded")
    return Story(api(answer.json()["access_token"]))


def order(connection: Connection) -> None:
    who = examples.LEASED_ORDER["candidate"]
    candidate = {"id": who["id"], "email": who["email"], "firstName": "Amara", "lastName": "Okafor"}
    bodies.place_order(
        connection,
        order_id=examples.LEASED_ORDER["smartrecruiters_order_id"],
        candidate=candidate | {"applicationLanguage": "en"},
        requester={"userId": "user-7", "email": "rita@northwind.example"},
        assessmentPackageId="shop-manager",
        job={"id": examples.JOB_ID},
        fields={"department": "Sales"},
    )


def fetched(kind: str) -> Json:
    """Convert an example to the form in which SmartRecruiters sends it and the portal stores it."""
    place = {"country": "Germany", "countryCode": "de", "region": "Berlin", "regionCode": "BE", "city": "Berlin"}
    sent: dict[str, Json] = {
        "candidate": {
            **{"id": examples.CANDIDATE_ID, "firstName": "Amara", "lastName": "Okafor", "tags": []},
            **{"email": "amara.okafor@mail.example", "phoneNumber": "+1 555 0107", "location": place},
        },
        "job": {
            **{"id": examples.JOB_ID, "title": "Store manager", "refNumber": "REF104", "status": "SOURCING"},
            "company": {"identifier": "northwind", "name": "Northwind Retail"},
            "department": {"id": "retail", "label": "Retail"},
            "location": {**place, "remote": False},
        },
        "hiring_team": {
            "totalFound": 2,
            "content": [{"id": "user-7", "role": "RECRUITER"}, {"id": "user-9", "role": "HIRING_MANAGER"}],
        },
    }
    return resources.NORMALIZERS[kind](sent[kind])


def test_examples_tell_what_the_api_answers(story: Story, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    connection = rows.make_connection(Customer.objects.create(id="cus_northwind", name="Northwind Retail"))
    story.tell("GET customers")
    story.tell("PUT packages/{package_id}", 201)
    for call in ("PUT packages/{package_id}", "GET packages/{package_id}", "PUT packages", "GET packages"):
        story.tell(call)

    order(connection)
    story.ids["order_id"] = story.tell("POST orders/lease")["orders"][0]["id"]
    story.tell("POST orders/{order_id}/accept")
    Delivery.objects.all().delete()  # what waits for its turn has lines of its own
    story.tell("GET orders/{order_id}/timeline")
    for kind in ("candidate", "job", "hiring_team"):
        story.tell(f"GET orders/{{order_id}}/{kind.replace('_', '-')}", 202)
        Resource.objects.filter(kind=kind).update(state="there", content=fetched(kind))
        story.tell(f"GET orders/{{order_id}}/{kind.replace('_', '-')}")

    form = {**examples.FILE_REQUEST, "file": SimpleUploadedFile("report.pdf", PDF)}
    uploaded = story.engine.post(f"{API}/orders/{story.ids['order_id']}/attachments", form, format="multipart")
    assert (uploaded.status_code, bare(uploaded.json())) == (201, bare(examples.FILE_ATTACHMENT))
    story.tell("POST orders/{order_id}/attachments", 201)
    story.tell("POST orders/{order_id}/attachments", 200)
    for call in ("POST orders/{order_id}/result/preview", "PATCH orders/{order_id}/result"):
        story.tell(call)
    for call in ("GET orders/{order_id}", "GET orders"):
        story.tell(call)

    story.ids["webhook_id"] = story.tell("POST webhooks", 201)["id"]
    for call in ("GET webhooks", "GET webhooks/{webhook_id}", "POST webhooks/{webhook_id}/test"):
        story.tell(call)
    story.tell("POST webhooks/{webhook_id}/rotate")
    story.tell("PATCH webhooks/{webhook_id}")
    events.record_connection_event(EventType.CONNECTION_DISABLED, connection)
    story.tell("GET events")
    assert story.told == {(call, status) for call, answers in examples.RESPONSES.items() for status in answers}
