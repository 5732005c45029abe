"""HTTP client against hostile servers: X2, X3, O1, O6 and decision 27 in `tests/reliability/README.md`."""

import gzip
import ipaddress
import itertools
import json
import socket
import ssl
import threading
import time
import tracemalloc
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from pytest_socket import SocketConnectBlockedError

from integrations.http import ip_addresses, transport
from integrations.http.client import MAX_RESPONSE_BYTES, CallFailedError, OutgoingRequest, Response, send_request
from tests.integrations.outbox.peer import Answer, Peer, run_peer

LOOPBACK = [f"127.0.0.{number}" for number in range(2, 100)]
Serve = Callable[[socket.socket], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def raw_peer(serve: Serve) -> Iterator[str]:
    """Run a server that handles each connection with `serve`."""
    listening = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            serve(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=one, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.close()


def drip(*parts: bytes, pause: float = 0.02) -> Serve:
    """Return a handler that sends the first part, and then the others for ever, a byte at a time."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(parts[0])
        for byte in itertools.cycle(b"".join(parts[1:])):
            connection.sendall(bytes([byte]))
            time.sleep(pause)

    return serve


def flood(*parts: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(parts[0])
        while True:
            connection.sendall(b"".join(parts[1:]) * 100)

    return serve


def never_read(connection: socket.socket) -> None:
    time.sleep(5)


def silent(connection: socket.socket) -> None:
    connection.recv(65536)
    time.sleep(5)


NEVER_ENDING = {
    "silence": silent,
    "a status line": drip(b"HTTP/1.1 200 O", b"K"),
    "a header": drip(HEAD + b"X: ", b"x"),
    "headers": drip(HEAD, b"X: y\r\n", pause=0.002),
    "a body": drip(HEAD + b"Content-Length: 60000\r\n\r\n", b" "),
    "a body without a length": drip(HEAD + b"\r\n", b" "),
    "chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", pause=0.002),
    "a chunk's size": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "trailers": flood(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    "interim answers": flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a compressed body": drip(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{")[:10], b"\0"),
}


@pytest.mark.parametrize("what", NEVER_ENDING)
def test_peer_that_never_ends_is_left_at_the_deadline(what: str) -> None:
    began = time.monotonic()
    with raw_peer(NEVER_ENDING[what]) as url, pytest.raises(CallFailedError) as failure:
        send_request(OutgoingRequest("POST", f"{url}/", "x", json={}), 0.4)
    assert time.monotonic() - began < 1.0
    assert failure.value.may_have_been_processed


def test_peer_that_reads_nothing_is_left_at_the_deadline() -> None:
    began = time.monotonic()
    with raw_peer(never_read) as url, pytest.raises(CallFailedError) as failure:
        send_request(OutgoingRequest("POST", f"{url}/", "x", body=b"x" * 20_000_000), 0.4)
    assert time.monotonic() - began < 1.5
    assert failure.value.may_have_been_processed


@pytest.mark.parametrize("what", ["silence", "records of a byte", "a certificate without an end"])
def test_handshake_that_never_ends_is_left_at_the_deadline(what: str) -> None:
    never = {
        "silence": silent,
        "records of a byte": drip(b"", b"\x16\x03\x03\x00\x01\x02"),
        "a certificate without an end": drip(b"\x16\x03\x03\x3f\xff\x0b\xff\xff\xff", b"\0"),
    }[what]
    began = time.monotonic()
    with raw_peer(never) as url, pytest.raises(CallFailedError) as failure:
        send_request(OutgoingRequest("POST", url.replace("http:", "https:"), "x", json={"secret": 1}), 0.4)
    assert time.monotonic() - began < 1.0
    assert not failure.value.may_have_been_processed


def nowhere(*_: object, **__: object) -> None:
    raise socket.gaierror(-2, "Name or service not known")


def test_name_that_leads_nowhere_is_told_from_a_port_where_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(CallFailedError) as failure:
        send_request(OutgoingRequest("GET", f"http://127.0.0.1:{port}/", "x"), 5)
    assert (str(failure.value), failure.value.may_have_been_processed) == ("could not connect", False)
    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    with pytest.raises(CallFailedError) as failure:
        send_request(OutgoingRequest("GET", "https://api.nowhere.example/", "x"), 5)
    assert (str(failure.value), failure.value.may_have_been_processed) == ("the host name was not found", False)


@pytest.mark.allow_hosts(["127.0.0.1", *LOOPBACK])
def test_name_with_many_dead_addresses_is_left_at_the_deadline(resolver: dict[str, list[str]]) -> None:
    with socket.socket() as full, socket.socket() as waiting:
        full.bind(("0.0.0.0", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting.connect(("127.0.0.1", port))  # the one place is taken: further callers wait
        resolver["many.example"] = list(LOOPBACK)
        began = time.monotonic()
        with pytest.raises(CallFailedError) as failure:
            send_request(OutgoingRequest("GET", f"http://many.example:{port}/", "x"), 0.4)
        assert time.monotonic() - began < 1.0
    assert (str(failure.value), failure.value.may_have_been_processed) == ("no connection in time", False)


@pytest.mark.allow_hosts(["127.0.0.1", *LOOPBACK])
def test_second_address_of_a_name_is_tried_when_the_first_is_dead(resolver: dict[str, list[str]]) -> None:
    with run_peer() as peer:
        resolver["two.example"] = ["127.0.0.2", "127.0.0.1"]
        url = peer.url.replace("127.0.0.1", "two.example")
        assert send_request(OutgoingRequest("GET", f"{url}/a", "x"), 5).status == 200


def test_head_and_body_arrive_together() -> None:
    read: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        read.append(connection.recv(65536))
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    with raw_peer(serve) as url:
        send_request(OutgoingRequest("POST", f"{url}/", "x", json={"summary": "whole"}), 5)
    assert read[0].endswith(b'\r\n\r\n{"summary": "whole"}')


def test_watcher_hears_of_the_first_byte_before_it_is_there(peer: Peer) -> None:
    heard: list[int] = []
    with transport.call_options(on_first_byte=lambda: heard.append(len(peer.received))):
        send_request(OutgoingRequest("POST", f"{peer.url}/", "x", json={"summary": "x" * 200_000}), 5)
    send_request(OutgoingRequest("POST", f"{peer.url}/", "x", json={}), 5)
    assert (heard, len(peer.received)) == ([0], 2)


def test_watcher_of_a_call_that_reaches_nobody_hears_nothing(resolver: dict[str, list[str]]) -> None:
    heard: list[int] = []
    resolver["gone.example"] = []
    with transport.call_options(on_first_byte=lambda: heard.append(1)), pytest.raises(CallFailedError):
        send_request(OutgoingRequest("POST", "http://gone.example/", "x", json={}), 5)
    assert heard == []


def bomb(times: int = 1) -> bytes:
    """Return 100 MB of zeros in gzip, compressed this many times."""
    packed = b"".join(gzip.compress(b"\0" * 10_000_000) for _ in range(10))
    for _ in range(times - 1):
        packed = gzip.compress(packed)
    return packed


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", bomb()),
        ("deflate", zlib.compress(b"\0" * 100_000_000)),
        ("gzip, gzip", bomb(2)),
        ("gzip, gzip, gzip", bomb(3)),
        ("identity", b" " * (MAX_RESPONSE_BYTES + 1)),
    ],
)
def test_answer_that_unfolds_is_left_at_64_kb(peer: Peer, encoding: str, content: bytes) -> None:
    peer.answer = lambda received: Answer(200, content, {"Content-Encoding": encoding})
    tracemalloc.start()
    with pytest.raises(CallFailedError, match="longer than 65536 bytes"):
        send_request(OutgoingRequest("GET", f"{peer.url}/", "x"), 5)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < 4_000_000


def test_answer_of_64_kb_is_taken_compressed_or_not(peer: Peer) -> None:
    text = json.dumps("x" * (MAX_RESPONSE_BYTES - 2)).encode()
    for encoding, content in (("identity", text), ("gzip", gzip.compress(text)), ("deflate", zlib.compress(text))):
        peer.script["/"] = [Answer(200, content, {"Content-Encoding": encoding})]
        assert send_request(OutgoingRequest("GET", f"{peer.url}/", "x"), 5).content == "x" * (MAX_RESPONSE_BYTES - 2)


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", b"no gzip"),
        ("gzip, " * 30 + "gzip", b"{}"),
        ("deflate", b"\xff" * 50),
    ],
)
def test_answer_in_a_broken_encoding_is_a_failure(peer: Peer, encoding: str, content: bytes) -> None:
    peer.answer = lambda received: Answer(200, content, {"Content-Encoding": encoding})
    with pytest.raises(CallFailedError):
        send_request(OutgoingRequest("GET", f"{peer.url}/", "x"), 5)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_redirect_is_an_answer_and_nothing_goes_there(peer: Peer, status: int) -> None:
    with run_peer() as sink:
        peer.answer = lambda received: Answer(status, {}, {"Location": f"{sink.url}/stolen", "Refresh": "0; url=/x"})
        request = OutgoingRequest("POST", f"{peer.url}/", "x", {"Authorization": "Bearer secret"}, {"name": "Ada"})
        assert (send_request(request, 5).status, sink.received, len(peer.received)) == (status, [], 1)


def test_nothing_of_one_call_goes_into_the_next(peer: Peer) -> None:
    peer.answer = lambda received: Answer(200, {}, {"Set-Cookie": "session=theirs; Path=/"})
    heads: list[dict[str, str]] = []
    peer.watch = lambda headers, body: heads.append(headers)
    send_request(OutgoingRequest("GET", f"{peer.url}/", "x", {"Authorization": "Bearer one"}), 5)
    send_request(OutgoingRequest("GET", f"{peer.url}/", "x"), 5)
    assert (heads[0]["authorization"], heads[1].keys() & {"authorization", "cookie"}) == ("Bearer one", set())


def test_proxy_and_netrc_of_the_environment_count_for_nothing(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password secret\ndefault login eve password secret\n")
    netrc.chmod(0o600)
    with run_peer() as sink:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, sink.url)
            monkeypatch.setenv(name.lower(), sink.url)
        monkeypatch.setenv("NETRC", str(netrc))
        heads: list[dict[str, str]] = []
        peer.watch = lambda headers, body: heads.append(headers)
        assert send_request(OutgoingRequest("GET", f"{peer.url}/", "x"), 5).status == 200
        assert ("authorization" in heads[0], sink.received) == (False, [])


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b'{"a": "x\\u0000y", "\\u0000": "\\ud800"}', {"a": "x�y", "�": "�"}),
        (b'[["\\udfff"]]', [["�"]]),
        (b'{"a": "\xff"}', {"a": "�"}),
        (b"", None),
        (b" ", None),
    ],
)
def test_text_that_no_database_keeps_is_replaced(peer: Peer, body: bytes, content: Any) -> None:
    peer.answer = lambda received: Answer(200, body)
    assert send_request(OutgoingRequest("GET", f"{peer.url}/", "x"), 5).content == content


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"{", b'{"a": NaN}', b"1e999", b"-Infinity", b"[" * 20_000, b"[" * 950 + b"]" * 950, b"9" * 5000],
)
def test_body_that_is_no_json_is_no_success(peer: Peer, body: bytes) -> None:
    peer.answer = lambda received: Answer(200, body)
    with pytest.raises(CallFailedError, match="not JSON"):
        send_request(OutgoingRequest("GET", f"{peer.url}/", "x"), 5)
    peer.answer = lambda received: Answer(500, body)
    reply = send_request(OutgoingRequest("GET", f"{peer.url}/", "x"), 5)
    assert reply == Response(500, None, body.decode(), reply.headers)


# TLS (X2), with an expired, self-signed certificate:
# tests/integrations/outbox/test_faults.py


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a valid, self-signed key and certificate of `localhost`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    clear = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + clear)
    return path


def tls(certificate: Path, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Serve:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the old versions, which are the point
        context.minimum_version = min(newest, ssl.TLSVersion.TLSv1_2)
        context.maximum_version = newest
    context.load_cert_chain(certificate)

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    return serve


@pytest.mark.parametrize(
    ("host", "newest", "is_good"),
    [
        ("localhost", ssl.TLSVersion.TLSv1_3, True),
        ("localhost", ssl.TLSVersion.TLSv1_2, True),
        ("127.0.0.1", ssl.TLSVersion.TLSv1_3, False),
        ("localhost", ssl.TLSVersion.TLSv1_1, False),
        ("localhost", ssl.TLSVersion.TLSv1, False),
    ],
)
def test_tls_of_a_known_signer_for_this_name_in_a_version_of_today(
    certificate: Path, settings: Any, host: str, newest: ssl.TLSVersion, is_good: bool
) -> None:
    settings.CA_FILE = certificate
    with raw_peer(tls(certificate, newest)) as url:
        request = OutgoingRequest("GET", url.replace("http://127.0.0.1", f"https://{host}"), "x")
        if is_good:
            assert send_request(request, 5).status == 200
            return
        with pytest.raises(CallFailedError, match=r"another host name|TLS handshake failed") as failure:
            send_request(request, 5)
    assert not failure.value.may_have_been_processed


def test_environment_brings_no_signer_of_its_own(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(certificate))
    with raw_peer(tls(certificate)) as url, pytest.raises(CallFailedError, match="signer is not known"):
        send_request(OutgoingRequest("GET", url.replace("http://127.0.0.1", "https://localhost"), "x"), 5)


# Webhooks: the address is somebody's


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Return a dict of IP addresses per host name. They count once: a second look-up finds 127.0.0.1."""
    names: dict[str, list[str]] = {}
    true_look_up = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        addresses = names.get(host)
        if addresses is None:
            return true_look_up(host, port, *args, **kwargs)
        names[host] = ["127.0.0.1"]
        return [found for address in addresses for found in true_look_up(address, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return names


IPV4 = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address) | st.ip_addresses(v=4)


@given(IPV4)
def test_ipv6_clothes_change_nothing_of_an_ipv4_address(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    clothes = [
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    ]
    assert {ip_addresses.is_public_ip(str(one)) for one in clothes} == {ip_addresses.is_public_ip(str(address))}
    assert not ip_addresses.is_public_ip(str(address)) or address.is_global


@given(st.ip_addresses(v=6))
def test_whatever_is_public_is_global_and_nobodys_own(address: ipaddress.IPv6Address) -> None:
    if ip_addresses.is_public_ip(str(address)):
        true = ip_addresses.unmap_ipv4(str(address))
        assert true.is_global
        kinds = [true.is_private, true.is_loopback, true.is_link_local, true.is_multicast, true.is_reserved]
        assert kinds == [False] * 5


@given(st.text(max_size=30))
def test_text_that_is_no_address_is_none(text: str) -> None:
    with suppress(ValueError):
        ipaddress.ip_address(ip_addresses.unmap_ipv4(text))


def hook(url: str) -> OutgoingRequest:
    return OutgoingRequest("POST", url, "webhook", body=b"{}", expects_json=False, is_untrusted_host=True)


PRIVATE = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "192.88.99.0",
    "192.88.99.255",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:7f00:1::",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "::ffff:192.88.99.1",
    "64:ff9b::c058:6301",
    "2002:c058:6301::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_webhook_to_a_private_address_is_not_even_connected_to(resolver: dict[str, list[str]], address: str) -> None:
    resolver["hook.example"] = [address]
    literal = f"[{address}]" if ":" in address else address
    for host in ("hook.example", literal):
        with pytest.raises(CallFailedError, match="private IP address") as failure:
            send_request(hook(f"https://{host}/"), 1)
        assert not failure.value.may_have_been_processed


@pytest.mark.parametrize("address", ["192.88.98.255", "192.88.100.0", "3ffe:ffff::1", "3fff:1000::1"])
def test_neighbour_of_a_special_network_is_public(address: str) -> None:
    assert ip_addresses.is_public_ip(address)


def test_webhook_url_may_begin_in_capitals(resolver: dict[str, list[str]]) -> None:
    resolver["hook.example"] = ["10.0.0.1"]
    with pytest.raises(CallFailedError, match="private IP address"):
        send_request(hook("HTTPS://hook.example/"), 1)


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1", "017700000001"])
def test_webhook_to_a_private_address_in_disguise_goes_nowhere(host: str) -> None:
    with pytest.raises(CallFailedError) as failure:
        send_request(hook(f"https://{host}/"), 1)
    assert not failure.value.may_have_been_processed


@pytest.mark.filterwarnings("ignore:A test tried")
@pytest.mark.parametrize("public", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_webhook_goes_to_the_address_that_was_looked_at(resolver: dict[str, list[str]], public: str) -> None:
    """A second look-up would find 127.0.0.1 (DNS rebinding). The blocked socket shows the IP address."""
    resolver["rebind.example"] = [public]
    with pytest.raises((SocketConnectBlockedError, CallFailedError)) as stopped:
        send_request(hook("https://rebind.example/"), 1)
    if isinstance(stopped.value, SocketConnectBlockedError):
        assert public in str(stopped.value)
    else:
        assert "private" not in str(stopped.value)  # no IPv6 here


@pytest.mark.filterwarnings("ignore:A test tried")
def test_webhook_to_a_name_of_both_kinds_goes_to_the_public_one(resolver: dict[str, list[str]]) -> None:
    resolver["both.example"] = ["10.0.0.1", "93.184.216.34", "127.0.0.1"]
    with pytest.raises(SocketConnectBlockedError, match=r"93\.184\.216\.34"):
        send_request(hook("https://both.example/"), 1)


def test_webhook_without_tls_is_not_sent(peer: Peer, settings: Any) -> None:
    with pytest.raises(CallFailedError, match="https"):
        send_request(hook(peer.url), 1)
    settings.WEBHOOKS_ALLOW_PRIVATE = True
    assert send_request(hook(peer.url), 1).status == 200


@pytest.fixture
def peer() -> Iterator[Peer]:
    with run_peer() as peer:
        yield peer
