"""Who sees which packages, and who may order them (INTERFACE.md, "Package")."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet

from assessments.models import Package, Rule
from integrations.models import AssessmentType, Customer, PartnerConfiguration

TEXT_KEYS = ("country", "region", "city")
HAS_NO_RULES = ~Q(pk__in=Rule.objects.values("package"))


@dataclass(frozen=True)
class PackageQuery:
    """Who asks for packages, and for which job. What did not come is empty, and matches no key of a rule."""

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
    """A key of a rule that does not match: what it wants, and what came (empty: nothing did)."""

    key: str
    expected: str
    actual: str


@dataclass(frozen=True)
class HiddenPackage:
    """A package that somebody does not see: why in words, or, for each of its rules, the keys that do not match."""

    id: str
    name: str
    reason: str = ""
    rule_mismatches: Sequence[Sequence[RuleMismatch]] = ()


def published_types() -> list[str]:
    """Nothing else may leave; and inline packages only where inline orders are taken."""
    configuration = PartnerConfiguration.load()
    published = set(configuration.supported_types) & set(AssessmentType.values)
    if not configuration.offers_inline:
        published.discard(AssessmentType.INLINE_ASSESSMENT)
    return sorted(published)


def orderable_packages(customer: Customer) -> QuerySet[Package]:
    """The packages that a customer may order and look up, retired ones too: hiring steps keep ids for years.

    Only the rules' customer counts here, and a rule without one admits everybody: an order tells no place, and an
    automatic one no requester.
    """
    rules = Rule.objects.filter(package=OuterRef("pk"))
    return Package.objects.filter(~Exists(rules) | Exists(rules.filter(_admits_customer(customer))))


def can_order(package: Package, customer: Customer) -> bool:
    return orderable_packages(customer).filter(pk=package.pk).exists()


def offered_packages(customer: Customer) -> QuerySet[Package]:
    """What a customer may order, without what is retired, for lists.

    Sets here, where `orderable_packages` looks into the rules of its one package: for thousands of packages PostgreSQL took
    seconds over that, until it had gathered statistics.
    """
    admitted = Rule.objects.filter(_admits_customer(customer)).values("package")
    return Package.objects.filter(Q(pk__in=admitted) | HAS_NO_RULES, retired_at=None)


def visible_packages(query: PackageQuery, *, types: Iterable[str]) -> list[VisiblePackage]:
    """The packages of these types on offer: not retired, and without rules or with one that matches.

    Two queries however many there are, and no model instances: 5,000 packages with 10,000 rules are a normal list.
    """
    matched = _find_matching(query)
    offered = offered_packages(query.customer).filter(type__in=types).order_by("name", "id")
    has_no_rules = ExpressionWrapper(HAS_NO_RULES, BooleanField())
    return [
        VisiblePackage(*columns)
        for *columns, has_none in offered.values_list("id", "type", "name", "description", has_no_rules)
        if has_none or columns[0] in matched
    ]


def hidden_packages(query: PackageQuery, *, types: Iterable[str]) -> list[HiddenPackage]:
    """All packages that `visible_packages` leaves out, each with the reason."""
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
        return HiddenPackage(package.id, package.name, "It is retired.")
    if package.type not in types:
        why = f"The partner configuration does not offer its type, {package.get_type_display()}."
        return HiddenPackage(package.id, package.name, why)
    rules = [list(_find_mismatches(rule, query, accepted)) for rule in package.rules.all()]
    return HiddenPackage(package.id, package.name, rule_mismatches=rules)


def _find_mismatches(rule: Rule, query: PackageQuery, accepted: Mapping[str, set[str]]) -> Iterator[RuleMismatch]:
    """What `_find_matching` asks of a rule, key by key."""
    if rule.customer is not None and rule.customer != query.customer:
        yield RuleMismatch("customer", rule.customer.name, query.customer.name)
    for key in ("requester", *TEXT_KEYS):
        if _fold_case(getattr(rule, key)) not in accepted[key]:
            yield RuleMismatch(key, getattr(rule, key), getattr(query, key))
    if rule.remote not in (None, query.remote):
        yield RuleMismatch(
            "remote", str(rule.remote).lower(), "" if query.remote is None else str(query.remote).lower()
        )
    for key, value in sorted(rule.fields.items()):
        came = query.fields.get(key, ())
        if _fold_case(value) not in map(_fold_case, came):
            yield RuleMismatch(key, value, ", ".join(came))


def _accepted_values(query: PackageQuery) -> dict[str, set[str]]:
    """For each text of a rule what matches, folded: always the empty one, and what came."""
    domain = query.requester[query.requester.rfind("@") :]
    requesters = {"", _fold_case(query.requester), _fold_case(domain)}
    return {"requester": requesters, **{key: {"", _fold_case(getattr(query, key))} for key in TEXT_KEYS}}


def _find_matching(query: PackageQuery) -> set[str]:
    """The packages with a rule that matches. The database leaves out rules with a key that did not come."""
    rules = Rule.objects.filter(_admits_customer(query.customer), package__retired_at=None)
    rules = rules.filter(Q(remote=None) | Q(remote=query.remote) if query.remote is not None else Q(remote=None))
    absent = [column for column in ("requester", *TEXT_KEYS) if not getattr(query, column)]
    rules = rules.filter(**dict.fromkeys(absent, ""))
    requesters, country, region, city = _accepted_values(query).values()
    fields = {key: {_fold_case(value) for value in values} for key, values in query.fields.items()}
    return {
        package
        for package, rule_requester, rule_country, rule_region, rule_city, rule_fields in rules.order_by().values_list(
            "package_id", "requester", *TEXT_KEYS, "fields"
        )
        if _fold_case(rule_requester) in requesters
        and _fold_case(rule_country) in country
        and _fold_case(rule_region) in region
        and _fold_case(rule_city) in city
        and all(_fold_case(value) in fields.get(key, ()) for key, value in rule_fields.items())
    }


def _admits_customer(customer: Customer) -> Q:
    return Q(customer=None) | Q(customer=customer)


def _fold_case(text: str) -> str:
    """For comparing without case in every alphabet: databases differ in what they fold, so none compares here."""
    return text.strip().casefold()
