"""Import plan: check a file, list the changes that it makes, and apply them."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import transaction
from rest_framework import serializers

from assessments import catalogue
from assessments.api.serializers import KnownIds, serialize_rule
from assessments.catalogue import CHUNK_SIZE, PackageDraft
from assessments.models import CatalogueRevision, Package, Rule
from assessments.transfer import csv_file, json_file, spreadsheets
from assessments.transfer.diff import Difference, compare_packages
from assessments.transfer.schema import FilePackageSerializer, FileRecord, RawPackage, UnreadableFileError, dump_package
from integrations.api.errors import flatten_errors

MAX_BYTES = 8 * 1024 * 1024
FORMATS = {"csv": csv_file.write_csv, "json": json_file.write_json}
CHANGE_KINDS = ("created", "updated", "retired", "unchanged")
ProgressCallback = Callable[[int, int], object]


def _ignore_progress(done: int, total: int) -> None:
    pass


class Problem(NamedTuple):
    """Error or warning on a line of the file, with a message that names the right value."""

    line: int
    field: str
    message: str


class Change(NamedTuple):
    id: str
    name: str
    kind: str
    differences: list[Difference]


@dataclass(frozen=True)
class Plan:
    """Changes that a file would make. A plan with problems is never applied, one with warnings if a person agrees."""

    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    drafts: list[PackageDraft] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        kinds = [change.kind for change in self.changes]
        return {kind: kinds.count(kind) for kind in CHANGE_KINDS}

    @property
    def digest(self) -> str:
        """Return a hash of the changes. It differs if the file or the catalogue differs."""
        return hashlib.sha256(json.dumps(self.changes).encode()).hexdigest()


class CatalogueChangedError(Exception):
    """Raised when the catalogue has changed since the plan was shown, so that the file would do something else."""

    def __init__(self, plan: Plan) -> None:
        super().__init__("The catalogue has changed in the meantime. Check the changes again.")
        self.plan = plan


def export_catalogue(file_format: str) -> bytes:
    """Export the whole catalogue, including retired packages, as "csv" or "json"."""
    return FORMATS[file_format](dump_package(package) for package in _load_packages().values())


def _load_packages() -> dict[str, Package]:
    packages = Package.objects.order_by("id").prefetch_related("assessments", "rules")
    return {package.id: package for package in packages}


def build_plan(content: bytes, *, retire_missing: bool, progress: ProgressCallback = _ignore_progress) -> Plan:
    """Compare the file with the catalogue, without writing. Errors of the file are the plan's problems."""
    try:
        records = _read_records(content)
    except UnreadableFileError as error:
        return Plan(problems=[Problem(error.line, "", error.message)])
    stored, checked = _load_packages(), FilePackageSerializer(context={"known_ids": KnownIds()})
    plan, seen = Plan(warnings=list(_find_converted_ids(records, stored, retire_missing))), set[str]()
    for done, record in enumerate(records, start=1):
        _add_record(plan, record, stored, seen, checked)
        if done % CHUNK_SIZE == 0 or done == len(records):
            progress(done, len(records))
    if retire_missing and not plan.problems:
        _add_retirements(plan, [package for key, package in stored.items() if key not in seen])
    return plan


def _read_records(content: bytes) -> list[FileRecord]:
    if len(content) > MAX_BYTES:
        raise UnreadableFileError(1, f"The file is larger than {MAX_BYTES // 1024 // 1024} MB; split it.")
    content = content.removeprefix(b"\xef\xbb\xbf")
    return json_file.read_json(content) if content.lstrip()[:1] in (b"{", b"[") else csv_file.read_csv(content)


def _add_record(plan: Plan, record: FileRecord, stored: dict[str, Package], seen: set[str], serializer: Any) -> None:
    package = stored.get(str(record.raw.get("id")))
    raw = _drop_stored_types(record.raw, package) if package else record.raw
    try:
        draft: PackageDraft = serializer.run_validation(raw)
    except serializers.ValidationError as invalid:
        for error in flatten_errors(invalid.detail):
            path = error.get("field", "")
            plan.problems.append(Problem(record.find_line(path), path, error["message"]))
        return
    if draft["id"] in seen:
        plan.problems.append(Problem(record.line, "id", f"The package “{draft['id']}” is repeated in the file."))
        return
    seen.add(draft["id"])
    _add_change(plan, draft, package)


