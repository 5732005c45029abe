"""Visibility rules: the packages that a customer sees and may order (assessments/api/README.md, "Rules").

Rules are compiled once per revision of the catalogue (`assessments/compiled_catalogue.py`). This module does not read
the database.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Self

from assessments.models import Rule
from integrations.models import Customer
from integrations.text import fold

TEXT_KEYS = ("requester", "country", "region", "city")
CUSTOMER_KEY = "customer"
REMOTE_KEY = "remote"


@dataclass(frozen=True)
class PackageQuery:
    """Parameters of a package list request. A parameter that is missing is empty and matches no rule's key."""

    customer: Customer
    requester: str = ""
    country: str = ""
    region: str = ""
    city: str = ""
    remote: bool | None = None
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def accepted(self) -> dict[tuple[str, bool], set[str]]:
        """The folded values that match, by key and whether that is a mapped field's id."""
        domain = self.requester[self.requester.rfind("@") :]
        sent = {key: {fold(getattr(self, key))} for key in TEXT_KEYS} | {REMOTE_KEY: {_format_remote(self.remote)}}
        sent["requester"].add(fold(domain))
        accepted = {(key, False): values - {""} for key, values in sent.items()}
        return accepted | {(key, True): {fold(value) for value in values} for key, values in self.fields.items()}

    def describe_value(self, key: str, *, is_field: bool) -> str:
        """Return the request's value of a rule's key, for people."""
        if is_field:
            return ", ".join(self.fields.get(key, ()))
        return _format_remote(self.remote) if key == REMOTE_KEY else str(getattr(self, key))


class RuleMismatch(NamedTuple):
    """Key of a rule that does not match. `actual` is empty if the request lacks the parameter."""

    key: str
    expected: str
    actual: str


class Condition(NamedTuple):
    """A filled key of a rule other than its customer, as it is written and as it is compared."""

    key: str
    is_field: bool
    expected: str
    folded: str


@dataclass(frozen=True, slots=True)
class CompiledRule:
    customer_id: str | None
    customer_name: str
    conditions: tuple[Condition, ...]

    @classmethod
    def from_row(cls, rule: Rule) -> Self:
        texts = [(key, False, getattr(rule, key)) for key in TEXT_KEYS]
        texts += [(REMOTE_KEY, False, _format_remote(rule.remote))]
        filled = [text for text in texts if text[2]] + [
            (key, True, value) for key, value in sorted(rule.fields.items())
        ]
        return cls(
            rule.customer_id,
            rule.customer.name if rule.customer else "",
            tuple(Condition(key, is_field, value, fold(value)) for key, is_field, value in filled),
        )

    def admits_customer(self, customer: Customer) -> bool:
        return self.customer_id is None or self.customer_id == customer.pk

    def matches(self, query: PackageQuery) -> bool:
        return next(self.find_mismatches(query), None) is None

    def find_mismatches(self, query: PackageQuery) -> Iterator[RuleMismatch]:
        """Yield the keys that do not match."""
        if not self.admits_customer(query.customer):
            yield RuleMismatch(CUSTOMER_KEY, self.customer_name, query.customer.name)
        accepted = query.accepted
        for key, is_field, expected, folded in self.conditions:
            if folded not in accepted.get((key, is_field), ()):
                yield RuleMismatch(key, expected, query.describe_value(key, is_field=is_field))


def _format_remote(remote: bool | None) -> str:
    return "" if remote is None else str(remote).lower()
