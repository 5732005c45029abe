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

from assessments.transfer.schema import Raw, Record, Unreadable
from integrations.api.parsers import Malformed, loads

ABOUT = ("type", "name", "description")
OF_PACKAGE = (*ABOUT, "delivery", "invite_candidate", "remind_after_days", "expires_after_days", "retired")
OF_RULE = ("customer", "requester", "country", "region", "city", "remote", "fields")
COLUMNS = ("record", "package", "assessment", *OF_PACKAGE, *OF_RULE)
RECORDS = ("package", "assessment", "rule")
FLAGS = ("invite_candidate", "retired", "remote")
DAYS = ("remind_after_days", "expires_after_days")
NO_TEXT = "The file is not UTF-8: save it as “CSV UTF-8”."
FORMULA = re.compile("'*[=+\\-@\t\r\n\uff0b\uff0d\uff1d\uff20]")


def write(packages: Iterable[Raw]) -> bytes:
    """With a byte order mark: without one, spreadsheets take UTF-8 for something else."""
    out = io.StringIO()
    lines = csv.DictWriter(out, COLUMNS, restval="", quoting=csv.QUOTE_ALL)
    lines.writeheader()
    for package in packages:
        for row in _rows(package):
            lines.writerow({key: _guarded(_cell(value)) for key, value in row.items()})
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _rows(package: Raw) -> Iterator[Raw]:
    yield {"record": "package", "package": package["id"], **{key: package[key] for key in OF_PACKAGE}}
    for part in package["assessments"]:
        about = {key: part[key] for key in ABOUT}
        yield {"record": "assessment", "package": package["id"], "assessment": part["id"], **about}
    for rule in package["rules"]:
        yield {"record": "rule", "package": package["id"], **rule}


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return "" if value is None else str(value)


def _guarded(text: str) -> str:
    return f"'{text}" if FORMULA.match(text) else text


def _bared(text: str) -> str:
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def read(content: bytes) -> list[Record]:
    """Raises Unreadable."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise Unreadable(1, NO_TEXT) from None
    if "\0" in text:
        raise Unreadable(1, NO_TEXT)
    found: list[Record] = []
    for line, row in _lines(text):
        _take(found, line, row)
    return found


def _lines(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line that is not empty, with the number at which it begins."""
    head = text.partition("\n")[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
    columns: list[str] = []
    begins = 1
    try:
        for cells in lines:
            if not columns:
                columns = _checked([cell.strip() for cell in cells])
            elif any(cells):
                if len(cells) > len(columns):
                    raise Unreadable(begins, f"There are {len(cells)} cells under {len(columns)} columns.")
                cells += [""] * (len(columns) - len(cells))
                yield begins, {key: _bared(cell) for key, cell in zip(columns, cells, strict=True)}
            begins = lines.line_num + 1
    except csv.Error as error:
        raise Unreadable(begins, f"This is not CSV: {error}.") from None
    if not columns:
        raise Unreadable(1, f"The file is empty. Its first line names the columns: {', '.join(COLUMNS)}.")


def _checked(columns: list[str]) -> list[str]:
    if unknown := [name for name in columns if name not in COLUMNS]:
        names = ", ".join(COLUMNS)
        raise Unreadable(
            1, f"There is no column “{unknown[0][:40]}”; the first line names the columns, of these: {names}."
        )
    if "package" not in columns:
        raise Unreadable(1, "The column “package” is missing: it has the package's id on every line.")
    if len(set(columns)) != len(columns):
        raise Unreadable(1, "A column stands twice.")
    return columns


def _take(found: list[Record], line: int, row: dict[str, str]) -> None:
    """Add the line to what was read: a new package, or a part of the one above."""
    has_parts, record = "record" in row, row.pop("record", "package").strip().lower()
    package_id, assessment_id = row.pop("package").strip(), row.pop("assessment", None)
    if record not in RECORDS:
        raise Unreadable(line, f"“{record}” is no record: write package, assessment or rule.")
    if record == "package":
        parts: dict[str, bool] = {"assessments": assessment_id is not None, "rules": not row.keys().isdisjoint(OF_RULE)}
        lists: Raw = {kind: [] for kind, is_told in parts.items() if has_parts and is_told}
        found.append(Record({"id": package_id, **_values(row, line), **lists}, line))
        return
    if not found or found[-1].raw["id"] != package_id:
        raise Unreadable(line, f"This line belongs below the one of the package “{package_id}”.")
    kind, part = f"{record}s", _values({key: cell for key, cell in row.items() if key not in DAYS or cell}, line)
    if kind not in found[-1].raw:
        names = "assessment" if record == "assessment" else ", ".join(OF_RULE)
        raise Unreadable(line, f"This line needs a column of these: {names}.")
    if record == "assessment":
        part = {"id": (assessment_id or "").strip(), **part}
    elif not part.get("description"):
        part.pop("description", None)
    found[-1].lines[f"{kind}.{len(found[-1].raw[kind])}"] = line
    found[-1].raw[kind].append(part)


def _values(row: dict[str, str], line: int) -> Raw:
    """The line's cells as the API has them. An empty one is left out, save where empty says something."""
    told = {key: cell for key, cell in row.items() if cell.strip() or key == "description" or key in DAYS}
    return {key: _value(key, cell, line) for key, cell in told.items()}


def _value(key: str, cell: str, line: int) -> Any:
    """What is not as it should be goes on as it is, for the serializer to say so."""
    bare = cell.strip()
    if key in FLAGS and bare.lower() in ("true", "false"):
        return bare.lower() == "true"
    if key in DAYS:
        return int(bare) if re.fullmatch("[0-9]{1,9}", bare, re.ASCII) else (bare or None)
    if key == "fields":
        try:
            return loads(bare.encode())
        except Malformed:
            raise Unreadable(line, 'fields are written as {"department": "Sales"}.') from None
    return bare if key in ("type", "delivery") else cell
