"""CSV format of the catalogue: a line per package, followed by a line per assessment and rule.

Without the column `record`, each line is a package, and assessments and rules do not change. A cell that a spreadsheet
would run as a formula, or would turn into a number or a date, has an apostrophe in front, which the import removes
(tests/reliability/README.md, A15). The import accepts the other changes that spreadsheets make: other separators,
`sep=` in the first line, empty lines and columns, headings in capitals, and booleans in other languages.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

from assessments.catalogue import COMMON_FIELDS, PACKAGE_FIELDS
from assessments.transfer import spreadsheets
from assessments.transfer.schema import FileRecord, RawPackage, UnreadableFileError
from integrations.strict_json import MalformedJSONError, parse_json

PACKAGE_COLUMNS = (*PACKAGE_FIELDS, "retired")
RULE_COLUMNS = ("customer", "requester", "country", "region", "city", "remote", "fields")
COLUMNS = ("record", "package", "assessment", *PACKAGE_COLUMNS, *RULE_COLUMNS)
RECORD_TYPES = ("package", "assessment", "rule")
BOOLEAN_COLUMNS = ("invite_candidate", "retired", "remote")
DAY_COLUMNS = ("remind_after_days", "expires_after_days")
NOT_UTF8_MESSAGE = "The file is not UTF-8; save it as “CSV UTF-8”."
BOOLEANS = spreadsheets.BOOLEAN_WORDS | {"1": True, "0": False}
DELIMITERS = ",;\t|"
# Excel's own first line, which other spreadsheets keep as a cell.
SEPARATOR_LINE_PATTERN = re.compile(r'"?sep=([^\r\n"])"?[,;\t|]*(?:\r\n|\r|\n|\Z)', re.I)
HEADINGS_PATTERN = re.compile(r'[^,;\t|"\s][^\r\n]*')


def write_csv(packages: Iterable[RawPackage]) -> bytes:
    """Return the file with a byte order mark, by which spreadsheets recognise UTF-8."""
    out = io.StringIO()
    lines = csv.DictWriter(out, COLUMNS, restval="", quoting=csv.QUOTE_ALL)
    lines.writeheader()
    for package in packages:
        for row in _build_rows(package):
            lines.writerow({key: _format_cell(value) for key, value in row.items()})
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _build_rows(package: RawPackage) -> Iterator[RawPackage]:
    yield {"record": "package", "package": package["id"], **{key: package[key] for key in PACKAGE_COLUMNS}}
    for part in package["assessments"]:
        columns = {key: part[key] for key in COMMON_FIELDS}
        yield {"record": "assessment", "package": package["id"], "assessment": part["id"], **columns}
    for rule in package["rules"]:
        yield {"record": "rule", "package": package["id"], **rule}


def _format_cell(value: Any) -> str:
    if isinstance(value, str):
        return spreadsheets.guard_text(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return "" if value is None else str(value)


def read_csv(content: bytes) -> list[FileRecord]:
    """Parse the file. Raise UnreadableFileError for the first malformed line."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise UnreadableFileError(1, NOT_UTF8_MESSAGE) from None
    if "\0" in text:
        raise UnreadableFileError(1, NOT_UTF8_MESSAGE)
    records: list[FileRecord] = []
    for line, row in _read_lines(text):
        _add_row(records, line, row)
    return records


