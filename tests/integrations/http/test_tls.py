"""Certificates of outgoing connections: HTTP calls, webhooks, OpenID Connect, SMTP.

Those of Redis are in tests/config/server/test_broker_tls.py.
"""

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.mail import EmailMultiAlternatives

from integrations import mail
from integrations.http.client import CallFailedError, GuardedSession, OutgoingRequest, send_request
from tests.certificates import EXPIRED, NOT_YET_VALID, Authority
from tests.config.conftest import wait_for
from tests.integrations.simulator.process import free_port

UNKNOWN_SIGNER = "the certificate's signer is not known: for a private CA, set CA_FILE"
OTHER_NAME = "the certificate is for another host name"
REASONS: dict[str, str] = {
    "unknown": UNKNOWN_SIGNER,
    "other CA": UNKNOWN_SIGNER,
    "self-signed": UNKNOWN_SIGNER,
    "other name": OTHER_NAME,
    "other address": OTHER_NAME,
    "expired": "the certificate has expired",
    "of tomorrow": "the certificate is not valid yet",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def certificates(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the certificate and key of each case."""
    other = Authority(tmp_path_factory.mktemp("other"))
    self_signed = other.folder / "self-signed.pem"
    self_signed.write_bytes((other.folder / "ca.key").read_bytes() + other.ca_file.read_bytes())
    good = authority.issue("localhost")
    return {
        "good": good,
        "unknown": good,
        "other CA": other.issue("localhost"),
        "self-signed": self_signed,
        "other name": authority.issue("portal.vendor.example"),
        "other address": authority.issue("127.0.0.2"),
        "expired": authority.issue("localhost", **EXPIRED),
        "of tomorrow": authority.issue("localhost", **NOT_YET_VALID),
    }


@pytest.fixture
def trust(settings: Any, authority: Authority) -> Callable[[str], None]:
    """Trust the CA, except in the case that nobody does."""

    def set_ca_file(case: str) -> None:
        settings.CA_FILE = None if case == "unknown" else authority.ca_file

    return set_ca_file


@contextmanager
def run_https(certificate: Path, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Iterator[tuple[str, list[bytes]]]:
    """Run an HTTPS server, and yield its URL and what it received in clear."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.maximum_version = newest
    received: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            received.append(secured.recv(65536))
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield f"https://localhost:{listening.getsockname()[1]}/", received
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("is_webhook", [False, True])
def test_signer_of_the_ca_file_is_trusted(
    certificates: dict[str, Path], trust: Callable[[str], None], settings: Any, is_webhook: bool
) -> None:
    trust("good")
    settings.WEBHOOKS_ALLOW_PRIVATE = True
    with run_https(certificates["good"]) as (url, received):
        request = OutgoingRequest("POST", url, "x", json={"a": 1}, is_untrusted_host=is_webhook)
        assert send_request(request, 5).status == 200
    assert len(received) == 1


@pytest.mark.parametrize("case", REASONS)
@pytest.mark.parametrize("is_webhook", [False, True])
def test_certificate_that_is_not_good_gets_nothing_and_is_told_apart(
    certificates: dict[str, Path], trust: Callable[[str], None], settings: Any, case: str, is_webhook: bool
) -> None:
    trust(case)
    settings.WEBHOOKS_ALLOW_PRIVATE = True
    with run_https(certificates[case]) as (url, received), pytest.raises(CallFailedError) as failure:
        send_request(OutgoingRequest("POST", url, "x", json={"secret": 1}, is_untrusted_host=is_webhook), 5)
    assert (str(failure.value), failure.value.may_have_been_processed, received) == (REASONS[case], False, [])


def test_trust_ends_with_the_setting(certificates: dict[str, Path], trust: Callable[[str], None]) -> None:
    """A connection that was kept is not used under other settings."""
    with run_https(certificates["good"]) as (url, _):
        trust("good")
        assert send_request(OutgoingRequest("GET", url, "x"), 5).status == 200
        trust("unknown")
        with pytest.raises(CallFailedError, match="signer is not known"):
            send_request(OutgoingRequest("GET", url, "x"), 5)


def test_port_without_tls_is_named(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(CallFailedError) as failure:
            send_request(OutgoingRequest("GET", f"https://localhost:{listening.getsockname()[1]}/", "x"), 5)
    assert str(failure.value) == "the server does not speak TLS on this port"


def test_openid_connect_trusts_the_ca_file(certificates: dict[str, Path], trust: Callable[[str], None]) -> None:
    trust("good")
    with run_https(certificates["good"]) as (url, _):
        assert GuardedSession(is_http_allowed=False).get(url).status_code == 200


@pytest.mark.parametrize("case", REASONS)
def test_openid_connect_verifies(certificates: dict[str, Path], trust: Callable[[str], None], case: str) -> None:
    trust(case)
    with run_https(certificates[case]) as (url, received), pytest.raises(requests.exceptions.SSLError):
        GuardedSession(is_http_allowed=False).get(url, verify=False)  # no caller can switch it off
    assert received == []


# SMTP, with aiosmtpd in a process of its own


@contextmanager
def run_smtp(certificate: Path, folder: Path, mode: str) -> Iterator[int]:
    port = free_port()
    options = {
        "tls": ("--tlscert", certificate, "--tlskey", certificate),
        "ssl": ("--smtpscert", certificate, "--smtpskey", certificate),
    }[mode]
    handler = ("-c", "aiosmtpd.handlers.Mailbox", folder / "mail")
    command = [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"localhost:{port}", *map(str, (*options, *handler))]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: _is_listening(port))
            yield port
        finally:
            process.terminate()


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def email(settings: Any) -> EmailMultiAlternatives:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "localhost"
    content = mail.EmailContent("Subject", "Text", "<p>Text</p>")
    return mail.build_message(content, "nadia@reader.example", "<1@portal.vendor.example>")


@pytest.mark.parametrize("mode", ["tls", "ssl"])
@pytest.mark.parametrize("case", ["good", *REASONS])
def test_mail_server_is_verified(
    certificates: dict[str, Path],
    trust: Callable[[str], None],
    email: EmailMultiAlternatives,
    settings: Any,
    tmp_path: Path,
    mode: str,
    case: str,
) -> None:
    trust(case)
    settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = mode == "tls", mode == "ssl"
    with run_smtp(certificates[case], tmp_path, mode) as settings.EMAIL_PORT:
        if case == "good":
            assert mail.deliver_message(email, 10).status == 250
        else:
            with pytest.raises(CallFailedError) as failure:
                mail.deliver_message(email, 10)
            assert str(failure.value) == f"the mail server is not trusted: {REASONS[case]}"
            assert not failure.value.may_have_been_processed
    assert len(list((tmp_path / "mail" / "new").glob("*"))) == (case == "good")
