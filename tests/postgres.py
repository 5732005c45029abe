"""Temporary PostgreSQL for one command: `python -m tests.postgres COMMAND…` runs it with TEST_DATABASE_URL set.

If that is set already, that server is used. Otherwise Debian's binaries create a cluster in a temporary folder, as an
unprivileged user if called by root, since PostgreSQL refuses to run as root.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from config.supervisor.processes.prctl import die_with_parent

# The rows need not survive a power cut.
SERVER_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")
START_TIMEOUT = 30.0


def main(command: list[str]) -> int:
    if not command:
        return 0 if is_available() else 1
    with provide_database() as url:
        return run_command(command, url)


def run_command(command: list[str], url: str) -> int:
    """Run the command with TEST_DATABASE_URL set, and return its exit status."""
    child = subprocess.Popen(command, env={**os.environ, "TEST_DATABASE_URL": url})
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda number, _: child.send_signal(number))
    return child.wait()


def is_available() -> bool:
    return bool(os.environ.get("TEST_DATABASE_URL")) or find_binaries() is not None


def find_binaries() -> Path | None:
    """Return the folder of the newest installed PostgreSQL, if any."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    if initdb := shutil.which("initdb"):
        folders.append(Path(initdb).resolve().parent)
    return next((each for each in folders if (each / "initdb").exists() and (each / "postgres").exists()), None)


@contextlib.contextmanager
def provide_database() -> Iterator[str]:
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    programs = find_binaries()
    if programs is None:
        raise SystemExit(
            "PostgreSQL is not installed: install it (Debian: apt-get install postgresql) or set TEST_DATABASE_URL"
        )
    with run_cluster(programs) as url:
        yield url


@contextlib.contextmanager
def run_cluster(programs: Path) -> Iterator[str]:
    owner = unprivileged_uid()
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
    password = secrets.token_hex(16)
    port = free_port()
    parent = os.getpid()
    try:
        init_cluster(programs, folder, password, owner)
        options = [
            part
            for option in (*SERVER_OPTIONS, f"port={port}", f"unix_socket_directories={folder}")
            for part in ("-c", option)
        ]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", folder / "rows", "-h", "127.0.0.1", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=owner,
                process_group=0,
                preexec_fn=lambda: die_with_parent(signal.SIGINT, parent=parent),
            )
        try:
            wait_for(server, [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], folder / "log")
            yield f"postgres://tests:{password}@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGQUIT)  # immediate shutdown: the cluster is deleted anyway
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def init_cluster(programs: Path, folder: Path, password: str, owner: int | None) -> None:
    secret = folder / "password"
    secret.write_text(password)
    if owner is not None:
        os.chown(folder, owner, -1)
        os.chown(secret, owner, -1)
    subprocess.run(
        [
            programs / "initdb",
            "-D",
            folder / "rows",
            "-U",
            "tests",
            "-A",
            "scram-sha-256",
            f"--pwfile={secret}",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        user=owner,
        cwd=folder,
    )


def unprivileged_uid() -> int | None:
    """Return the user id to run the server as if called by root, else None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    return 65534


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(server: "subprocess.Popen[bytes]", probe: list[str | Path], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while subprocess.call(probe) != 0:
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"PostgreSQL did not start:\n{log.read_text()}")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
