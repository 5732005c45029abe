"""Rig: the whole product in separate processes, each of which can be killed and restarted."""

import contextlib
import ctypes
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from config.supervisor.environment import build_machine_environment
from config.supervisor.processes import broker, commands
from config.supervisor.processes.process import Program
from integrations.simulator.control import ControlClient
from tests import postgres
from tests.crash.parts import RigProcess
from tests.integrations.simulator.process import MASTER, free_port

FAILPOINTS = {
    "courier-b": "claimed:0.004 before_send:0.006 after_reply:0.008 before_settle:0.008 after_settle:0.008",
    "dispatcher": "before_numbering:0.03",
}
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18
DISK_MEGABYTES = 96
COURIERS = ("courier-a", "courier-b")


class RigStartError(Exception):
    """A process did not start."""


class Rig:
    """All processes of a run. Call `ensure_running` often, from the main thread."""

    def __init__(self, folder: Path, *, scale: float, on_postgresql: bool) -> None:
        self.folder, self.scale = folder, scale
        self.port, self.simulator_port = free_port(), free_port()
        self.url = f"http://localhost:{self.port}"
        self.runtime = Path(tempfile.mkdtemp(prefix="crash-", dir="/tmp"))
        self.logs = folder / "logs"
        self.has_small_disk = False
        self.postgres_is_ours = False
        self.processes: dict[str, RigProcess] = {}
        self.environment = self._build_environment()
        self._on_postgresql = on_postgresql

    @property
    def simulator_url(self) -> str:
        return f"http://localhost:{self.simulator_port}"

    def make_control(self, timeout: float = 30) -> ControlClient:
        """Create a client of the simulator for one thread."""
        return ControlClient(self.simulator_url, timeout=timeout)

    def _build_environment(self) -> dict[str, str]:
        return {
            **build_machine_environment(os.environ),
            "PORT": str(self.port),
            "PORTAL_DATA_DIR": str(self.folder / "portal"),
            "REDIS_URL": broker.build_url(self.runtime),
            "SMARTRECRUITERS_API_URL": self.simulator_url,
            "SMARTRECRUITERS_TRUSTED_ORIGINS": f"{self.simulator_url} http://127.0.0.1:{self.simulator_port}",
            "SMARTRECRUITERS_CLIENT_ID": MASTER[0],
            "SMARTRECRUITERS_CLIENT_SECRET": MASTER[1],
            "EMAIL_URL": f"filemail:///{self.folder / 'mail'}",
            "OUTBOX_TIME_SCALE": str(self.scale),
            "SECRET_KEY": secrets.token_urlsafe(48),
            "ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        }

    # Start and stop

    def __enter__(self) -> "Rig":
        return self

    def start_dependencies(self) -> None:
        """Start everything except the portal, whose database is created next."""
        for folder in (self.logs, self.folder / "portal", self.folder / "mail"):
            folder.mkdir(parents=True)
        self._mount_small_disk()
        if self._on_postgresql:
            self._start_postgresql()
        machine = build_machine_environment(os.environ)
        self._start_process(broker.build_program(self.runtime, machine))
        simulator = {
            **machine,
            "SIMULATOR_MASTER_CLIENT_ID": MASTER[0],
            "SIMULATOR_MASTER_CLIENT_SECRET": MASTER[1],
            "PORTAL_URL": self.url,
        }
        self._start_process(
            commands.build_simulator_program("127.0.0.1", self.simulator_port, self.folder / "simulator", simulator)
        )

    def start_portal(self) -> None:
        for program in commands.build_portal_programs(self.environment):
            part = _rename_couriers(program)
            self._start_process(_with_failpoints(part, FAILPOINTS.get(part.name, "")))
        self.wait_for("simulator", self.make_control(2).is_up)
        self.wait_for("web", self.is_ready)

    def __exit__(self, *_: object) -> None:
        for part in reversed(self.processes.values()):
            part.stop(5 if part.name == "postgres" else 1)
        shutil.rmtree(self.runtime, ignore_errors=True)

    def _start_process(self, program: Program, **options: Any) -> RigProcess:
        part = self.processes[program.name] = RigProcess(program, self.logs, **options)
        part.ensure_running()
        return part

    def ensure_running(self) -> None:
        for part in self.processes.values():
            part.ensure_running()

    def wait_for(self, what: str, condition: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            self.ensure_running()
            if time.monotonic() > deadline:
                raise RigStartError(f"{what} did not start:\n{self.processes[what].log_tail()}")
            time.sleep(0.05)

    def is_ready(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        return False

    def run_manage(self, *command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=Path(__file__).parents[2],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if check and done.returncode:
            raise RigStartError(f"manage.py {' '.join(command)}:\n{done.stderr[-3000:]}")
        return done

    def start_twins(self, *names: str) -> list[RigProcess]:
        """Start a second process of each of these, under the name NAME-twin."""
        return [self._start_process(replace(self.processes[name].program, name=f"{name}-twin")) for name in names]

    def restore_processes(self) -> None:
        """Stop the twins, and let every other process run without failpoints."""
        for name, part in list(self.processes.items()):
            if name.endswith("-twin"):
                self.processes.pop(name).stop(1)
                continue
            part.signal_group(signal.SIGCONT)
            part.should_run = True
            if name in FAILPOINTS:
                part.program = _with_failpoints(part.program, "")
                part.send_signal(signal.SIGTERM)

    # Disk, database, broker and mailbox

    def _mount_small_disk(self) -> None:
        """Mount a small disk on the data folder, in a mount namespace of this process. Does nothing unless root."""
        libc = ctypes.CDLL(None, use_errno=True)
        if os.geteuid() != 0 or libc.unshare(CLONE_NEWNS) != 0:
            return
        folder = str(self.folder / "portal").encode()
        size = f"size={DISK_MEGABYTES}m".encode()
        self.has_small_disk = (
            libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0
            and libc.mount(b"tmpfs", folder, b"tmpfs", 0, size) == 0
        )

    def _start_postgresql(self) -> None:
        if url := os.environ.get("TEST_DATABASE_URL"):
            self.environment["DATABASE_URL"] = url
            return
        binaries = postgres.find_binaries()
        if binaries is None:
            raise RigStartError("PostgreSQL is not installed: install it, or set TEST_DATABASE_URL")
        self.postgres_is_ours = True
        owner, port, password = postgres.unprivileged_uid(), free_port(), secrets.token_hex(16)
        self.runtime.chmod(0o711)
        home = self.runtime / "postgres"
        home.mkdir()
        postgres.init_cluster(binaries, home, password, owner)
        # fsync=off: power cuts are not simulated. synchronous_commit stays on: a commit must survive a killed server.
        options = ("fsync=off", "max_connections=200", f"port={port}", f"unix_socket_directories={home}")
        command = [str(binaries / "postgres"), "-D", str(home / "rows"), "-h", "127.0.0.1"]
        program = Program(
            "postgres",
            (*command, *(part for option in options for part in ("-c", option))),
            build_machine_environment(os.environ),
        )
        self._start_process(program, user=owner, stop_signal=signal.SIGQUIT)
        probe = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        self.wait_for("postgres", lambda: subprocess.call(probe) == 0)
        self.environment["DATABASE_URL"] = f"postgres://tests:{password}@127.0.0.1:{port}/postgres"

    def send_broker_command(self, *words: str) -> None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(self.runtime / "broker.sock"))
            connection.sendall((" ".join(words) + "\r\n").encode())
            connection.recv(100)

    def read_invitations(self) -> list[tuple[str, str]]:
        """Return (delivery, order) of every email that was sent."""
        texts = (file.read_text(errors="replace") for file in (self.folder / "mail").iterdir())
        return [match for text in texts for match in re.findall(r"Message-ID: <invitation\.(\d+)\.(\w+)@", text)]

    @contextlib.contextmanager
    def fill_disk(self) -> Iterator[None]:
        """Fill the disk of the data folder completely."""
        ballast = self.folder / "portal" / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(4096))
            yield
        finally:
            ballast.unlink(missing_ok=True)


def _rename_couriers(program: Program) -> Program:
    """Name the couriers courier-a and courier-b; the second one dies at failpoints."""
    name = dict(zip(("courier", "courier-2"), COURIERS, strict=True)).get(program.name, program.name)
    return replace(program, name=name)


def _with_failpoints(program: Program, failpoints: str) -> Program:
    return replace(program, environment={**program.environment, "OUTBOX_FAILPOINTS": failpoints})
