"""Log of erasures outside the database, to repeat them after a backup was restored.

Each line of `erasures.log` in the data folder has a time and a pseudonym: HMAC-SHA-256 under a key derived from
SECRET_KEY. The log identifies no person without that key, and is useless after a change of it.
"""

import os
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils.crypto import salted_hmac

from integrations.outbox import clock
from integrations.text import fold_email
from orders import files


def make_pseudonym(identifier: str) -> str:
    """Return the pseudonym of an email address, in any spelling that counts as the same, or of an order's id."""
    return _hash_identifier(fold_email(identifier))


def make_pseudonyms(email: str) -> set[str]:
    """Return the pseudonyms under which an email address may have been logged, also by earlier versions."""
    return {make_pseudonym(email), _hash_identifier(email.strip().casefold())}


def _hash_identifier(identifier: str) -> str:
    return salted_hmac("orders.erasure", identifier, algorithm="sha256").hexdigest()


def log_path() -> Path:
    return Path(settings.PORTAL_DATA_DIR) / "erasures.log"


def append_entry(pseudonym: str) -> None:
    """Append a line durably. Raises OSError."""
    descriptor = os.open(log_path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # The leading line break separates it from a line that a power cut has truncated.
        os.write(descriptor, f"\n{clock.now().isoformat()} {pseudonym}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    files.fsync_folder(log_path().parent)


def load_last_erasures() -> dict[str, datetime]:
    """Return the time of the last erasure by pseudonym. Raises ValueError for an invalid line."""
    erasures: dict[str, datetime] = {}
    if not log_path().exists():
        return erasures
    for line in filter(None, log_path().read_text().splitlines()):
        time, _, pseudonym = line.partition(" ")
        if len(pseudonym) == 64:  # else it was truncated, before its erasure began
            at = datetime.fromisoformat(time)
            erasures[pseudonym] = max(at, erasures.get(pseudonym, at))
    return erasures
