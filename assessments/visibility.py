"""Visibility rules: the packages that a customer sees and may order (assessments/api/README.md, "Rules")."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet

from assessments.models import Package, Rule
from integrations.models import AssessmentType, Customer, PartnerConfiguration
from integrations.text import fold

TEXT_KEYS = ("country", "region", "city")
HAS_NO_RULES = ~Q(pk__in=Rule.objects.values("package"))


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


class VisiblePackage(NamedTuple):
    id: str
    type: str
    name: str
    description: str


class RuleMismatch(NamedTuple):
    """Key of a rule that does not match. `actual` is empty if the request lacks the parameter."""

    key: str
    expected: str
    actual: str


@dataclass(frozen=True)
class HiddenPackage:
    """Package missing from a list, with a reason in words or, per rule, the keys that do not match."""

    id: str
    name: str
    reason: str = ""
    rule_mismatches: Sequence[Sequence[RuleMismatch]] = ()


def published_types() -> list[str]:
    """Return the types that may be sent to SmartRecruiters. Inline packages need inline orders to be on."""
    configuration = PartnerConfiguration.load()
    published = set(configuration.supported_types) & set(AssessmentType.values)
    if not configuration.offers_inline:
        published.discard(AssessmentType.INLINE_ASSESSMENT)
    return sorted(published)


def orderable_packages(customer: Customer) -> QuerySet[Package]:
    """Return the packages that a customer may order and look up, including retired ones.

    Of a rule only its customer counts: an order contains no location, and an automatic order no requester.
    """
    rules = Rule.objects.filter(package=OuterRef("pk"))
    return Package.objects.filter(~Exists(rules) | Exists(rules.filter(_admits_customer(customer))))


def offered_packages(customer: Customer) -> QuerySet[Package]:
    """Return the packages that a customer may order, without retired ones, for lists."""
    # A subquery per package, as in `orderable_packages`, took PostgreSQL seconds for thousands of packages before it
    # had gathered statistics.
    admitted = Rule.objects.filter(_admits_customer(customer)).values("package")
    return Package.objects.filter(Q(pk__in=admitted) | HAS_NO_RULES, retired_at=None)


def visible_packages(query: PackageQuery, *, types: Iterable[str]) -> list[VisiblePackage]:
    """Return the packages of these types that have no rules or a matching one, without retired packages."""
    # Two queries and no model instances: 5,000 packages with 10,000 rules are a normal list.
    matched = _find_matching(query)
    offered = offered_packages(query.customer).filter(type__in=types).order_by("name", "id")
    has_no_rules = ExpressionWrapper(HAS_NO_RULES, BooleanField())
    return [
        VisiblePackage(*columns)
        for *columns, has_none in offered.values_list("id", "type", "name", "description", has_no_rules)
        if has_none or columns[0] in matched
    ]


def hidden_packages(query: PackageQuery, *, types: Iterable[str]) -> list[HiddenPackage]:
    """Return the packages that `visible_packages` omits, each with the reason."""
    seen = {package.id for package in visible_packages(query, types=types)}
    accepted = _accepted_values(query)
    return [
        _explain_hidden(package, query, accepted, types)
        for package in Package.objects.prefetch_related("rules__customer").order_by("name", "id")
        if package.id not in seen
    ]


def _explain_hidden(
    package: Package, query: PackageQuery, accepted: Mapping[str, set[str]], types: Iterable[str]
) -> HiddenPackage:
    if package.retired_at is not None:
        return HiddenPackage(package.id, package.name, "The package is retired.")
    if package.type not in types:
        why = f"The partner configuration does not include its type, {package.get_type_display()}."
        return HiddenPackage(package.id, package.name, why)
    rules = [list(_find_mismatches(rule, query, accepted)) for rule in package.rules.all()]
    return HiddenPackage(package.id, package.name, rule_mismatches=rules)


def _find_mismatches(rule: Rule, query: PackageQuery, accepted: Mapping[str, set[str]]) -> Iterator[RuleMismatch]:
    """Yield the keys of the rule that do not match, by the same comparisons as `_find_matching`."""
    if rule.customer is not None and rule.customer != query.customer:
        yield RuleMismatch("customer", rule.customer.name, query.customer.name)
    for key in ("requester", *TEXT_KEYS):
        if fold(getattr(rule, key)) not in accepted[key]:
            yield RuleMismatch(key, getattr(rule, key), getattr(query, key))
    if rule.remote not in (None, query.remote):
        yield RuleMismatch("remote", *("" if on is None else str(on).lower() for on in (rule.remote, query.remote)))
    for key, value in sorted(rule.fields.items()):
        actual = query.fields.get(key, ())
        if fold(value) not in map(fold, actual):
            yield RuleMismatch(key, value, ", ".join(actual))


def _accepted_values(query: PackageQuery) -> dict[str, set[str]]:
    """Return for each text key of a rule the case-folded values that match: the empty one and the request's."""
    domain = query.requester[query.requester.rfind("@") :]
    requesters = {"", fold(query.requester), fold(domain)}
    return {"requester": requesters, **{key: {"", fold(getattr(query, key))} for key in TEXT_KEYS}}


def _find_matching(query: PackageQuery) -> set[str]:
    # The database excludes rules with a key that the request lacks.
    rules = Rule.objects.filter(_admits_customer(query.customer), package__retired_at=None)
    rules = rules.filter(Q(remote=None) | Q(remote=query.remote) if query.remote is not None else Q(remote=None))
    absent = [column for column in ("requester", *TEXT_KEYS) if not getattr(query, column)]
    rules = rules.filter(**dict.fromkeys(absent, ""))
    requesters, country, region, city = _accepted_values(query).values()
    fields = {key: {fold(value) for value in values} for key, values in query.fields.items()}
    return {
        package
        for package, rule_requester, rule_country, rule_region, rule_city, rule_fields in rules.order_by().values_list(
            "package_id", "requester", *TEXT_KEYS, "fields"
        )
        if fold(rule_requester) in requesters
        and fold(rule_country) in country
        and fold(rule_region) in region
        and fold(rule_city) in city
        and all(fold(value) in fields.get(key, ()) for key, value in rule_fields.items())
    }


def _admits_customer(customer: Customer) -> Q:
    return Q(customer=None) | Q(customer=customer)
