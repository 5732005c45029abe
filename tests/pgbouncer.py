"""Debian's PgBouncer in front of a PostgreSQL server: `python -m tests.pgbouncer COMMAND…` runs it with both.

It serves all databases of the server, so that tests can create theirs. It keeps connections to them: run pytest with
`--reuse-db`, which leaves the databases to the end of the server.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from config.supervisor.processes.prctl import die_with_parent
from tests import postgres

START_TIMEOUT = 30.0
CONFIGURATION = """
[databases]
* = host={host} port={server_port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
admin_users = {user}
max_client_conn = 500
{settings}
"""


def main(command: list[str]) -> int:
    if not command:
        return 0 if postgres.is_available() and find_program() else 1
    with postgres.provide_database() as server_url, run_pgbouncer(server_url) as url:
        return postgres.run_command(command, f"{url}?pool_mode=transaction")


def find_program() -> str | None:
    return shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")


@contextlib.contextmanager
def run_pgbouncer(server_url: str, **settings: str | int) -> Iterator[str]:
    """Run PgBouncer in front of the server, and yield the URL of the same database through it.

    `settings` are lines of its configuration; by default it is in transaction mode.
    """
    program = find_program()
    if program is None:
        raise SystemExit("PgBouncer is not installed: install it (Debian: apt-get install pgbouncer)")
    server, port, owner = urlsplit(server_url), postgres.free_port(), postgres.unprivileged_uid()
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir="/tmp"))
    lines = {"pool_mode": "transaction", "default_pool_size": 10, **settings}
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder,
            host=server.hostname,
            server_port=server.port or 5432,
            port=port,
            user=server.username,
            settings="\n".join(f"{name} = {value}" for name, value in lines.items()),
        )
    )
    (folder / "users").write_text(f'"{server.username}" "{server.password}"\n')
    for path in (folder, configuration, folder / "users"):
        if owner is not None:
            os.chown(path, owner, -1)
    parent = os.getpid()
    try:
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, configuration],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=owner,
                process_group=0,
                preexec_fn=lambda: die_with_parent(9, parent=parent),
            )
        try:
            _wait_for_port(process, port, folder / "log")
            yield server._replace(netloc=f"{server.username}:{server.password}@127.0.0.1:{port}").geturl()
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_port(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"PgBouncer did not start:\n{log.read_text()}")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
