"""Bodies that end before their Content-Length or their last chunk, through the real gunicorn worker."""

import http.client
import json
import re
import secrets
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from gunicorn.config import Config
from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from hypothesis import example, given
from hypothesis import strategies as st

from config.server.request_body import MAX_BODY, MAX_IN_MEMORY, RequestBody
from tests import rows
from tests.config.conftest import REPOSITORY, free_port, wait_for
from tests.migrated_database import DATABASE_NAME, copy_migrated_database

INCOMPLETE = "The body was cut off, or arrived too slowly."
PROBLEM = {
    "type": "about:blank",
    "title": "Bad request",
    "status": 400,
    "detail": INCOMPLETE,
    "errors": [{"code": "bad_request", "message": INCOMPLETE}],
}
REFUSALS: dict[str, tuple[str, Any]] = {
    "api": ("application/problem+json", PROBLEM),
    "token": ("application/json", {"error": "invalid_request", "error_description": INCOMPLETE}),
    "page": ("text/plain", INCOMPLETE),
}
PREPARE = """
import json
from tests import rows
from tests.orders.bodies import place_order
connection = rows.make_connection(rows.make_customer())
rows.make_package(assessments=("formulas",))
rows.make_user(None, "staff@vendor.example", role="administrator")
engine, engine_secret = rows.make_client()
company, company_secret = rows.make_client(connection)
print(json.dumps({
    "order": place_order(connection).pk,
    "engine": [engine.client_id, engine_secret],
    "company": [company.client_id, company_secret],
}))
"""


