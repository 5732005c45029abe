"""Emails of the demo, which are files: new ones appear on the console with their links."""

import contextlib
import email.policy
import re
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

# Django's file backend writes this after each message.
MESSAGE_SEPARATOR = b"\n" + b"-" * 79 + b"\n"
LINK_PATTERN = re.compile(r"https?://\S+")


class Mailbox:
    def __init__(self, folder: Path, print_message: Callable[[str], None]) -> None:
        self._folder = folder
        self._print_message = print_message
        self._offsets = {path: path.stat().st_size for path in folder.glob("*.log")}

    def show_new(self) -> None:
        """Print recipient, subject and link of each message since the last call."""
        with contextlib.suppress(FileNotFoundError):  # a file was deleted meanwhile
            for path in sorted(self._folder.glob("*.log")):
                for message in self._read_new(path):
                    self._print_message(_format_message(message))

    def _read_new(self, path: Path) -> list[bytes]:
        content = path.read_bytes()[self._offsets.get(path, 0) :]
        *messages, unfinished = content.split(MESSAGE_SEPARATOR)
        self._offsets[path] = self._offsets.get(path, 0) + len(content) - len(unfinished)
        return messages


def _format_message(content: bytes) -> str:
    message = email.message_from_bytes(content, EmailMessage, policy=email.policy.default)
    body = message.get_body(("plain",))
    link = LINK_PATTERN.search(body.get_content()) if body else None
    return f"  Email to {message['To']}: {message['Subject']}" + (f"\n    {link[0]}" if link else "")
