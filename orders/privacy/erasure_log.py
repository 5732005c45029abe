"""The erasures, outside the database: a backup that is restored brings back whom it does not know to be erased.

One line each: when, and a pseudonym (HMAC-SHA-256 under a key derived from SECRET_KEY), in `erasures.log` in the data
folder. Without that key the log says nothing of anybody; with another one its older lines match nobody.
"""

import os
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils.crypto import salted_hmac

from integrations.outbox import clock


def make_pseudonym(identifier: str) -> str:
    """Of an address, however it is spelled; or of an order's id."""
    return salted_hmac("orders.erasure", identifier.strip().casefold(), algorithm="sha256").hexdigest()


def log_path() -> Path:
    return Path(settings.PORTAL_DATA_DIR) / "erasures.log"


def append_entry(pseudonym: str) -> None:
    """Write one line, and return when it is on disk. Raises OSError."""
    folder = log_path().parent
    descriptor = os.open(log_path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # A line that a power cut broke off must not swallow this one.
        os.write(descriptor, f"\n{clock.now().isoformat()} {pseudonym}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load_last_erasures() -> dict[str, datetime]:
    """When each pseudonym was erased last. Raises ValueError for a line that is none."""
    found: dict[str, datetime] = {}
    if not log_path().exists():
        return found
    for line in filter(None, log_path().read_text().splitlines()):
        at, _, whose = line.partition(" ")
        if len(whose) == 64:  # else it was broken off, and so its erasure was not made
            found[whose] = max(datetime.fromisoformat(at), found.get(whose, datetime.fromisoformat(at)))
    return found
