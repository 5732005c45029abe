"""The catalogue as the package list needs it, compiled once per revision and kept in the process."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

from rest_framework.renderers import JSONRenderer

from assessments.models import Assessment, CatalogueRevision, Package, Rule
from assessments.visibility import CompiledRule, PackageQuery, RuleMismatch
from integrations.models import AssessmentType, Customer, PartnerConfiguration


@dataclass(frozen=True, slots=True)
class Part:
    """An assessment of a package, by the names on the wire."""

    id: str
    type: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class CompiledPackage:
    id: str
    type: str
    type_name: str
    name: str
    description: str
    is_retired: bool
    invites_candidate: bool
    parts: tuple[Part, ...]
    rules: tuple[CompiledRule, ...]
    listed: bytes  # its JSON in a package list, in which assessments have published types only

    def to_wire(self) -> dict[str, object]:
        """Return the package with all its assessments."""
        return _to_wire(self, self.parts)

    def admits_customer(self, customer: Customer) -> bool:
        """Return True if the customer may order it and look it up, also when it is retired.

        Of a rule only its customer counts: an order contains no location, and an automatic order no requester.
        """
        return not self.rules or any(rule.admits_customer(customer) for rule in self.rules)

    def matches(self, query: PackageQuery) -> bool:
        return not self.rules or any(rule.matches(query) for rule in self.rules)


@dataclass(frozen=True)
class HiddenPackage:
    """Package missing from a list, with a reason in words or, per rule, the keys that do not match."""

    id: str
    name: str
    reason: str = ""
    rule_mismatches: Sequence[Sequence[RuleMismatch]] = ()


@dataclass(frozen=True)
class Catalogue:
    """Packages by id, ordered by name. `published` are those that a list may contain."""

    packages: dict[str, CompiledPackage]
    published: tuple[CompiledPackage, ...]

    @classmethod
    def compile(cls) -> Self:
        types = list_published_types()
        parts, rules = _load_parts(), _load_rules()
        packages = {
            package.pk: _compile_package(package, parts[package.pk], rules[package.pk], types)
            for package in Package.objects.order_by("name", "id")
        }
        published = tuple(each for each in packages.values() if not each.is_retired and each.type in types)
        return cls(packages, published)

    def list_visible(self, query: PackageQuery) -> list[CompiledPackage]:
        """Return the published packages that have no rules or a matching one."""
        return [package for package in self.published if package.matches(query)]

    def find_orderable(self, package_id: str, customer: Customer) -> CompiledPackage | None:
        """Return the package if the customer may order it, also a retired one."""
        package = self.packages.get(package_id)
        return package if package is not None and package.admits_customer(customer) else None

    def list_hidden(self, query: PackageQuery) -> list[HiddenPackage]:
        """Return the packages that `list_visible` omits, each with the reason."""
        seen = {package.id for package in self.list_visible(query)}
        published = {package.id for package in self.published}
        return [
            _explain_hidden(package, query, is_published=package.id in published)
            for package in self.packages.values()
            if package.id not in seen
        ]


def list_published_types() -> list[str]:
    """Return the types that may be sent to SmartRecruiters. Inline packages need inline orders to be on."""
    configuration = PartnerConfiguration.load()
    published = set(configuration.supported_types) & set(AssessmentType.values)
    if not configuration.offers_inline:
        published.discard(AssessmentType.INLINE_ASSESSMENT)
    return sorted(published)


def load_catalogue() -> Catalogue:
    """Return the catalogue as it is now. Reads one row, unless the catalogue has changed since the last call."""
    global _cached
    if _cached is None or _cached[0] != CatalogueRevision.read():
        with _compile_lock:
            revision = CatalogueRevision.read()
            while _cached is None or _cached[0] != revision:
                compiled, before = Catalogue.compile(), revision
                revision = CatalogueRevision.read()
                # A write in between may have shown a package without its rules, that is, to everybody.
                if revision == before:
                    _cached = (revision, compiled)
    return _cached[1]


_cached: tuple[str, Catalogue] | None = None
_compile_lock = threading.Lock()


def _load_parts() -> dict[str, list[Part]]:
    parts = defaultdict(list)
    rows = Assessment.objects.order_by("position", "pk")
    for package_id, *columns in rows.values_list("package_id", "assessment_id", "type", "name", "description"):
        parts[package_id].append(Part(*columns))
    return parts


def _load_rules() -> dict[str, list[CompiledRule]]:
    rules = defaultdict(list)
    for rule in Rule.objects.select_related("customer").order_by("pk"):
        rules[rule.package_id].append(CompiledRule.from_row(rule))
    return rules


def _compile_package(
    package: Package, parts: list[Part], rules: list[CompiledRule], types: Sequence[str]
) -> CompiledPackage:
    return CompiledPackage(
        package.pk,
        package.type,
        package.get_type_display(),
        package.name,
        package.description,
        package.retired_at is not None,
        package.invite_candidate,
        tuple(parts),
        tuple(rules),
        JSONRenderer().render(_to_wire(package, [part for part in parts if part.type in types])),
    )


def _to_wire(package: Package | CompiledPackage, parts: Sequence[Part]) -> dict[str, object]:
    return {
        "id": package.id,
        "type": package.type,
        "name": package.name,
        "description": package.description,
        "assessments": [asdict(part) for part in parts],
    }


def _explain_hidden(package: CompiledPackage, query: PackageQuery, *, is_published: bool) -> HiddenPackage:
    if package.is_retired:
        return HiddenPackage(package.id, package.name, "The package is retired.")
    if not is_published:
        why = f"The partner configuration does not include its type, {package.type_name}."
        return HiddenPackage(package.id, package.name, why)
    rules = [list(rule.find_mismatches(query)) for rule in package.rules]
    return HiddenPackage(package.id, package.name, rule_mismatches=rules)
