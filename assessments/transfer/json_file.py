"""The catalogue as JSON: the body of `PUT /packages`, a package on each line."""

import json
import re
from collections.abc import Iterable, Iterator

from assessments.transfer.schema import Raw, Record, Unreadable
from integrations.api.parsers import Malformed, loads

LIST = re.compile(r'\{\s*"packages"\s*:\s*\[')


def write(packages: Iterable[Raw]) -> bytes:
    lines = ",\n".join(json.dumps(package, ensure_ascii=False) for package in packages)
    return f'{{"packages": [\n{lines}\n]}}\n'.encode()


def read(content: bytes) -> list[Record]:
    """Raises Unreadable."""
    try:
        parsed = loads(content)
    except Malformed as error:
        said = re.search(r"at line (\d+)", str(error))
        raise Unreadable(int(said[1]) if said else 1, f"This is not JSON as we take it: {error}.") from None
    packages = parsed.get("packages") if isinstance(parsed, dict) and parsed.keys() == {"packages"} else None
    if not isinstance(packages, list):
        raise Unreadable(1, 'Send {"packages": […]}, as the export writes it.')
    lines = list(_lines(content.decode()))
    for package, line in zip(packages, lines, strict=True):
        if not isinstance(package, dict):
            raise Unreadable(line, "A package is an object, like those of the export.")
    return [Record(package, line) for package, line in zip(packages, lines, strict=True)]


def _lines(text: str) -> Iterator[int]:
    """On which line each package begins, of a text that is known to be good."""
    begun = LIST.match(text.lstrip())
    at = len(text) - len(text.lstrip()) + (begun.end() if begun else 0)
    decoder, line, counted = json.JSONDecoder(), 1, 0
    while True:
        at = _past(text, at)
        if at >= len(text) or text[at] == "]":
            return
        line, counted = line + text.count("\n", counted, at), at
        yield line
        _, at = decoder.raw_decode(text, at)


def _past(text: str, at: int) -> int:
    """Behind white space and commas."""
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at
