"""What a file would change, field by field."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from assessments.transfer.schema import Raw

PARTS = ("assessments", "rules")


class Difference(NamedTuple):
    """An empty text on one side: it is not there."""

    field: str
    before: str
    after: str


def differences(before: Raw | None, after: Raw) -> list[Difference]:
    """Between a package as it is (None: there is none) and as the file would have it."""
    stored = before or {}
    found = [
        Difference(key, _said(stored.get(key)), _said(value))
        for key, value in after.items()
        if key not in PARTS and key != "id" and stored.get(key) != value and (before or value not in (None, "", False))
    ]
    return [
        *found,
        *_of_assessments(stored.get("assessments", []), after["assessments"]),
        *_of_rules(stored.get("rules", []), after["rules"]),
    ]


def _of_assessments(before: list[Raw], after: list[Raw]) -> Iterator[Difference]:
    old, new = ({part["id"]: part for part in parts} for parts in (before, after))
    for part_id in dict.fromkeys([*old, *new]):
        name = f"assessments.{part_id}"
        if part_id in old and part_id in new:
            for key, value in new[part_id].items():
                if old[part_id][key] != value:
                    yield Difference(f"{name}.{key}", _said(old[part_id][key]), _said(value))
        else:
            yield Difference(name, *(_said(parts.get(part_id, {}).get("name")) for parts in (old, new)))
    kept = [[part_id for part_id in ids if part_id in old and part_id in new] for ids in (old, new)]
    if kept[0] != kept[1]:
        yield Difference("assessments, in order", *(", ".join(ids) for ids in kept))


def _of_rules(before: list[Raw], after: list[Raw]) -> Iterator[Difference]:
    old, new = (Counter(rule_in_words(rule) for rule in rules) for rules in (before, after))
    for rule in (old - new).elements():
        yield Difference("rules", rule, "")
    for rule in (new - old).elements():
        yield Difference("rules", "", rule)
    if before and not after:
        yield Difference("rules", f"{len(before)} of them", "none: every customer sees it")


def rule_in_words(rule: Raw) -> str:
    keys = {**rule, **rule.get("fields", {})}
    said = [f"{key} = {_said(value)}" for key, value in sorted(keys.items()) if key != "fields"]
    return ", ".join(said) or "everybody"


def _said(value: Any) -> str:
    return value if isinstance(value, str) else ("" if value is None else json.dumps(value, ensure_ascii=False))
