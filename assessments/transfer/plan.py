"""From a file to a plan, which shows what would change, and from a plan to the catalogue."""

import hashlib
import json
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import transaction
from rest_framework import serializers

from assessments import catalogue
from assessments.api.serializers import Known, shown_rule
from assessments.catalogue import CHUNK, PackageDraft
from assessments.models import Package, Rule
from assessments.transfer import csv_file, json_file
from assessments.transfer.diff import Difference, differences
from assessments.transfer.schema import FilePackageSerializer, Raw, Record, Unreadable, written
from integrations.api.errors import flatten

MAX_BYTES = 8 * 1024 * 1024
FORMATS = {"csv": csv_file.write, "json": json_file.write}
KINDS = ("created", "updated", "retired", "unchanged")
Progress = Callable[[int, int], None]


class Problem(NamedTuple):
    """What is wrong on a line of the file, and what would be right."""

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
    """Nothing of it is applied while there are problems."""

    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    drafts: list[PackageDraft] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        kinds = [change.kind for change in self.changes]
        return {kind: kinds.count(kind) for kind in KINDS}

    @property
    def digest(self) -> str:
        """The same plan has the same; another catalogue or another file makes another one."""
        return hashlib.sha256(json.dumps(self.changes).encode()).hexdigest()


class Moved(Exception):
    """The catalogue has changed since the plan was shown: it would do something else now."""

    def __init__(self, plan: Plan) -> None:
        super().__init__("The catalogue has changed since. Look again at what would change.")
        self.plan = plan


def export(form: str) -> bytes:
    """The whole catalogue, retired packages too, as "csv" or "json"."""
    return FORMATS[form](written(package) for package in _stored().values())


def _stored() -> dict[str, Package]:
    packages = Package.objects.order_by("id").prefetch_related("assessments", "rules")
    return {package.id: package for package in packages}


def _quiet(done: int, total: int) -> None:
    """Nobody watches."""


def make(content: bytes, *, retire_missing: bool, progress: Progress = _quiet) -> Plan:
    """What this file would do to the catalogue as it is. Writes nothing; problems are in the plan."""
    try:
        records = _read(content)
    except Unreadable as error:
        return Plan(problems=[Problem(error.line, "", error.message)])
    stored, checked = _stored(), FilePackageSerializer(context={"known": Known()})
    plan, seen = Plan(), set[str]()
    for done, record in enumerate(records, start=1):
        _add(plan, record, stored, seen, checked)
        if done % CHUNK == 0 or done == len(records):
            progress(done, len(records))
    if retire_missing and not plan.problems:
        _add_missing(plan, [package for key, package in stored.items() if key not in seen])
    return plan


def _read(content: bytes) -> list[Record]:
    if len(content) > MAX_BYTES:
        raise Unreadable(1, f"The file is larger than {MAX_BYTES // 1024 // 1024} MB: split it.")
    content = content.removeprefix(b"\xef\xbb\xbf")
    return json_file.read(content) if content.lstrip()[:1] in (b"{", b"[") else csv_file.read(content)


def _add(plan: Plan, record: Record, stored: dict[str, Package], seen: set[str], checked: Any) -> None:
    package = stored.get(str(record.raw.get("id")))
    raw = _without_stored_types(record.raw, package) if package else record.raw
    try:
        draft: PackageDraft = checked.run_validation(raw)
    except serializers.ValidationError as refused:
        for error in flatten(refused.detail):
            path = error.get("field", "")
            plan.problems.append(Problem(record.line_of(path), path, error["message"]))
        return
    if draft["id"] in seen:
        plan.problems.append(Problem(record.line, "id", f"The package “{draft['id']}” stands in the file already."))
        return
    seen.add(draft["id"])
    _compare(plan, draft, package)


def _without_stored_types(raw: Raw, package: Package) -> Raw:
    """A type that is stored already is not looked at again: it may have left the published ones since."""

    def bare(part: Any, kind: str | None) -> Any:
        return {key: value for key, value in part.items() if key != "type" or value != kind}

    kinds = {each.assessment_id: each.type for each in package.assessments.all()}
    told: Raw = bare(raw, package.type)
    if isinstance(parts := told.get("assessments"), list):
        told["assessments"] = [
            bare(part, kinds.get(str(part.get("id")))) if isinstance(part, dict) else part for part in parts
        ]
    return told


def _compare(plan: Plan, draft: PackageDraft, package: Package | None) -> None:
    before = written(package) if package else None
    found = differences(before, _after(draft, package))
    retires = before is not None and not before["retired"] and draft.get("retired", False)
    kind = ("retired" if retires else "updated" if found else "unchanged") if package else "created"
    plan.changes.append(Change(draft["id"], draft.get("name", package.name if package else ""), kind, found))
    if kind != "unchanged":
        plan.drafts.append(draft)


def _add_missing(plan: Plan, packages: Sequence[Package]) -> None:
    for package in packages:
        if package.retired_at is None:
            told = [Difference("retired", "false", "true")]
            plan.changes.append(Change(package.id, package.name, "retired", told))
            plan.drafts.append({"id": package.id, "retired": True})


def _after(draft: PackageDraft, package: Package | None) -> Raw:
    """How the package would be written once the draft is applied."""
    before = written(package) if package else {"assessments": [], "rules": []}
    drafted = catalogue.drafted(draft, copy(package))
    stored = {part["id"]: part for part in before["assessments"]}
    found: Raw = {key: getattr(drafted, key) for key in ("id", *catalogue.COLUMNS)}
    found["retired"] = drafted.retired_at is not None
    parts = draft.get("assessments", before["assessments"])
    found["assessments"] = [{"description": "", **stored.get(part["id"], {}), **part} for part in parts]
    found["rules"] = [shown_rule(Rule(**rule)) for rule in draft["rules"]] if "rules" in draft else before["rules"]
    return found


def apply(
    content: bytes,
    *,
    retire_missing: bool,
    expected: str,
    checked: Progress = _quiet,
    progress: Progress = _quiet,
    applied: Callable[[Plan], object] = lambda plan: None,
) -> Plan:
    """Do what the plan with the digest `expected` says, or nothing. Raises Moved when it is another by now.

    Looked through before the transaction: on SQLite nobody else writes while one lasts, and orders must get in.
    `applied` is called within it.
    """
    seen_at = catalogue.moment()
    plan = make(content, retire_missing=retire_missing, progress=checked)
    if plan.problems or plan.digest != expected:
        raise Moved(plan)
    with transaction.atomic():
        catalogue.take_turn()
        if catalogue.moment() != seen_at:
            raise Moved(plan)
        for start in range(0, len(plan.drafts), CHUNK):
            catalogue.put_packages(plan.drafts[start : start + CHUNK])
            progress(min(start + CHUNK, len(plan.drafts)), len(plan.drafts))
        applied(plan)
    return plan
