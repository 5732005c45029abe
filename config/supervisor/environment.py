"""Environment variables of the processes: the caller's and `.env` for `serve`, neither of them for `demo`."""

import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import environ

from config.env_file import check_env_file
from config.supervisor.errors import StartupError

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = sys.executable

# The demo takes over these variables and PORT and BIND. None of these is a setting of the portal.
MACHINE_VARIABLES = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_RUNTIME_DIR"),
    *("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE"),
)
# The host for health checks if the portal listens on all interfaces.
WILDCARD_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


@dataclass(frozen=True)
class BindAddress:
    bind: str
    port: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, ports: int = 1) -> Self:
        """Read BIND and PORT. `ports` is the number of consecutive ports needed. Raises StartupError."""
        text = environment.get("PORT") or "8000"
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65536 - ports):
            raise StartupError(f"PORT={text} is not a port: give a number from 1 to {65536 - ports}")
        bind = (environment.get("BIND") or "127.0.0.1").strip("[]")
        try:
            socket.getaddrinfo(bind, int(text), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except (OSError, UnicodeError):
            raise StartupError(f"BIND={bind} is not an IP address of this machine: try 127.0.0.1 or 0.0.0.0") from None
        return cls(bind, int(text))

    @property
    def reachable_host(self) -> str:
        """Return the host at which this machine reaches its own port."""
        return WILDCARD_HOSTS.get(self.bind, self.bind)

    def format_bind(self, host: str | None = None) -> str:
        host = host or self.bind
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def build_serve_environment(caller: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's environment, completed by `.env` like the settings do. Raises StartupError."""
    # environ writes into its class's ENVIRON, by default os.environ.
    reader: Any = type("Reader", (environ.Env,), {"ENVIRON": dict(caller)})
    file = caller.get("PORTAL_ENV_FILE", str(REPOSITORY / ".env"))
    if problem := check_env_file(file, is_named="PORTAL_ENV_FILE" in caller):
        raise StartupError(problem)
    if file and Path(file).is_file():
        reader.read_env(file)
    return {**reader.ENVIRON, "PYTHONUNBUFFERED": "1"}


def build_machine_environment(caller: Mapping[str, str]) -> dict[str, str]:
    kept = {name: caller[name] for name in MACHINE_VARIABLES if name in caller}
    return {**kept, "PYTHONUNBUFFERED": "1", "PORTAL_ENV_FILE": ""}
