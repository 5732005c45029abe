"""The demo's e-mails: kept as files, and shown on the console so that their links can be clicked."""

import contextlib
import email.policy
import re
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

# What Django's file backend writes after each message.
END = b"\n" + b"-" * 79 + b"\n"
LINK = re.compile(r"https?://\S+")


class Mailbox:
    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._read = {path: path.stat().st_size for path in folder.glob("*.log")}

    def show_new(self) -> None:
        """To whom, about what, and the link of each message since the last look."""
        with contextlib.suppress(FileNotFoundError):  # somebody tidied up
            for path in sorted(self._folder.glob("*.log")):
                for message in self._new_in(path):
                    self._say(_shown(message))

    def _new_in(self, path: Path) -> list[bytes]:
        content = path.read_bytes()[self._read.get(path, 0) :]
        *messages, unfinished = content.split(END)
        self._read[path] = self._read.get(path, 0) + len(content) - len(unfinished)
        return messages


def _shown(content: bytes) -> str:
    message = email.message_from_bytes(content, EmailMessage, policy=email.policy.default)
    body = message.get_body(("plain",))
    link = LINK.search(body.get_content()) if body else None
    return f"  E-mail to {message['To']}: {message['Subject']}" + (f"\n    {link[0]}" if link else "")
