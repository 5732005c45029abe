"""Limits of each PostgreSQL transaction: how long it waits, runs and idles, and that its commit waits for the disk."""

from collections.abc import Mapping


def choose_limits(*, is_worker: bool) -> dict[str, str]:
    """Return the parameters, spelled like PostgreSQL shows them. A worker may wait longer than a request."""
    return {
        # An accepted order must survive a crash, whatever the server's configuration says.
        "synchronous_commit": "on",
        "lock_timeout": "20s" if is_worker else "4s",
        "idle_in_transaction_session_timeout": "1min",
        "statement_timeout": "1min" if is_worker else "10s",
    }


def build_startup_options(limits: Mapping[str, str]) -> str:
    """Return the limits as options of a connection, for its whole session."""
    return " ".join(f"-c {name}={value}" for name, value in limits.items())


def build_set_local(limits: Mapping[str, str]) -> str:
    """Return the limits as statements for one transaction."""
    return "".join(f"SET LOCAL {name} = '{value}'; " for name, value in limits.items())
