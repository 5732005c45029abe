"""Field-by-field diff between a stored package and a file's."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from assessments.transfer.schema import RawPackage

NESTED_KEYS = ("assessments", "rules")


class Difference(NamedTuple):
    """Changed field. An empty text on one side means that the field is absent there."""

    field: str
    before: str
    after: str


def compare_packages(before: RawPackage | None, after: RawPackage) -> list[Difference]:
    """Return the differences between the stored package (None for a new one) and the file's."""
    stored = before or {}
    differences = [
        Difference(key, _format_value(stored.get(key)), _format_value(value))
        for key, value in after.items()
        if key not in NESTED_KEYS
        and key != "id"
        and stored.get(key) != value
        and (before or value not in (None, "", False))
    ]
    return [
        *differences,
        *_compare_assessments(stored.get("assessments", []), after["assessments"]),
        *_compare_rules(stored.get("rules", []), after["rules"]),
    ]


def _compare_assessments(before: list[RawPackage], after: list[RawPackage]) -> Iterator[Difference]:
    old, new = ({part["id"]: part for part in parts} for parts in (before, after))
    for part_id in dict.fromkeys([*old, *new]):
        name = f"assessments.{part_id}"
        if part_id in old and part_id in new:
            for key, value in new[part_id].items():
                if old[part_id][key] != value:
                    yield Difference(f"{name}.{key}", _format_value(old[part_id][key]), _format_value(value))
        else:
            yield Difference(name, *(_format_value(parts.get(part_id, {}).get("name")) for parts in (old, new)))
    kept = [[part_id for part_id in ids if part_id in old and part_id in new] for ids in (old, new)]
    if kept[0] != kept[1]:
        yield Difference("assessments, in order", *(", ".join(ids) for ids in kept))


def _compare_rules(before: list[RawPackage], after: list[RawPackage]) -> Iterator[Difference]:
    old, new = (Counter(describe_rule(rule) for rule in rules) for rules in (before, after))
    for rule in (old - new).elements():
        yield Difference("rules", rule, "")
    for rule in (new - old).elements():
        yield Difference("rules", "", rule)
    if before and not after:
        yield Difference("rules", f"{len(before)} of them", "none: every customer sees the package")


def describe_rule(rule: RawPackage) -> str:
    keys = {**rule, **rule.get("fields", {})}
    parts = [f"{key} = {_format_value(value)}" for key, value in sorted(keys.items()) if key != "fields"]
    return ", ".join(parts) or "every customer"


def _format_value(value: Any) -> str:
    return value if isinstance(value, str) else ("" if value is None else json.dumps(value, ensure_ascii=False))