@dataclass
class Portal:
    """gunicorn with config.wsgi, on a database of its own."""

    port: int
    folder: Path
    order: str = ""
    engine: str = ""
    company: str = ""
    cookies: str = ""
    csrf_token: str = ""

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def send(self, request: bytes) -> tuple[int, str, str]:
        """Send these bytes and nothing more, and return (status, content type, body)."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as line:
            line.sendall(request)
            line.shutdown(socket.SHUT_WR)
            answer = http.client.HTTPResponse(line)
            answer.begin()
            return answer.status, answer.headers.get_content_type(), answer.read().decode()

    def count_rows(self) -> dict[str, int]:
        with closing(sqlite3.connect(f"file:{self.folder / 'portal.sqlite3'}?mode=ro", uri=True)) as database:
            names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608


def fetch_token(portal: Portal, client: list[str]) -> str:
    form = {"grant_type": "client_credentials"}
    answer = requests.post(f"{portal.url}/oauth/token", form, auth=(client[0], client[1]), timeout=30)
    token: str = answer.json()["access_token"]
    return token


def read_hidden_fields(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


def sign_in(portal: Portal) -> None:
    browser = requests.Session()
    page = browser.get(f"{portal.url}/accounts/login/", timeout=30)
    form = read_hidden_fields(page.text) | {"login": "staff@vendor.example", "password": rows.PASSWORD}
    browser.post(page.url, form, headers={"Origin": portal.url}, timeout=30)
    page = browser.get(f"{portal.url}/admin/assessments/package/import/", timeout=30)
    portal.csrf_token = read_hidden_fields(page.text)["csrfmiddlewaretoken"]
    portal.cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    portal = Portal(free_port(), tmp_path_factory.mktemp("bodies"))
    environment = {"PATH": "/usr/bin:/bin", "PORTAL_ENV_FILE": "", "PORTAL_DATA_DIR": str(portal.folder)}
    environment |= {"PORT": str(portal.port), "LOG_LEVEL": "ERROR"}

    def run_manage(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=REPOSITORY, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    copy_migrated_database(portal.folder / DATABASE_NAME)
    made = json.loads(run_manage("shell", "-v0", "-c", PREPARE))
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", "-c", "python:config.server.gunicorn"]
    command += ["-k", "config.server.worker.BufferingWorker", "--threads", "4", "--no-control-socket"]
    with subprocess.Popen([*command, "-b", f"127.0.0.1:{portal.port}"], cwd=REPOSITORY, env=environment) as process:
        try:
            wait_for(lambda: is_up(portal), timeout=60)
            portal.order = made["order"]
            portal.engine, portal.company = fetch_token(portal, made["engine"]), fetch_token(portal, made["company"])
            sign_in(portal)
            yield portal
        finally:
            process.terminate()


def is_up(portal: Portal) -> bool:
    try:
        return requests.get(f"{portal.url}/healthz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def build_multipart(*fields: tuple[str, str, bytes]) -> bytes:
    """Build a form of (name, file name or "", content)."""
    parts = b""
    for name, file_name, content in fields:
        file = f'; filename="{file_name}"\r\nContent-Type: application/octet-stream' if file_name else ""
        parts += f'--bb\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"
    return parts + b"--bb--\r\n"


PROBLEM_JSON = "application/problem+json"
MULTIPART, FORM, JSON = "multipart/form-data; boundary=bb", "application/x-www-form-urlencoded", "application/json"
ROUTES = {
    "report": "api",
    "order": "api",
    "package": "api",
    "token": "token",
    "sign-in": "page",
    "catalogue": "page",
}


def build_request(portal: Portal, route: str) -> tuple[str, bytes, bytes]:
    """Return (head without the body's length, the body, the part of it that is too little)."""
    bearer = f"Authorization: Bearer {portal.engine}\r\n"
    if route == "report":
        pdf = b"%PDF-1.4\n" + secrets.token_bytes(90_000) + b"\n%%EOF\n"  # a report that is there already is no new one
        body = build_multipart(("file", "k.pdf", pdf), ("assessment_id", "", b"formulas"))
        path, kind, more = f"POST /api/vendor/v1/orders/{portal.order}/attachments", MULTIPART, bearer
        kept = body[: body.index(b"formulas")]  # without its assessment it is the report of the whole package
    elif route == "order":
        body = json.dumps({"companyId": "northwind"}).encode() + b" " * 80_000
        path, kind = "POST /smartrecruiters/packages/orders", JSON
        more = f"Authorization: Bearer {portal.company}\r\n"
        kept = body[:100]
    elif route == "package":
        body = json.dumps({"type": "SKILL_TEST", "name": "New", "assessments": []}).encode()
        path, kind, more = "PUT /api/vendor/v1/packages/new", JSON, bearer
        kept = body[:-1]
    elif route == "token":
        body = b"grant_type=client_credentials&client_id=a&client_secret=" + b"b" * 1000
        path, kind, more = "POST /oauth/token", FORM, ""
        kept = body[:-1]
    elif route == "sign-in":
        body = build_multipart(("login", "", b"staff@vendor.example"), ("next", "", b"x" * 60_000))
        path, kind, more = "POST /accounts/login/", MULTIPART, ""
        kept = body[:-20]
    else:
        lines = b"package,type,name\r\n" + b"".join(b"p%d,SKILL_TEST,Name\r\n" % number for number in range(8000))
        form = ("csrfmiddlewaretoken", "", portal.csrf_token.encode()), ("file", "all.csv", lines)
        body = build_multipart(*form, ("note", "", b"x"))
        path, kind = "POST /admin/assessments/package/import/", MULTIPART
        more = f"Cookie: {portal.cookies}\r\nOrigin: {portal.url}\r\n"
        kept = body[: body.index(b"p7000")]
    head = f"{path} HTTP/1.1\r\nHost: localhost:{portal.port}\r\nContent-Type: {kind}\r\n{more}"
    return head, body, kept


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("framing", ["a length", "a chunk", "between chunks", "the last chunk"])
def test_request_whose_body_breaks_off_is_400_without_effect(portal: Portal, route: str, framing: str) -> None:
    head, body, kept = build_request(portal, route)
    sent = {
        "a length": f"Content-Length: {len(body)}\r\n\r\n".encode() + kept,
        "a chunk": f"Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n".encode() + kept,
        "between chunks": f"Transfer-Encoding: chunked\r\n\r\n{len(kept):x}\r\n".encode() + kept + b"\r\n",
        "the last chunk": f"Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n".encode() + body + b"\r\n0\r\n",
    }[framing]
    before = portal.count_rows()
    status, kind, text = portal.send(head.encode() + sent)
    expected_kind, expected = REFUSALS[ROUTES[route]]
    assert (status, kind) == (400, expected_kind)
    assert (json.loads(text) if "json" in kind else text) == expected
    assert portal.count_rows() == before


@pytest.mark.parametrize("end", [0, 100, 50_000, -20, -1])
def test_upload_that_broke_off_leaves_its_idempotency_key_free(portal: Portal, end: int) -> None:
    head, body, _ = build_request(portal, "report")
    head += f"Idempotency-Key: cut-at{end}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    assert portal.send(head.encode() + body[:end])[0] == 400
    status, _, text = portal.send(head.encode() + body)
    assert (status, json.loads(text)["assessment_id"]) == (201, "formulas")


def test_client_that_hangs_up_in_a_body_changes_nothing(portal: Portal) -> None:
    head, body, kept = build_request(portal, "report")
    before = portal.count_rows()
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", portal.port), timeout=30) as line:
            line.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + kept)
    head += f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    assert portal.send(head.encode() + body)[0] == 201  # by then the others were done with
    changes = {name: count - before[name] for name, count in portal.count_rows().items()}
    assert changes["orders_attachment"] == 1


def test_chunked_body_over_the_limit_is_413_and_not_taken_for_its_beginning(portal: Portal) -> None:
    head, _, _ = build_request(portal, "catalogue")
    form = build_multipart(("csrfmiddlewaretoken", "", portal.csrf_token.encode()), ("file", "a.csv", b"package\r\n"))
    body = form + b"x" * MAX_BODY  # what follows the form is an epilogue
    sent = f"{head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n".encode() + body
    before = portal.count_rows()
    assert portal.send(sent + b"\r\n0\r\n\r\n") == (413, "text/plain", "The body is too large.")
    assert portal.count_rows() == before


STRANGERS = {
    "api": ("POST /api/vendor/v1/orders/x/attachments", 401, PROBLEM_JSON),
    "smartrecruiters": ("POST /smartrecruiters/packages/orders", 401, PROBLEM_JSON),
    "token": ("POST /oauth/token", 413, JSON),
    "page": ("POST /accounts/login/", 413, "text/plain"),
    "admin": ("POST /admin/assessments/package/import/", 413, "text/plain"),
}


