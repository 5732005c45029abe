"""Slow and malformed clients at gunicorn itself: slowloris, smuggling (tests/reliability/README.md, A22)."""

import hashlib
import http.client
import json
import os
import resource
import select
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import gunicorn
import pytest

from tests.config.conftest import REPOSITORY, free_port, wait_for
from tests.config.server.impatient_worker import LARGE

EMPTY = hashlib.sha256(b"").hexdigest()
GUNICORN_DEFAULT_KEEPALIVE = 2.0
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


def test_gunicorn_is_of_the_version_that_the_worker_overrides() -> None:
    """The worker overrides private members: compare config/server/worker.py with gthread before another version."""
    assert gunicorn.version_info[0] == 27


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Start gunicorn with two processes of four threads and short deadlines."""
    with served() as port:
        yield port


@contextmanager
def served(descriptors: int = 0, worker: str = "HastyWorker") -> Iterator[int]:
    port = free_port()
    with run_server(port, descriptors, worker):
        yield port


@contextmanager
def run_server(port: int, descriptors: int = 0, worker: str = "HastyWorker") -> Iterator["subprocess.Popen[bytes]"]:
    options = [
        "-c",
        "python:config.server.gunicorn",
        "-k",
        f"tests.config.server.impatient_worker.{worker}",
        "-w",
        "2",
        "--threads",
        "4",
    ]
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "tests.config.server.impatient_worker:application",
        *options,
        "--no-control-socket",
    ]
    few = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (descriptors, descriptors)) if descriptors else None
    process = subprocess.Popen(
        [*command, "-b", f"127.0.0.1:{port}"],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=few,
    )
    try:
        wait_for(lambda: answers(port))
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def answers(port: int, within: float = 5) -> bool:
    began = time.monotonic()
    try:
        status, said = ask(port, "GET", b"")
    except OSError:
        return False
    return (status, said) == (200, f"GET 0 {EMPTY}") and time.monotonic() - began < within


def ask(port: int, method: str, body: bytes, **headers: str) -> tuple[int, str]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    line.request(method, "/", body or None, headers)
    answer = line.getresponse()
    said = answer.read().decode()
    line.close()
    return answer.status, said


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def find_readable(lines: list[socket.socket], seconds: float = 0) -> list[socket.socket]:
    """Return the sockets that have something to read, the end included. Of any number, which `select` refuses."""
    poll, by_number = select.poll(), {line.fileno(): line for line in lines}
    for line in lines:
        poll.register(line, select.POLLIN)
    return [by_number[number] for number, _ in poll.poll(seconds * 1000)]


def everything_from(line: socket.socket) -> bytes:
    found = b""
    try:
        while more := line.recv(65536):
            found += more
    except ConnectionResetError:
        pass
    return found


AUTHORIZED = POST + b"Authorization: Bearer x\r\n"
LARGE_BODY = AUTHORIZED + b"Content-Length: 3000000\r\n\r\n"
GET_LARGE = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
SLOW = {
    "nothing": b"",
    "half a line": b"GET / HT",
    "half a head": b"GET / HTTP/1.1\r\nHost: portal.example\r\nX: ",
    "a head without its body": POST + b"Content-Length: 30000\r\n\r\n",
    "half a body": POST + b"Content-Length: 30000\r\n\r\n" + b"x" * 15000,
    "a large body's head": LARGE_BODY,
    "half a large body": LARGE_BODY + b"x" * 100_000,
    "half a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    "a chunk without an end": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
    "one who waits to be told to go on": POST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    "one who never hangs up": b"GET / HTTP/1.0\r\n\r\n",
    "one who reads nothing": GET_LARGE,
    "one who reads nothing of a file": GET_LARGE.replace(b"/large", b"/file"),
    "one who asks on and reads nothing": GET_LARGE * 100,
}


@pytest.mark.parametrize("what", SLOW)
def test_slow_clients_keep_nobody_waiting_and_are_let_go(port: int, what: str) -> None:
    with ExitStack() as open_lines:
        lines = [open_lines.enter_context(connect(port)) for _ in range(24)]
        for line in lines:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.sendall(SLOW[what])
        time.sleep(0.05)  # so that they are before us
        assert [answers(port, within=0.5) for _ in range(5)] == [True] * 5
        for line in lines:
            select_for(line, select.POLLHUP | select.POLLERR | select.POLLRDHUP)  # the server has closed
        assert answers(port)


def select_for(line: socket.socket, events: int) -> None:
    """Wait for events other than that there is something to read, which a client who does not read ignores."""
    poll = select.poll()
    poll.register(line, events)
    assert poll.poll(8000)


@pytest.mark.parametrize("pause", [0.005, 0.05])
def test_client_that_sends_a_byte_now_and_then_gets_408(port: int, pause: float) -> None:
    with connect(port) as line:
        began = time.monotonic()
        line.sendall(b"GET / HTTP/1.1\r\nX: ")
        try:
            while time.monotonic() - began < 3:
                line.sendall(b"x")
                time.sleep(pause)
        except OSError:
            pass
        assert 0.5 < time.monotonic() - began < 2.5
    with connect(port) as line:
        line.sendall(b"GET / HTTP/1.1\r\nX: ")
        head, _, body = everything_from(line).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert b"application/problem+json" in head
        assert b'"status": 408' in body


@pytest.mark.parametrize("size", [0, 1, 1000, 60_000, 72 * 1024, 72 * 1024 + 1, 3_000_000])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_body_of_any_size_comes_whole(port: int, size: int, is_chunked: bool) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    said = f"POST {size} {hashlib.sha256(body).hexdigest()}"
    if is_chunked:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {"Transfer-Encoding": "chunked", "Authorization": "Bearer x"}
        line.request("POST", "/", iter([body[:100], body[100:]]), headers, encode_chunked=True)
        answer = line.getresponse()
        assert (answer.status, answer.read().decode()) == (200, said)
        line.close()
    else:
        assert ask(port, "POST", body, Authorization="Bearer x") == (200, said)


def test_requests_that_come_together_or_byte_by_byte_are_answered_in_turn(port: int) -> None:
    one = POST + b"Content-Length: 3\r\n\r\nabc"
    last = one.replace(b"Host: x", b"Host: x\r\nConnection: close")
    said = hashlib.sha256(b"abc").hexdigest().encode()
    with connect(port) as line:
        line.sendall(one + one + last)
        assert everything_from(line).count(said) == 3
    with connect(port) as line:
        for byte in one + last:
            line.sendall(bytes([byte]))
        assert everything_from(line).count(said) == 2


def test_next_request_stays_unread_while_a_response_is_unsent(port: int) -> None:
    sent = 0
    with connect(port) as line:
        line.settimeout(0.3)
        with suppress(TimeoutError):
            while sent < 100_000_000:
                sent += line.send(GET_LARGE * 1000)
    assert 100_000 < sent < 10_000_000  # what the kernel's buffers take


def test_kept_connection_serves_request_after_request(port: int) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for size in (0, 10, 100_000, 10):
        line.request("POST", "/", b"x" * size, {"Authorization": "Bearer x"})
        answer = line.getresponse()
        assert (answer.status, answer.read().decode().split()[1]) == (200, str(size))
    line.close()


def test_idle_connection_outlives_gunicorns_default(port: int) -> None:
    """A server that closes idle connections before its proxy does loses the POST that crosses the close."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    line.request("GET", "/")
    line.getresponse().read()
    assert not find_readable([line.sock], 2 * GUNICORN_DEFAULT_KEEPALIVE)  # a closed one would be
    line.close()