def _read_lines(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each line that is not empty, with the line number at which it starts."""
    separator_line = SEPARATOR_LINE_PATTERN.match(text)
    skipped = 1 if separator_line else 0
    text = text[separator_line.end() :] if separator_line else text
    delimiter = separator_line[1] if separator_line else _detect_delimiter(text)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns: list[str] = []
    start = skipped + 1
    try:
        for cells in lines:
            is_empty = not any(cell.strip() for cell in cells)
            if columns and not is_empty:
                yield start, _read_cells(columns, cells, start)
            elif not is_empty:
                columns = _read_headings(cells, start)
            start = skipped + lines.line_num + 1
    except csv.Error as error:
        raise UnreadableFileError(start, f"This is not valid CSV: {error}.") from None
    if not columns:
        raise UnreadableFileError(1, f"The file is empty. Its first line must name the columns: {', '.join(COLUMNS)}.")


def _detect_delimiter(text: str) -> str:
    headings = HEADINGS_PATTERN.search(text)
    return max(DELIMITERS, key=headings[0].count) if headings else ","


def _read_headings(cells: list[str], line: int) -> list[str]:
    """Return the columns' names. A column without a heading has an empty one."""
    columns = ["_".join(cell.lower().split()) for cell in cells]
    names = [name for name in columns if name]
    if unknown := [name for name in names if name not in COLUMNS]:
        raise UnreadableFileError(line, f"Unknown column “{unknown[0][:40]}”. Known columns: {', '.join(COLUMNS)}.")
    if "package" not in names:
        raise UnreadableFileError(line, "The column “package” is missing. It contains the package's id on every line.")
    if len(set(names)) != len(names):
        raise UnreadableFileError(line, "A column is repeated.")
    return columns


def _read_cells(columns: list[str], cells: list[str], line: int) -> dict[str, str]:
    used = max(number for number, cell in enumerate(cells, start=1) if cell.strip())
    if used > len(columns):
        raise UnreadableFileError(line, f"Too many cells: expected {len(columns)}, found {used}.")
    row: dict[str, str] = {}
    for number, (name, cell) in enumerate(zip_longest(columns, cells[: len(columns)], fillvalue=""), start=1):
        if name:
            row[name] = spreadsheets.unguard_text(cell)
        elif cell.strip():
            raise UnreadableFileError(line, f"Column {number} has no heading: write one, or empty the column.")
    return row


def _add_row(records: list[FileRecord], line: int, row: dict[str, str]) -> None:
    """Add the line to the records, as a new package or as a part of the last one."""
    has_parts, record = "record" in row, row.pop("record", "package").strip().lower()
    package_id, assessment_id = row.pop("package").strip(), row.pop("assessment", None)
    if record not in RECORD_TYPES:
        raise UnreadableFileError(line, f"Unknown record “{record}”. Write package, assessment or rule.")
    if record == "package":
        parts = {"assessments": assessment_id is not None, "rules": not row.keys().isdisjoint(RULE_COLUMNS)}
        lists: RawPackage = {kind: [] for kind, has_column in parts.items() if has_parts and has_column}
        records.append(FileRecord({"id": package_id, **_parse_row(row, line), **lists}, line))
        return
    if not records or records[-1].raw["id"] != package_id:
        raise UnreadableFileError(line, f"Put this line below the line of the package “{package_id}”.")
    package, kind = records[-1], f"{record}s"
    part = _parse_row({key: cell for key, cell in row.items() if key not in DAY_COLUMNS or cell}, line)
    if kind not in package.raw:
        names = "assessment" if record == "assessment" else ", ".join(RULE_COLUMNS)
        raise UnreadableFileError(line, f"This line needs one of these columns: {names}.")
    if record == "assessment":
        part = {"id": (assessment_id or "").strip(), **part}
    elif not part.get("description"):
        part.pop("description", None)
    package.part_lines[f"{kind}.{len(package.raw[kind])}"] = line
    package.raw[kind].append(part)


def _parse_row(row: dict[str, str], line: int) -> RawPackage:
    """Return the cells as values of the API. Empty cells are omitted, unless empty is a value of the column."""
    nullable = ("description", *DAY_COLUMNS)
    return {key: _parse_cell(key, cell, line) for key, cell in row.items() if cell.strip() or key in nullable}


def _parse_cell(key: str, cell: str, line: int) -> Any:
    """Convert a cell. A malformed value is returned as it is, so that the serializer reports it."""
    bare = cell.strip()
    if key in BOOLEAN_COLUMNS:
        return BOOLEANS.get(bare.lower(), cell)
    if key in DAY_COLUMNS:
        return int(bare) if re.fullmatch("[0-9]{1,9}", bare, re.ASCII) else (bare or None)
    if key == "fields":
        try:
            return parse_json(bare.encode())
        except MalformedJSONError:
            raise UnreadableFileError(line, 'Write fields as {"department": "Sales"}.') from None
    return bare if key in ("type", "delivery") else cell
