"""The catalogue as JSON: the body of `PUT /packages`, a package on each line."""

import json
import re
from collections.abc import Iterable, Iterator

from assessments.transfer.schema import FileRecord, RawPackage, UnreadableFileError
from integrations.strict_json import MalformedJSONError, parse_json

LIST_PATTERN = re.compile(r'\{\s*"packages"\s*:\s*\[')


def write_json(packages: Iterable[RawPackage]) -> bytes:
    lines = ",\n".join(json.dumps(package, ensure_ascii=False) for package in packages)
    return f'{{"packages": [\n{lines}\n]}}\n'.encode()


def read_json(content: bytes) -> list[FileRecord]:
    """Raises UnreadableFileError."""
    try:
        parsed = parse_json(content)
    except MalformedJSONError as error:
        said = re.search(r"at line (\d+)", str(error))
        raise UnreadableFileError(int(said[1]) if said else 1, f"This is not JSON as we take it: {error}.") from None
    packages = parsed.get("packages") if isinstance(parsed, dict) and parsed.keys() == {"packages"} else None
    if not isinstance(packages, list):
        raise UnreadableFileError(1, 'Send {"packages": […]}, as the export writes it.')
    lines = list(_find_lines(content.decode()))
    for package, line in zip(packages, lines, strict=True):
        if not isinstance(package, dict):
            raise UnreadableFileError(line, "A package is an object, like those of the export.")
    return [FileRecord(package, line) for package, line in zip(packages, lines, strict=True)]


def _find_lines(text: str) -> Iterator[int]:
    """On which line each package begins, of a text that is known to be good."""
    begun = LIST_PATTERN.match(text.lstrip())
    at = len(text) - len(text.lstrip()) + (begun.end() if begun else 0)
    decoder, line, counted = json.JSONDecoder(), 1, 0
    while True:
        at = _skip_separators(text, at)
        if at >= len(text) or text[at] == "]":
            return
        line, counted = line + text.count("\n", counted, at), at
        yield line
        _, at = decoder.raw_decode(text, at)


def _skip_separators(text: str, position: int) -> int:
    """Behind white space and commas."""
    while position < len(text) and text[position] in " \t\r\n,":
        position += 1
    return position
