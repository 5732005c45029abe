"""The portal's languages are the files under `templates/locale`: `xx/LC_MESSAGES/django.po`.

`make setup` compiles them, so gettext's tools are needed by nobody but who extracts new texts (`make messages`).
Runs by itself too, before anything is installed: it imports nothing but the standard library.
"""

import ast
import re
import struct
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "locale"
TOKEN = re.compile(
    r"^(?:(?P<fuzzy>#,.*\bfuzzy\b)|(?P<name>msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)\s+"
    r'(?P<text>(?:"(?:[^"\\\n]|\\.)*"\s*)+))',
    re.MULTILINE,
)
PIECE = re.compile(r'"(?:[^"\\\n]|\\.)*"')
MAGIC, HEADER = 0x950412DE, 28


def list_language_codes(folder: Path = FOLDER) -> list[str]:
    """English, in which the texts are written, and what there is a file of."""
    found = (path.parent.parent.name for path in folder.glob("*/LC_MESSAGES/django.po"))
    return ["en", *sorted(code.replace("_", "-").lower() for code in found)]


def messages(po: str) -> dict[str, str]:
    """What is translated, by gettext's keys: the context, if there is one, and the text; a plural's forms together."""
    found: dict[str, str] = {}
    entry: dict[str, str] = {}
    for token in [*TOKEN.finditer(po), None]:
        name = token["name"] if token else None
        if name in (None, "msgctxt", "msgid") and any(part.startswith("msgstr") for part in entry):
            found |= _translated(entry)
            entry = {}
        if token is not None:
            entry[name or "fuzzy"] = "".join(map(ast.literal_eval, PIECE.findall(token["text"] or "")))
    return found


def _translated(entry: dict[str, str]) -> dict[str, str]:
    """Nothing of one that is empty, or marked as a guess."""
    forms = [text for name, text in entry.items() if name.startswith("msgstr")]
    if "fuzzy" in entry or not all(forms):
        return {}
    context = f"{entry['msgctxt']}\4" if "msgctxt" in entry else ""
    plural = f"\0{entry['msgid_plural']}" if "msgid_plural" in entry else ""
    return {f"{context}{entry['msgid']}{plural}": "\0".join(forms)}


def compiled(found: dict[str, str]) -> bytes:
    """As gettext reads it: two tables of lengths and offsets, sorted by key, then the texts."""
    pairs = sorted((key.encode(), text.encode()) for key, text in found.items())
    keys, texts = HEADER, HEADER + 8 * len(pairs)
    tables, body = b"", b""
    start = texts + 8 * len(pairs)
    for column in (0, 1):
        for pair in pairs:
            tables += struct.pack("<II", len(pair[column]), start + len(body))
            body += pair[column] + b"\0"
    return struct.pack("<7I", MAGIC, 0, len(pairs), keys, texts, 0, HEADER) + tables + body


def compile_all(folder: Path = FOLDER) -> None:
    """Beside each `.po` its `.mo`, if it is not there already; put in place whole."""
    for po in folder.glob("*/LC_MESSAGES/*.po"):
        mo = po.with_suffix(".mo")
        content = compiled(messages(po.read_text("utf-8")))
        if not mo.exists() or mo.read_bytes() != content:
            draft = mo.with_suffix(".new")
            draft.write_bytes(content)
            draft.replace(mo)


if __name__ == "__main__":
    compile_all()
