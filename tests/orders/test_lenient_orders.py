"""Orders with missing, odd or dirty optional values, which are accepted, and kept as they came."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from assessments.models import Package
from integrations.models import Connection
from integrations.outbox.models import Delivery, DeliveryState
from orders.handlers.emails import InvitationHandler
from orders.models import Order
from orders.privacy import erasure
from tests.orders.bodies import INLINE, ORDERS, order_body

pytestmark = pytest.mark.django_db

TEXTS = {
    "candidate_id": "cand-1",
    "candidate_email": "ada@lovelace.example",
    "candidate_first_name": "Ada",
    "candidate_last_name": "Lovelace",
    "candidate_language": "en",
    "requester_user_id": "user-1",
    "requester_email": "ruth@northwind.example",
    "job_id": "job-1",
    "fields": {},
    "unknown": {},
}
COLUMNS = {
    "candidate.id": "candidate_id",
    "candidate.email": "candidate_email",
    "candidate.firstName": "candidate_first_name",
    "candidate.lastName": "candidate_last_name",
    "candidate.applicationLanguage": "candidate_language",
    "requester.userId": "requester_user_id",
    "requester.email": "requester_email",
    "job.id": "job_id",
}
OBJECTS = {
    "requester": {"requester_user_id": "", "requester_email": ""},
    "job": {"job_id": ""},
    "fields": {"fields": {}},
}


def change_body(path: str, value: Any) -> dict[str, Any]:
    body = order_body()
    key, _, inner = path.partition(".")
    body[key] = {**body[key], inner: value} if inner else value
    return body


def place(client: APIClient, body: dict[str, Any]) -> dict[str, Any]:
    """Place the order, and return what is kept of the optional values."""
    answer = client.generic("POST", ORDERS, json.dumps(body), "application/json")
    assert (answer.status_code, answer.content) == (202, b"{}")
    order = Order.objects.get()
    return {name: getattr(order, name) for name in TEXTS}


@pytest.mark.parametrize("path", COLUMNS)
def test_null_is_a_missing_text(smartrecruiters: APIClient, package: Package, path: str) -> None:
    assert place(smartrecruiters, change_body(path, None)) == TEXTS | {COLUMNS[path]: ""}


@pytest.mark.parametrize("path", [*OBJECTS, "jobId"])
def test_null_is_a_missing_object(smartrecruiters: APIClient, package: Package, path: str) -> None:
    assert place(smartrecruiters, change_body(path, None)) == TEXTS | OBJECTS.get(path, {})


@pytest.mark.parametrize("path", COLUMNS)
@pytest.mark.parametrize(("value", "text"), [(7, "7"), (2.5, "2.5"), (True, "true"), (10**20, "1" + "0" * 20)])
def test_scalar_is_taken_as_its_json_text(
    smartrecruiters: APIClient, package: Package, path: str, value: Any, text: str
) -> None:
    assert place(smartrecruiters, change_body(path, value)) == TEXTS | {COLUMNS[path]: text}


@pytest.mark.parametrize("path", COLUMNS)
@pytest.mark.parametrize("value", [["Ada"], {"first": "Ada"}, [], {}])
def test_what_has_no_text_is_missing_and_kept(
    smartrecruiters: APIClient, package: Package, path: str, value: Any
) -> None:
    assert place(smartrecruiters, change_body(path, value)) == TEXTS | {COLUMNS[path]: "", "unknown": {path: value}}


@pytest.mark.parametrize("path", OBJECTS)
@pytest.mark.parametrize("value", [[], "ruth@northwind.example", 5, False, ""])
def test_what_is_no_object_is_missing_and_kept(
    smartrecruiters: APIClient, package: Package, path: str, value: Any
) -> None:
    assert place(smartrecruiters, change_body(path, value)) == TEXTS | OBJECTS[path] | {"unknown": {path: value}}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Nadia\tMaria", "Nadia Maria"),
        ("Reader\r\n", "Reader "),
        ("Nadia\u0085Maria", "Nadia Maria"),
        ("Nadia\x7fMaria", "Nadia Maria"),
        ("Nadia\0Maria", "Nadia Maria"),
        ("\x1b[31mNadia", " [31mNadia"),
    ],
)
@pytest.mark.parametrize("path", ["candidate.firstName", "candidate.lastName"])
def test_control_characters_become_a_space(
    smartrecruiters: APIClient, package: Package, path: str, sent: str, kept: str
) -> None:
    expected = TEXTS | {COLUMNS[path]: kept, "unknown": {path: sent.replace("\0", " ")}}
    if "\0" in sent:  # no database stores NUL
        expected["unknown"] = {}
    assert place(smartrecruiters, change_body(path, sent)) == expected


def test_name_that_was_cut_within_a_character_is_accepted(smartrecruiters: APIClient, package: Package) -> None:
    """As by a system that counts in UTF-16."""
    body = order_body()
    body["candidate"]["lastName"] = "Reader \ud83d"
    assert place(smartrecruiters, body) == TEXTS | {"candidate_last_name": "Reader \ufffd"}


@pytest.mark.parametrize("path", [path for path in COLUMNS if not path.endswith(("email", "Language"))])
def test_longer_text_is_cut_for_its_column_and_kept(smartrecruiters: APIClient, package: Package, path: str) -> None:
    sent = "é" * 201
    assert place(smartrecruiters, change_body(path, sent)) == TEXTS | {
        COLUMNS[path]: "é" * 200,
        "unknown": {path: sent},
    }


def test_longer_language_is_cut(smartrecruiters: APIClient, package: Package) -> None:
    sent = "de-" + "x" * 40
    kept = place(smartrecruiters, change_body("candidate.applicationLanguage", sent))
    assert kept == TEXTS | {"candidate_language": sent[:35], "unknown": {"candidate.applicationLanguage": sent}}


def test_longer_email_address_is_not_cut_to_somebody_elses(smartrecruiters: APIClient, package: Package) -> None:
    sent = f"ada@{'lovelace.' * 36}example"
    kept = place(smartrecruiters, change_body("candidate.email", sent))
    assert kept == TEXTS | {"candidate_email": "", "unknown": {"candidate.email": sent}}


@pytest.mark.parametrize(
    "sent",
    [
        "nadia@reader.example ",
        " nadia@reader.example",
        "\u00a0nadia@reader.example\u3000",
        "\u200bnadia@reader.example",
        "nadia@\u200breader.example",
        "\u202anadia@reader.example\u202c",
        "\ufeffnadia@reader.example",
        "nadia@reader.example\n",
        "\r\nnadia@reader.example\t",
        "mailto:nadia@reader.example",
        "mailto:nadia@reader.example?subject=Test",
        "Nadia Reader <nadia@reader.example>",
        '"Reader, Nadia" <nadia@reader.example>',
        "<nadia@reader.example>",
        '"nadia@reader.example"',
        "nadia@reader.example.",
        "nadia@reader.example;",
        "nadia@reader。example",
        "ｎadia＠reader．example",
    ],
)
def test_email_address_of_any_spelling_is_invited(smartrecruiters: APIClient, package: Package, sent: str) -> None:
    kept = place(smartrecruiters, change_body("candidate.email", sent))
    assert kept == TEXTS | {"candidate_email": "nadia@reader.example", "unknown": {"candidate.email": sent}}
    delivery = Delivery.objects.get(kind="invitation", state=DeliveryState.PENDING)
    assert InvitationHandler().build_email(delivery)[1] == "nadia@reader.example"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a@b.example\r\nBcc: x@y.example", "a@b.example Bcc: x@y.example"),
        ("a@b.example, c@d.example", "a@b.example, c@d.example"),
        ("c@d.example <a@b.example>", "c@d.example <a@b.example>"),
        ("nadia @reader.example", "nadia @reader.example"),
        ("n.a.", "n.a."),
    ],
)
def test_what_is_no_email_address_is_not_made_one(
    smartrecruiters: APIClient, package: Package, sent: str, kept: str
) -> None:
    unknown = {"candidate.email": sent} if sent != kept else {}
    expected = TEXTS | {"candidate_email": kept, "unknown": unknown}
    assert place(smartrecruiters, change_body("candidate.email", sent)) == expected


@pytest.mark.parametrize(
    ("sent", "kept", "unknown"),
    [
        ({"level": None, "site": "Berlin"}, {"site": "Berlin"}, {}),
        ({"level": 5, "rate": 1.5, "remote": False}, {"level": "5", "rate": "1.5", "remote": "false"}, {}),
        ({"level": ["a", "ü"]}, {"level": '["a","ü"]'}, {}),
        ({"level": {"id": 1, "label": None}}, {"level": '{"id":1,"label":null}'}, {}),
        ({"note": "one\r\ntwo\tthree"}, {"note": "one\r\ntwo\tthree"}, {}),
        ({"note": "one\x07two"}, {"note": "one two"}, {"fields.note": "one\x07two"}),
        ({"note": "x" * 5000}, {"note": "x" * 5000}, {}),
        ({"n" * 300: "x"}, {"n" * 300: "x"}, {}),
        (dict.fromkeys(map(str, range(150)), "x"), dict.fromkeys(map(str, range(150)), "x"), {}),
    ],
)
def test_mapped_fields_of_any_kind_are_kept(
    smartrecruiters: APIClient, package: Package, sent: dict[str, Any], kept: dict[str, str], unknown: dict[str, Any]
) -> None:
    assert place(smartrecruiters, order_body(fields=sent)) == TEXTS | {"fields": kept, "unknown": unknown}


@pytest.mark.parametrize(
    ("sent", "kept"), [(" cand-1", " cand-1"), ("cand-1\n", "cand-1 "), ("cand\u200b-1", "cand\u200b-1")]
)
def test_odd_id_is_kept_and_not_fetched(smartrecruiters: APIClient, package: Package, sent: str, kept: str) -> None:
    unknown = {"candidate.id": sent} if sent != kept else {}
    expected = TEXTS | {"candidate_id": kept, "unknown": unknown}
    assert place(smartrecruiters, change_body("candidate.id", sent)) == expected
    assert not Delivery.objects.filter(kind="candidate").exists()


@pytest.mark.parametrize("value", [None, 5, "", ["x"], "Nadia\tMaria", "x" * 300])
def test_inline_order_follows_the_same_rule(smartrecruiters: APIClient, package: Package, value: Any) -> None:
    candidate = {"email": value, "firstName": value, "lastName": value}
    answer = smartrecruiters.post(ORDERS, order_body(**INLINE | {"candidate": candidate}) | {"fields": {"x": value}})
    assert (answer.status_code, list(answer.json())) == (200, ["url"])


def test_order_that_differs_in_spelling_only_is_the_same(smartrecruiters: APIClient, package: Package) -> None:
    body = order_body(fields={"level": 5})
    smartrecruiters.post(ORDERS, body)
    respelt = body | {"fields": {"level": "5", "site": None}, "jobId": None}
    respelt["candidate"] = body["candidate"] | {"email": " ada@lovelace.example\u200b"}
    assert smartrecruiters.post(ORDERS, respelt).status_code == 202
    assert Order.objects.count() == 1


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf%s", b"\xef\xbb\xbf\xef\xbb\xbf%s"])
def test_order_behind_a_byte_order_mark_is_accepted(smartrecruiters: APIClient, package: Package, body: bytes) -> None:
    sent = body % json.dumps(order_body()).encode()
    answer = smartrecruiters.generic("POST", ORDERS, sent, "application/json; charset=us-ascii")
    assert (answer.status_code, answer.content) == (202, b"{}")


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_encoded_order_is_told_what_is_accepted(smartrecruiters: APIClient, package: Package, encoding: str) -> None:
    answer = smartrecruiters.post(ORDERS, order_body(), HTTP_CONTENT_ENCODING=encoding)
    assert (answer.status_code, answer.headers.get("Accept-Encoding")) == (415, "identity")


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        ("nadia@reader.example", "Nadia <NADIA@reader.example>"),
        ("nadia@reader.example", "nadia@\u200breader.example "),
        ("nadia@mu\u0308nchen.example", "nadia@MÜNCHEN.example"),
        (" nadia@reader.example", "nadia@reader.example"),
        ("nadia@STRASSE.example", "nadia@straße.example"),
    ],
)
def test_candidate_is_found_by_any_spelling(
    smartrecruiters: APIClient, package: Package, connection: Connection, kept: str, asked: str
) -> None:
    smartrecruiters.post(ORDERS, order_body())
    Order.objects.update(candidate_email=kept)
    assert erasure.find_order_ids(asked) == [Order.objects.get().pk]
    assert erasure.find_order_ids("") == []