TLS_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500
TLS_ON_PLAIN_PORT = "This port speaks plain HTTP, not TLS: connect to the port of the proxy that does."


@pytest.mark.parametrize("sent", [b"\x16", TLS_HELLO[:6], TLS_HELLO, TLS_HELLO * 100])
@pytest.mark.parametrize("is_first", [True, False])
def test_tls_client_is_told_at_its_first_byte(port: int, sent: bytes, is_first: bool) -> None:
    with connect(port) as line:
        if not is_first:
            line.sendall(POST + b"Content-Length: 0\r\n\r\n")
            answer = http.client.HTTPResponse(line)
            answer.begin()
            assert (answer.status, len(answer.read()) > 0) == (200, True)
        line.sendall(sent)
        head, _, body = everything_from(line).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": TLS_ON_PLAIN_PORT,
        "errors": [{"code": "bad_request", "message": TLS_ON_PLAIN_PORT}],
    }


def test_tls_library_fails_at_once(port: int) -> None:
    with connect(port) as line, pytest.raises(ssl.SSLError, match=r"(?i)wrong.version.number|http.request"):
        ssl.create_default_context().wrap_socket(line, server_hostname="localhost")


@pytest.mark.parametrize("size", [0, 1000, 72 * 1024, 300_000])
def test_connection_is_kept_if_the_application_does_not_read_the_body(port: int, size: int) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    line.request("POST", "/unread", b"x" * size, {"Authorization": "Bearer x"})
    answer = line.getresponse()
    answer.read()
    assert (answer.status, answer.headers["Connection"]) == (413, "keep-alive")
    sock = line.sock
    line.request("POST", "/", b"abc")
    assert (line.getresponse().status, line.sock is sock) == (200, True)
    line.close()