def _find_converted_ids(
    records: Sequence[FileRecord], stored: dict[str, Package], retire_missing: bool
) -> Iterator[Problem]:
    """Yield a warning for each id that a spreadsheet may have written instead of a stored one, like 7 for 007."""
    effects = {
        key: ", and would be retired" if retire_missing and package.retired_at is None else ""
        for key, package in stored.items()
    }
    ids = [(str(record.raw.get("id")), record.line) for record in records]
    yield from _match_converted_ids(ids, effects, "id")
    for (key, _), record in zip(ids, records, strict=True):
        parts = record.raw.get("assessments")
        if key in stored and isinstance(parts, list):
            part_ids = [
                (str(part.get("id")) if isinstance(part, dict) else "", record.find_line(f"assessments.{number}"))
                for number, part in enumerate(parts)
            ]
            effects = {each.assessment_id: ", and would be removed" for each in stored[key].assessments.all()}
            yield from _match_converted_ids(part_ids, effects, "assessments.id")


def _match_converted_ids(
    ids: Sequence[tuple[str, int]], effects: Mapping[str, str], field_name: str
) -> Iterator[Problem]:
    """Match the file's ids that are new or repeated with stored ones that are missing from it.

    `effects` has the stored ids, each with its change.
    """
    counts = Counter(each for each, _ in ids)
    missing = {
        value: each for each in effects if each not in counts for value in spreadsheets.list_converted_values(each)
    }
    for each, line in ids:
        original = missing.get(spreadsheets.parse_value(each))
        if original is not None and (each not in effects or counts[each] > 1):
            message = (
                f"Did a spreadsheet turn “{original}” into “{each}”? “{original}” is stored but not in the file"
                f"{effects[original]}. If so, format the column as text and write “{original}” again."
            )
            yield Problem(line, field_name, message)


def _drop_stored_types(raw: RawPackage, package: Package) -> RawPackage:
    """Drop types that are stored already, so that they are not refused if they are no longer published."""

    def drop_type(part: Any, kind: str | None) -> Any:
        return {key: value for key, value in part.items() if key != "type" or value != kind}

    kinds = {each.assessment_id: each.type for each in package.assessments.all()}
    reduced: RawPackage = drop_type(raw, package.type)
    if isinstance(parts := reduced.get("assessments"), list):
        reduced["assessments"] = [
            drop_type(part, kinds.get(str(part.get("id")))) if isinstance(part, dict) else part for part in parts
        ]
    return reduced


def _add_change(plan: Plan, draft: PackageDraft, package: Package | None) -> None:
    before = dump_package(package) if package else None
    differences = compare_packages(before, _merge_draft(draft, package))
    retires = before is not None and not before["retired"] and draft.get("retired", False)
    kind = ("retired" if retires else "updated" if differences else "unchanged") if package else "created"
    plan.changes.append(Change(draft["id"], draft.get("name", package.name if package else ""), kind, differences))
    if kind != "unchanged":
        plan.drafts.append(draft)


def _add_retirements(plan: Plan, packages: Sequence[Package]) -> None:
    for package in packages:
        if package.retired_at is None:
            difference = Difference("retired", "false", "true")
            plan.changes.append(Change(package.id, package.name, "retired", [difference]))
            plan.drafts.append({"id": package.id, "retired": True})


def _merge_draft(draft: PackageDraft, package: Package | None) -> RawPackage:
    """Return the package as an export would write it after the draft is applied."""
    before = dump_package(package) if package else {"assessments": [], "rules": []}
    drafted = catalogue.apply_draft(draft, copy(package))
    stored = {part["id"]: part for part in before["assessments"]}
    merged: RawPackage = {key: getattr(drafted, key) for key in ("id", *catalogue.PACKAGE_FIELDS)}
    merged["retired"] = drafted.retired_at is not None
    parts = draft.get("assessments", before["assessments"])
    merged["assessments"] = [{"description": "", **stored.get(part["id"], {}), **part} for part in parts]
    merged["rules"] = [serialize_rule(Rule(**rule)) for rule in draft["rules"]] if "rules" in draft else before["rules"]
    return merged


def apply_plan(
    content: bytes,
    *,
    retire_missing: bool,
    expected_digest: str,
    check_progress: ProgressCallback = _ignore_progress,
    write_progress: ProgressCallback = _ignore_progress,
    on_applied: Callable[[Plan], object] = lambda plan: None,
) -> Plan:
    """Apply the plan with this digest, and call `on_applied` in the same transaction.

    Raise CatalogueChangedError, and change nothing, if the file makes other changes by now.
    """
    # The plan is built before the transaction, since SQLite admits one writer and orders must not wait for the check.
    revision = CatalogueRevision.read()
    plan = build_plan(content, retire_missing=retire_missing, progress=check_progress)
    if plan.problems or plan.digest != expected_digest:
        raise CatalogueChangedError(plan)
    with transaction.atomic():
        if not CatalogueRevision.renew_unchanged(revision):
            raise CatalogueChangedError(plan)
        for start in range(0, len(plan.drafts), CHUNK_SIZE):
            catalogue.put_packages(plan.drafts[start : start + CHUNK_SIZE])
            write_progress(min(start + CHUNK_SIZE, len(plan.drafts)), len(plan.drafts))
        on_applied(plan)
    return plan
