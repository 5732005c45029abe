"""JSON format of the catalogue: the body of `PUT /packages`, with one package per line."""

import json
import re
from collections.abc import Iterable, Iterator

from assessments.transfer.schema import FileRecord, RawPackage, UnreadableFileError
from integrations.strict_json import MalformedJSONError, parse_json

LIST_PATTERN = re.compile(r'\s*\{\s*"packages"\s*:\s*\[')
NEXT_PATTERN = re.compile(r"[^ \t\r\n,]")


def write_json(packages: Iterable[RawPackage]) -> bytes:
    lines = ",\n".join(json.dumps(package, ensure_ascii=False) for package in packages)
    return f'{{"packages": [\n{lines}\n]}}\n'.encode()


def read_json(content: bytes) -> list[FileRecord]:
    """Parse the file. Raise UnreadableFileError if it is malformed."""
    try:
        parsed = parse_json(content)
    except MalformedJSONError as error:
        line_number = re.search(r"at line (\d+)", str(error))
        line = int(line_number[1]) if line_number else 1
        raise UnreadableFileError(line, f"This is not valid JSON: {error}.") from None
    packages = parsed.get("packages") if isinstance(parsed, dict) and parsed.keys() == {"packages"} else None
    if not isinstance(packages, list):
        raise UnreadableFileError(1, 'The file must be {"packages": […]}, like the export.')
    lines = list(_find_lines(content.decode()))
    for package, line in zip(packages, lines, strict=True):
        if not isinstance(package, dict):
            raise UnreadableFileError(line, "A package must be an object, like those of the export.")
    return [FileRecord(package, line) for package, line in zip(packages, lines, strict=True)]


def _find_lines(text: str) -> Iterator[int]:
    """Yield the line on which each package starts. The text must be valid."""
    head = LIST_PATTERN.match(text)
    end = head.end() if head else 0
    decoder, line, counted = json.JSONDecoder(), 1, 0
    while (item := NEXT_PATTERN.search(text, end)) and item[0] != "]":
        line, counted = line + text.count("\n", counted, item.start()), item.start()
        yield line
        _, end = decoder.raw_decode(text, item.start())