@pytest.mark.parametrize("framing", ["a length", "chunks"])
@pytest.mark.parametrize("expects", [b"", b"Expect: 100-continue\r\n"])
def test_large_body_of_a_stranger_is_refused_unread(port: int, framing: str, expects: bytes) -> None:
    with connect(port) as line:
        if framing == "a length":
            line.sendall(POST + expects + b"Content-Length: 3000000\r\n\r\n")
        else:
            line.sendall(POST + expects + b"Transfer-Encoding: chunked\r\n\r\n2dc6c0\r\n" + b"x" * 80_000)
        said = everything_from(line).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n" * (framing == "chunks"))
    assert said.startswith(b"HTTP/1.1 401 ")
    assert b"Connection: close" in said


def test_refusal_reaches_a_client_who_sends_its_body_first(port: int) -> None:
    """An engine whose token expired must see the 401 and not a reset, which it would take for an outage."""
    with connect(port) as line:
        line.sendall(POST + b"Content-Length: 3000000\r\n\r\n" + b"x" * 3_000_000)
        assert everything_from(line).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("size", [5, 100_000])
def test_client_is_told_to_continue_once(port: int, size: int) -> None:
    with connect(port) as line:
        head = f"Connection: close\r\nExpect: 100-continue\r\nContent-Length: {size}\r\n\r\n"
        line.sendall(AUTHORIZED + head.encode())
        assert line.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(b"x" * size)
        said = everything_from(line)
    assert (said.count(b"HTTP/1.1 "), said[:16]) == (1, b"HTTP/1.1 200 OK\r\n"[:16])


@pytest.mark.parametrize(("path", "letter"), [("/large", b"x"), ("/file", b"f"), ("/stream", b"s")])
def test_large_response_comes_whole_to_a_slow_reader(port: int, path: str, letter: bytes) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    line.connect()
    line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    for _ in range(2):
        line.request("GET", path)
        answer = line.getresponse()
        body = b""
        while piece := answer.read(300_000):
            body += piece
            time.sleep(0.1)  # a slow reader is what this is about: it takes longer than a deadline
        assert (answer.status, body == letter * LARGE) == (200, True)
        line.request("HEAD", path)
        answer = line.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
    line.close()


def test_response_that_fails_half_way_is_an_error_and_no_half(port: int) -> None:
    with connect(port) as line:
        line.sendall(b"GET /failing-stream HTTP/1.1\r\nHost: x\r\n\r\n")
        said = everything_from(line)
    assert said.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b'"status": 500' in said


def test_client_who_stops_sending_gets_the_response(port: int) -> None:
    with connect(port) as line:
        line.sendall(GET_LARGE)
        line.shutdown(socket.SHUT_WR)
        assert everything_from(line).count(b"x") >= LARGE


def test_worker_that_stops_sends_what_it_has_begun() -> None:
    port = free_port()
    with run_server(port, worker="ThriftyWorker") as process, connect(port) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        line.sendall(GET_LARGE)
        assert line.recv(1) == b"H"
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: not answers(port))
        assert everything_from(line).count(b"x") >= LARGE


