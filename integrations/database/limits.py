"""Limits of each transaction: how long it waits, runs and idles, and that its commit waits for the disk."""

from collections.abc import Mapping

from django.conf import settings
from django.db import connection

LOCK_SECONDS, WORKER_LOCK_SECONDS = 4, 20


def choose_limits(*, is_worker: bool) -> dict[str, str]:
    """Return PostgreSQL's parameters, spelled like it shows them. A worker may wait longer than a request."""
    return {
        # An accepted order must survive a crash, whatever the server's configuration says.
        "synchronous_commit": "on",
        "lock_timeout": f"{WORKER_LOCK_SECONDS if is_worker else LOCK_SECONDS}s",
        "idle_in_transaction_session_timeout": "1min",
        "statement_timeout": "1min" if is_worker else "10s",
    }


def use_worker_limits() -> None:
    """Let this process wait longer for the database than a request may. Call it before the first connection."""
    limits, options = choose_limits(is_worker=True), connection.settings_dict["OPTIONS"]
    if connection.vendor == "sqlite":
        options["timeout"] = WORKER_LOCK_SECONDS
    elif "limits" in options:
        options["limits"] = limits
    else:
        former = build_startup_options(settings.DATABASE_LIMITS)
        options["options"] = options["options"].replace(former, build_startup_options(limits))
    settings.DATABASE_LIMITS = limits


def build_startup_options(limits: Mapping[str, str]) -> str:
    """Return the limits as options of a connection, for its whole session."""
    return " ".join(f"-c {name}={value}" for name, value in limits.items())


def build_set_local(limits: Mapping[str, str]) -> str:
    """Return the limits as statements for one transaction."""
    return "".join(f"SET LOCAL {name} = '{value}'; " for name, value in limits.items())
