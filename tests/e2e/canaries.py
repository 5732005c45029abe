"""Search for canaries: secrets anywhere, and personal data outside its columns."""

import json
import re
import socket
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import redis
from django.apps import apps

from tests.orders.privacy import personal_data

SECRETS_SCRIPT = """
import json
from integrations import key_rotation
from integrations.encryption import Sealed, unseal
found = {}
for column in key_rotation.find_sealed_columns():
    if str(column) == "integrations.idempotencyrecord.body_sealed":
        continue  # a response, not a secret
    for row in column.filled_rows:
        if isinstance(column, key_rotation.AuthenticatorColumn):
            value = unseal(row.data[column.name], owner="second factor")
        else:
            clear = {each.column: name for name, each in vars(column.model).items() if isinstance(each, Sealed)}
            value = getattr(row, clear[column.name])
        found[f"{column} of {row.pk}"] = value
print("SECRETS", json.dumps(found))
"""


def parse_secrets(output: str) -> dict[str, str]:
    """Parse the output of SECRETS_SCRIPT: each encrypted value in plain text, by its column."""
    line = next(line for line in output.splitlines() if line.startswith("SECRETS "))
    secrets: dict[str, str] = json.loads(line.removeprefix("SECRETS "))
    return secrets


class BrokerMonitor:
    """Record of all traffic on the broker's socket."""

    def __init__(self, broker: Path) -> None:
        self.broker, self._captured = broker, bytearray()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(broker))
        self._socket.sendall(b"MONITOR\r\n")
        threading.Thread(target=self._read_monitor, daemon=True).start()

    def _read_monitor(self) -> None:
        while received := self._socket.recv(65536):
            self._captured += received

    def captured_bytes(self) -> bytes:
        """Return the recorded traffic and the broker's current contents."""
        return bytes(self._captured) + b"\n".join(self._stored_values())

    def _stored_values(self) -> Iterator[bytes]:
        client = redis.Redis(unix_socket_path=str(self.broker))
        read: dict[bytes, Any] = {
            b"list": lambda key: client.lrange(key, 0, -1),
            b"hash": client.hgetall,
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"string": client.get,
        }
        for key in client.scan_iter():
            yield key + repr(read[client.type(key)](key)).encode()


def mark_spellings(mark: str) -> set[bytes]:
    """Return the mark as plain text, in JSON and in a URL."""
    return {mark.encode(), json.dumps(mark)[1:-1].encode(), mark.replace("@", "%40").encode()}


def find_marks(marks: Iterable[str], content: bytes) -> list[str]:
    return sorted(mark for mark in marks if any(each in content for each in mark_spellings(mark)))


def find_columns(marks: Iterable[str], database: Path) -> dict[str, set[str]]:
    """Return the columns that contain each mark, as `app.model.column` (tables without a model by their name)."""
    labels = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
    found: dict[str, set[str]] = {mark: set() for mark in marks}
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            names = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            model = labels.get(table)
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 (our own tables)
                for name, value in zip(names, row, strict=True):
                    for mark in find_marks(found, str(value).encode()):
                        found[mark].add(f"{model._meta.label_lower if model else table}.{name}")
    return found


def flatten_columns(*registers: dict[str, frozenset[str]]) -> set[str]:
    """Return the columns of these registers as `app.model.column`."""
    return {f"{label}.{name}" for each in registers for label, names in each.items() for name in names}


CANDIDATE_COLUMNS = flatten_columns(personal_data.CANDIDATE_FIELDS, personal_data.ORDER_TEXT_FIELDS)
PERSONAL_COLUMNS = flatten_columns(personal_data.USER_FIELDS, personal_data.CANDIDATE_FIELDS)


def find_tokens(mails: Iterable[Path]) -> set[str]:
    """Return the tokens of all links in the emails."""
    text = "".join(path.read_text() for path in mails).replace("=\n", "").replace("=3D", "=")
    return set(re.findall(r"/(?:take|files|invitations|password/reset/key)/([\w-]{16,})", text))
