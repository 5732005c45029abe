"""rediss://: a real Redis server with TLS, and the connection that Celery makes to it."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.certificates import EXPIRED, NOT_YET_VALID, Authority
from tests.config.conftest import free_port, run_python, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.redis]
PASSWORD = "broker-password"
CONNECT = """
from config.celery import app
try:
    with app.connection_for_write() as connection:
        connection.connect()  # once: what follows would try again
        connection.default_channel.client.ping()
        print("connected")
except Exception as error:
    print(error)
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@contextmanager
def run_redis(certificate: Path, folder: Path) -> Iterator[int]:
    """Run Debian's Redis with TLS alone. Its log names the connections that it could not accept."""
    port = free_port()
    options = {
        "--port": "0",
        "--tls-port": str(port),
        "--bind": "127.0.0.1",
        "--tls-cert-file": str(certificate),
        "--tls-key-file": str(certificate),
        "--tls-ca-cert-file": str(certificate),
        "--tls-auth-clients": "no",
        "--requirepass": PASSWORD,
        "--save": "",
        "--loglevel": "verbose",
        "--logfile": str(folder / "redis.log"),
        "--dir": str(folder),
    }
    words = [word for pair in options.items() for word in pair]
    with subprocess.Popen([shutil.which("redis-server") or "", *words]) as process:
        try:
            wait_for(lambda: "Ready to accept connections" in read_log(folder))
            yield port
        finally:
            process.terminate()


def read_log(folder: Path) -> str:
    path = folder / "redis.log"
    return path.read_text() if path.exists() else ""


def connect(folder: Path, port: int, *, ca_file: Path | None, host: str = "localhost", query: str = "") -> str:
    """Connect as a worker does, and return "connected" or why not."""
    done = run_python(
        *("-c", CONNECT),
        PORTAL_DATA_DIR=str(folder / "portal"),
        REDIS_URL=f"rediss://:{PASSWORD}@{host}:{port}/0{query}",
        **({"CA_FILE": str(ca_file)} if ca_file else {}),
    )
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("query", ["", "?ssl_cert_reqs=required", "?ssl_check_hostname=false"])
def test_broker_of_a_known_signer_is_connected_to(authority: Authority, tmp_path: Path, query: str) -> None:
    with run_redis(authority.issue("localhost"), tmp_path) as port:
        assert connect(tmp_path, port, ca_file=authority.ca_file, query=query) == "connected"


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("nobody's signer", "unable to get local issuer certificate"),
        ("other signer", "unable to get local issuer certificate"),
        ("other name", "Hostname mismatch"),
        ("other address", "IP address mismatch"),
        ("expired", "certificate has expired"),
        ("of tomorrow", "certificate is not yet valid"),
    ],
)
@pytest.mark.parametrize("query", ["", "?ssl_cert_reqs=required"])
def test_broker_with_a_certificate_that_is_not_good_gets_no_password(
    authority: Authority, tmp_path: Path, case: str, reason: str, query: str
) -> None:
    certificate = {
        "other signer": lambda: Authority(tmp_path / "other").issue("localhost"),
        "other name": lambda: authority.issue("broker.vendor.example"),
        "expired": lambda: authority.issue("localhost", **EXPIRED),
        "of tomorrow": lambda: authority.issue("localhost", **NOT_YET_VALID),
    }.get(case, lambda: authority.issue("localhost"))()
    ca_file = None if case == "nobody's signer" else authority.ca_file
    host = "127.0.0.1" if case == "other address" else "localhost"
    with run_redis(certificate, tmp_path) as port:
        said = connect(tmp_path, port, ca_file=ca_file, host=host, query=query)
        assert "certificate verify failed" in said
        assert reason in said
        wait_for(lambda: "Error accepting a client connection" in read_log(tmp_path))


@pytest.mark.parametrize(
    ("query", "host", "is_known"),
    [
        ("?ssl_cert_reqs=none", "localhost", False),
        ("?ssl_cert_reqs=CERT_NONE", "127.0.0.1", False),
        ("?ssl_check_hostname=false", "127.0.0.1", True),
    ],
)
def test_verification_ends_where_the_url_says_so(
    authority: Authority, tmp_path: Path, query: str, host: str, is_known: bool
) -> None:
    ca_file = authority.ca_file if is_known else None
    with run_redis(authority.issue("localhost"), tmp_path) as port:
        assert connect(tmp_path, port, ca_file=ca_file, host=host, query=query) == "connected"


def test_url_may_name_another_ca_file(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    with run_redis(authority.issue("localhost"), tmp_path) as port:
        query = f"?ssl_ca_certs={authority.ca_file}"
        assert connect(tmp_path, port, ca_file=other.ca_file, query=query) == "connected"
