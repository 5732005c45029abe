"""The catalogue as CSV, for spreadsheets: a line for each package, and below it one for each assessment and rule.

Without the column `record` each line is a package, and its assessments and rules stay as they are. A cell that a
spreadsheet would run as a formula has an apostrophe before it, in both directions (RELIABILITY.md, A15).
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from assessments.transfer.schema import FileRecord, RawPackage, UnreadableFileError
from integrations.strict_json import MalformedJSONError, parse_json

COMMON_COLUMNS = ("type", "name", "description")
PACKAGE_COLUMNS = (
    *COMMON_COLUMNS,
    "delivery",
    "invite_candidate",
    "remind_after_days",
    "expires_after_days",
    "retired",
)
RULE_COLUMNS = ("customer", "requester", "country", "region", "city", "remote", "fields")
COLUMNS = ("record", "package", "assessment", *PACKAGE_COLUMNS, *RULE_COLUMNS)
RECORD_TYPES = ("package", "assessment", "rule")
BOOLEAN_COLUMNS = ("invite_candidate", "retired", "remote")
DAY_COLUMNS = ("remind_after_days", "expires_after_days")
NOT_UTF8_MESSAGE = "The file is not UTF-8: save it as “CSV UTF-8”."
FORMULA_PATTERN = re.compile("'*[=+\\-@\t\r\n\uff0b\uff0d\uff1d\uff20]")


def write_csv(packages: Iterable[RawPackage]) -> bytes:
    """With a byte order mark: without one, spreadsheets take UTF-8 for something else."""
    out = io.StringIO()
    lines = csv.DictWriter(out, COLUMNS, restval="", quoting=csv.QUOTE_ALL)
    lines.writeheader()
    for package in packages:
        for row in _build_rows(package):
            lines.writerow({key: _escape_formula(_format_cell(value)) for key, value in row.items()})
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _build_rows(package: RawPackage) -> Iterator[RawPackage]:
    yield {"record": "package", "package": package["id"], **{key: package[key] for key in PACKAGE_COLUMNS}}
    for part in package["assessments"]:
        about = {key: part[key] for key in COMMON_COLUMNS}
        yield {"record": "assessment", "package": package["id"], "assessment": part["id"], **about}
    for rule in package["rules"]:
        yield {"record": "rule", "package": package["id"], **rule}


def _format_cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return "" if value is None else str(value)


def _escape_formula(text: str) -> str:
    return f"'{text}" if FORMULA_PATTERN.match(text) else text


def _unescape_formula(text: str) -> str:
    return text[1:] if text.startswith("'") and FORMULA_PATTERN.match(text) else text


def read_csv(content: bytes) -> list[FileRecord]:
    """Raises UnreadableFileError."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise UnreadableFileError(1, NOT_UTF8_MESSAGE) from None
    if "\0" in text:
        raise UnreadableFileError(1, NOT_UTF8_MESSAGE)
    found: list[FileRecord] = []
    for line, row in _read_lines(text):
        _add_row(found, line, row)
    return found


def _read_lines(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line that is not empty, with the number at which it begins."""
    head = text.partition("\n")[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
    columns: list[str] = []
    begins = 1
    try:
        for cells in lines:
            if not columns:
                columns = _validate_columns([cell.strip() for cell in cells])
            elif any(cells):
                if len(cells) > len(columns):
                    raise UnreadableFileError(begins, f"There are {len(cells)} cells under {len(columns)} columns.")
                cells += [""] * (len(columns) - len(cells))
                yield begins, {key: _unescape_formula(cell) for key, cell in zip(columns, cells, strict=True)}
            begins = lines.line_num + 1
    except csv.Error as error:
        raise UnreadableFileError(begins, f"This is not CSV: {error}.") from None
    if not columns:
        raise UnreadableFileError(1, f"The file is empty. Its first line names the columns: {', '.join(COLUMNS)}.")


def _validate_columns(columns: list[str]) -> list[str]:
    if unknown := [name for name in columns if name not in COLUMNS]:
        names = ", ".join(COLUMNS)
        raise UnreadableFileError(
            1, f"There is no column “{unknown[0][:40]}”; the first line names the columns, of these: {names}."
        )
    if "package" not in columns:
        raise UnreadableFileError(1, "The column “package” is missing: it has the package's id on every line.")
    if len(set(columns)) != len(columns):
        raise UnreadableFileError(1, "A column stands twice.")
    return columns


def _add_row(found: list[FileRecord], line: int, row: dict[str, str]) -> None:
    """Add the line to what was read: a new package, or a part of the one above."""
    has_parts, record = "record" in row, row.pop("record", "package").strip().lower()
    package_id, assessment_id = row.pop("package").strip(), row.pop("assessment", None)
    if record not in RECORD_TYPES:
        raise UnreadableFileError(line, f"“{record}” is no record: write package, assessment or rule.")
    if record == "package":
        parts: dict[str, bool] = {
            "assessments": assessment_id is not None,
            "rules": not row.keys().isdisjoint(RULE_COLUMNS),
        }
        lists: RawPackage = {kind: [] for kind, is_told in parts.items() if has_parts and is_told}
        found.append(FileRecord({"id": package_id, **_parse_row(row, line), **lists}, line))
        return
    if not found or found[-1].raw["id"] != package_id:
        raise UnreadableFileError(line, f"This line belongs below the one of the package “{package_id}”.")
    kind, part = (
        f"{record}s",
        _parse_row({key: cell for key, cell in row.items() if key not in DAY_COLUMNS or cell}, line),
    )
    if kind not in found[-1].raw:
        names = "assessment" if record == "assessment" else ", ".join(RULE_COLUMNS)
        raise UnreadableFileError(line, f"This line needs a column of these: {names}.")
    if record == "assessment":
        part = {"id": (assessment_id or "").strip(), **part}
    elif not part.get("description"):
        part.pop("description", None)
    found[-1].part_lines[f"{kind}.{len(found[-1].raw[kind])}"] = line
    found[-1].raw[kind].append(part)


def _parse_row(row: dict[str, str], line: int) -> RawPackage:
    """The line's cells as the API has them. An empty one is left out, save where empty says something."""
    told = {key: cell for key, cell in row.items() if cell.strip() or key == "description" or key in DAY_COLUMNS}
    return {key: _parse_cell(key, cell, line) for key, cell in told.items()}


def _parse_cell(key: str, cell: str, line: int) -> Any:
    """What is not as it should be goes on as it is, for the serializer to say so."""
    bare = cell.strip()
    if key in BOOLEAN_COLUMNS and bare.lower() in ("true", "false"):
        return bare.lower() == "true"
    if key in DAY_COLUMNS:
        return int(bare) if re.fullmatch("[0-9]{1,9}", bare, re.ASCII) else (bare or None)
    if key == "fields":
        try:
            return parse_json(bare.encode())
        except MalformedJSONError:
            raise UnreadableFileError(line, 'fields are written as {"department": "Sales"}.') from None
    return bare if key in ("type", "delivery") else cell
