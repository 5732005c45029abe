"""Requests with unusual headers, before Django's middleware."""

import io
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.http.response import HttpResponseBase

from config.wsgi import django_application
from integrations.api.errors import PROBLEM_MEDIA_TYPE
from tests import rows

pytestmark = pytest.mark.django_db
JSON = "application/json"
CODECS = ["hex", "base64", "rot13", "zlib", "undefined", "idna", "punycode", "unicode_escape", "utf-16", "klingon", ""]
ODD_TYPES = [
    *(f"text/html; charset={codec}" for codec in CODECS),
    *(f"application/json; charset={codec}" for codec in CODECS),
    *(f"application/x-www-form-urlencoded; charset={codec}" for codec in CODECS),
    "text/html; a*=klingon''%ff",
    "application/json; a*=klingon''%ff",
    "application/json; charset*=hex''%ff",
    "multipart/form-data; boundary*=klingon''x",
    "multipart/form-data; boundary=x; a*=klingon''x",
    "application/x-www-form-urlencoded; a*0*=klingon''x; a*1=y",
    ";",
    "; charset=hex",
    "text/html; charset=\x80",
    "text/html; charset=utf-8; charset=hex",
]


def ask(method: str, path: str, query: str = "", body: bytes = b"", **extra: Any) -> HttpResponseBase:
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}
    environ |= {"HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1"}
    environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), **extra}
    setup_testing_defaults(environ)
    return django_application.get_response(django_application.request_class(environ))


@pytest.mark.parametrize("kind", ODD_TYPES)
def test_content_type_of_any_spelling_is_no_fault_of_ours(kind: str) -> None:
    for path in ("/accounts/login/", "/oauth/token", "/api/vendor/v1/orders/lease", "/nothing"):
        for method, body in (("GET", b""), ("POST", b"a=%ff&b=c")):
            answer = ask(method, path, "a=%ff", body, CONTENT_TYPE=kind)
            assert answer.status_code < 500, (method, path)
            assert "frame-ancestors" in answer.headers["Content-Security-Policy"]


def test_address_is_read_as_utf_8_whatever_charset_is_named() -> None:
    """Otherwise a URL would mean one thing here and another to a proxy."""
    answer: Any = ask("GET", "/accounts/login/", "next=/%C3%A9", CONTENT_TYPE="text/html; charset=iso-8859-1")
    assert (answer.status_code, 'value="/é"' in answer.content.decode()) == (200, True)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json; charset=utf-8", b"{}", 200),
        ("application/json; charset=hex", b"{}", 200),
        ("application/json; charset=us-ascii", b'{"max": 5}', 200),
        ("application/json;charset=ISO-8859-1", '{"max": 5, "é": 1}'.encode(), 422),
        ("application/json; charset=ISO-8859-1", '{"é": 1}'.encode("latin-1"), 400),
        ("application/json; charset=utf-16", "{}".encode("utf-16"), 400),
        ("application/json; a*=klingon''x", b"{}", 415),
    ],
)
def test_charset_of_a_body_is_judged_by_its_bytes(kind: str, body: bytes, status: int) -> None:
    """RFC 8259, section 11: the parameter has no effect."""
    bearer = f"Bearer {rows.make_token()}"
    answer = ask("POST", "/api/vendor/v1/orders/lease", body=body, CONTENT_TYPE=kind, HTTP_AUTHORIZATION=bearer)
    assert (answer.status_code, answer.headers["Content-Type"]) == (
        status,
        PROBLEM_MEDIA_TYPE if status >= 400 else JSON,
    )