@pytest.mark.parametrize("route", STRANGERS)
@pytest.mark.parametrize("credentials", ["", "Authorization: Bearer nonsense\r\n", "Cookie: session=nonsense\r\n"])
@pytest.mark.parametrize("framing", ["Content-Length: 100000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n186a0\r\n"])
def test_large_body_of_a_stranger_is_refused_before_it_is_read(
    portal: Portal, route: str, credentials: str, framing: str
) -> None:
    path, status, kind = STRANGERS[route]
    head = f"{path} HTTP/1.1\r\nHost: localhost:{portal.port}\r\nContent-Type: {FORM}\r\n{credentials}{framing}"
    with socket.create_connection(("127.0.0.1", portal.port), timeout=30) as line:
        line.sendall(head.encode() + b"x" * (MAX_IN_MEMORY + 1) * ("chunked" in framing))
        answer = http.client.HTTPResponse(line)
        answer.begin()
        assert (answer.status, answer.headers.get_content_type()) == (status, kind)
        assert answer.headers["Connection"] == "close"
        if status == 401:
            challenge = 'Bearer error="invalid_token"' if "Bearer" in credentials else 'Bearer realm="portal"'
            assert answer.headers["WWW-Authenticate"] == challenge


def test_chunked_body_that_fits_is_read_from_everybody(portal: Portal) -> None:
    body = b"grant_type=client_credentials&x=" + b"x" * 50_000
    head = f"POST /oauth/token HTTP/1.1\r\nHost: localhost:{portal.port}\r\nContent-Type: {FORM}\r\n"
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(body[at : at + 999]), body[at : at + 999]) for at in range(0, 51_000, 999))
    sent = head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + pieces.removesuffix(b"0\r\n\r\n") + b"0\r\n\r\n"
    assert (
        portal.send(sent)[:2] == portal.send(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)[:2]
    )


# What the worker makes of bytes


@pytest.mark.parametrize("length", [0, 1, MAX_IN_MEMORY, MAX_IN_MEMORY + 1, MAX_BODY])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_whole_body_is_given_unchanged_and_nothing_of_what_follows(length: int, is_chunked: bool) -> None:
    content = bytes(range(256)) * (length // 256) + b"x" * (length % 256)
    sent = (b"%x\r\n%b\r\n" % (length, content) if length else b"") + b"0\r\n\r\n" if is_chunked else content
    buffer = bytearray(sent + b"GET /next")
    with RequestBody(None if is_chunked else length) as body:
        body.feed(buffer)
        body.seek(0)
        assert (body.read() == content, body.size, body.is_complete, body.error) == (True, length, True, 0)
    assert buffer == b"GET /next"


def decode_by_gunicorn(sent: bytes) -> tuple[bytes, bytes] | None:
    """Return the content of a chunked body and what follows; None if gunicorn refuses it or finds no end."""
    unreader = IterUnreader([sent])
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    request = Request(Config(), IterUnreader([head]), ("127.0.0.1", 1))
    try:
        content = Body(ChunkedReader(request, unreader)).read()
    except (ParseException, NoMoreData):
        return None
    return content, unreader.take_buffered()


CHUNKED_PIECES = (
    b"0",
    b"2",
    b"3",
    b"02",
    b"\r\n",
    b"\n",
    b"\r",
    b"ab",
    b"abc",
    b";",
    b"a=b",
    b'"',
    b" ",
    b"\t",
    b"a: b",
)
CHUNKED_PIECES += (b"x", b"0\r\n\r\n", b"-", b"0x2")


@given(st.lists(st.sampled_from(CHUNKED_PIECES), max_size=12).map(b"".join), st.integers(1, 7))
@example(b"3\r\nab\r\n0\r\n\r\n", 1)
@example(b"2;a=b\r\nab\r\n0\r\nA: b\r\n\r\nGET", 2)
def test_chunked_body_is_read_as_gunicorn_reads_it_or_refused(sent: bytes, size: int) -> None:
    """Two readings of where a request ends are request smuggling."""
    buffer = bytearray()
    with RequestBody(None) as body:
        for at in range(0, len(sent), size):
            buffer += sent[at : at + size]
            if not body.is_complete:
                body.feed(buffer)
        body.seek(0)
        found = (body.read(), bytes(buffer)) if body.is_complete and not body.error else None
    assert found is None or found == decode_by_gunicorn(sent)


@pytest.mark.parametrize(
    "sent",
    [
        b"zz\r\n",
        b"-1\r\n",
        b"2\nab",
        b"2\r\nabc\r\n",
        b"2\r\nab\n",
        b"1;" + b"x" * 300 + b"\r\n",
        b"1" * 20_000,
        b"0\r\nno trailer\r\n\r\n",
        b"0\r\n" + b"A: b\r\n" * 3000,
    ],
)
def test_malformed_chunks_are_an_error(sent: bytes) -> None:
    with RequestBody(None) as body:
        body.feed(bytearray(sent))
        assert body.error == 400