def test_worker_that_stops_answers_all_who_have_connected() -> None:
    """Those whom the kernel accepted while both processes were busy, too: a proxy would report the reset as a 502."""
    port = free_port()
    with run_server(port) as process, ExitStack() as stack:
        workers = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        lines = [stack.enter_context(connect(port)) for _ in range(8)]
        for line in lines:
            line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        process.send_signal(signal.SIGTERM)
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
        assert [everything_from(line)[:15] for line in lines] == [b"HTTP/1.1 200 OK"] * 8


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
ODD: dict[str, bytes] = {
    "a length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "two equal lengths": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\nabcde",
    "a length in words": POST + b"Content-Length: five\r\n\r\nabcde",
    "a signed length": POST + b"Content-Length: +5\r\n\r\nabcde",
    "a negative length": POST + b"Content-Length: -5\r\n\r\nabcde",
    "a space before the colon": POST + b"Content-Length : 5\r\n\r\nabcde",
    "a folded header": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding with a tab": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a bare CR": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "a version of tomorrow": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100 + b"\r\n\r\n",
    "a bad chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
}
LONG: dict[bytes, bytes] = {
    b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n": b"414",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 65536 + b"\r\n\r\n": b"431",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 200 + b"\r\n": b"431",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 200_000: b"431",
    b"x" * 200_000: b"431",
    POST + b"Content-Length: 20000000\r\n\r\nabc": b"413",
    POST + b"Content-Length: 9999999999999999\r\n\r\nabc": b"413",
}


@pytest.mark.parametrize("what", ODD)
def test_request_of_two_readings_is_refused_and_what_follows_is_no_request(port: int, what: str) -> None:
    with connect(port) as line:
        line.sendall(ODD[what] + SMUGGLED)
        said = everything_from(line)
    assert said.count(b"HTTP/1.1 ") == 1
    assert said.split(b" ")[1] in (b"400", b"501")
    assert b"smuggled" not in said


@pytest.mark.parametrize("request_", LONG, ids=[sent[:40].decode() for sent in LONG])
def test_request_that_is_too_large_is_refused_at_once(port: int, request_: bytes) -> None:
    with connect(port) as line:
        line.sendall(request_)
        assert everything_from(line).split(b" ")[1] == LONG[request_]


@pytest.mark.parametrize(
    "header",
    [
        b"SCRIPT_NAME: /x",
        b"Script_Name: /x",
        b"Script-Name: /x",
        b"PATH_INFO: /environ/admin/",
        b"REMOTE_ADDR: 192.0.2.1",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Protocol: ssl",
        b"X-Forwarded-Ssl: on",
        b"X-Forwarded-For: 192.0.2.1",
        b"Forwarded: for=192.0.2.1;proto=https",
    ],
)
def test_server_takes_nothing_about_a_request_from_its_headers(port: int, header: bytes) -> None:
    with connect(port) as line:
        line.sendall(b"GET /x/environ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + b"\r\n\r\n")
        body = everything_from(line).partition(b"\r\n\r\n")[2]
    assert json.loads(body) == {
        "SCRIPT_NAME": "",
        "PATH_INFO": "/x/environ",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
    }


def test_what_waits_for_clients_has_a_bound() -> None:
    with served(worker="ThriftyWorker") as port, ExitStack() as opened:
        lines = [opened.enter_context(connect(port)) for _ in range(12)]
        for line in lines:
            line.sendall(LARGE_BODY + b"x" * 1_000_000)
        wait_for(lambda: find_readable(lines))
        refused = find_readable(lines)[0]
        said = refused.recv(1000)
        assert (said[:12], b"Retry-After: 5" in said) == (b"HTTP/1.1 503", True)
        assert answers(port)


def test_descriptors_that_run_out_stop_nothing_for_long() -> None:
    """D53. Slow clients take at most as many as the process has: the one that waited longest makes room."""
    with served(descriptors=64) as port, ExitStack() as opened:
        for _ in range(200):
            with suppress(OSError):
                opened.enter_context(connect(port)).sendall(b"GET / HT")
        wait_for(lambda: answers(port))
        opened.close()
        wait_for(lambda: all(answers(port) for _ in range(4)))
