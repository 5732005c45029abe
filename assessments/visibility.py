"""Who sees which packages, and who may order them (INTERFACE.md, "Package")."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet

from assessments.models import Package, Rule
from integrations.models import AssessmentType, Customer, PartnerConfiguration

TEXTS = ("country", "region", "city")
HAS_NO_RULES = ~Q(pk__in=Rule.objects.values("package"))


@dataclass(frozen=True)
class Asking:
    """Who asks for packages, and for which job. What did not come is empty, and matches no key of a rule."""

    customer: Customer
    requester: str = ""
    country: str = ""
    region: str = ""
    city: str = ""
    remote: bool | None = None
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Seen(NamedTuple):
    id: str
    type: str
    name: str
    description: str


class Miss(NamedTuple):
    """A key of a rule that does not match: what it wants, and what came (empty: nothing did)."""

    key: str
    wanted: str
    came: str


@dataclass(frozen=True)
class Hidden:
    """A package that somebody does not see: why in words, or, for each of its rules, the keys that do not match."""

    id: str
    name: str
    why: str = ""
    rules: Sequence[Sequence[Miss]] = ()


def published_types() -> list[str]:
    """Nothing else may leave; and inline packages only where inline orders are taken."""
    configuration = PartnerConfiguration.load()
    published = set(configuration.supported_types) & set(AssessmentType.values)
    if not configuration.offers_inline:
        published.discard(AssessmentType.INLINE_ASSESSMENT)
    return sorted(published)


def orderable_by(customer: Customer) -> QuerySet[Package]:
    """The packages that a customer may order and look up, retired ones too: hiring steps keep ids for years.

    Only the rules' customer counts here, and a rule without one admits everybody: an order tells no place, and an
    automatic one no requester.
    """
    rules = Rule.objects.filter(package=OuterRef("pk"))
    return Package.objects.filter(~Exists(rules) | Exists(rules.filter(_admits(customer))))


def may_order(package: Package, customer: Customer) -> bool:
    return orderable_by(customer).filter(pk=package.pk).exists()


def on_offer_to(customer: Customer) -> QuerySet[Package]:
    """What a customer may order, without what is retired, for lists.

    Sets here, where `orderable_by` looks into the rules of its one package: for thousands of packages PostgreSQL took
    seconds over that, until it had gathered statistics.
    """
    admitted = Rule.objects.filter(_admits(customer)).values("package")
    return Package.objects.filter(Q(pk__in=admitted) | HAS_NO_RULES, retired_at=None)


def seen_by(asking: Asking, *, types: Iterable[str]) -> list[Seen]:
    """The packages of these types on offer: not retired, and without rules or with one that matches.

    Two queries however many there are, and no model instances: 5,000 packages with 10,000 rules are a normal list.
    """
    matched = _matched(asking)
    offered = on_offer_to(asking.customer).filter(type__in=types).order_by("name", "id")
    has_no_rules = ExpressionWrapper(HAS_NO_RULES, BooleanField())
    return [
        Seen(*columns)
        for *columns, has_none in offered.values_list("id", "type", "name", "description", has_no_rules)
        if has_none or columns[0] in matched
    ]


def hidden_from(asking: Asking, *, types: Iterable[str]) -> list[Hidden]:
    """All packages that `seen_by` leaves out, each with the reason."""
    seen = {package.id for package in seen_by(asking, types=types)}
    accepted = _accepted(asking)
    return [
        _hidden(package, asking, accepted, types)
        for package in Package.objects.prefetch_related("rules__customer").order_by("name", "id")
        if package.id not in seen
    ]


def _hidden(package: Package, asking: Asking, accepted: Mapping[str, set[str]], types: Iterable[str]) -> Hidden:
    if package.retired_at is not None:
        return Hidden(package.id, package.name, "It is retired.")
    if package.type not in types:
        why = f"The partner configuration does not offer its type, {package.get_type_display()}."
        return Hidden(package.id, package.name, why)
    rules = [list(_misses(rule, asking, accepted)) for rule in package.rules.all()]
    return Hidden(package.id, package.name, rules=rules)


def _misses(rule: Rule, asking: Asking, accepted: Mapping[str, set[str]]) -> Iterator[Miss]:
    """What `_matched` asks of a rule, key by key."""
    if rule.customer is not None and rule.customer != asking.customer:
        yield Miss("customer", rule.customer.name, asking.customer.name)
    for key in ("requester", *TEXTS):
        if _folded(getattr(rule, key)) not in accepted[key]:
            yield Miss(key, getattr(rule, key), getattr(asking, key))
    if rule.remote not in (None, asking.remote):
        yield Miss("remote", str(rule.remote).lower(), "" if asking.remote is None else str(asking.remote).lower())
    for key, value in sorted(rule.fields.items()):
        came = asking.fields.get(key, ())
        if _folded(value) not in map(_folded, came):
            yield Miss(key, value, ", ".join(came))


def _accepted(asking: Asking) -> dict[str, set[str]]:
    """For each text of a rule what matches, folded: always the empty one, and what came."""
    domain = asking.requester[asking.requester.rfind("@") :]
    requesters = {"", _folded(asking.requester), _folded(domain)}
    return {"requester": requesters, **{key: {"", _folded(getattr(asking, key))} for key in TEXTS}}


def _matched(asking: Asking) -> set[str]:
    """The packages with a rule that matches. The database leaves out rules with a key that did not come."""
    rules = Rule.objects.filter(_admits(asking.customer), package__retired_at=None)
    rules = rules.filter(Q(remote=None) | Q(remote=asking.remote) if asking.remote is not None else Q(remote=None))
    absent = [column for column in ("requester", *TEXTS) if not getattr(asking, column)]
    rules = rules.filter(**dict.fromkeys(absent, ""))
    requesters, country, region, city = _accepted(asking).values()
    fields = {key: {_folded(value) for value in values} for key, values in asking.fields.items()}
    return {
        package
        for package, rule_requester, rule_country, rule_region, rule_city, rule_fields in rules.order_by().values_list(
            "package_id", "requester", *TEXTS, "fields"
        )
        if _folded(rule_requester) in requesters
        and _folded(rule_country) in country
        and _folded(rule_region) in region
        and _folded(rule_city) in city
        and all(_folded(value) in fields.get(key, ()) for key, value in rule_fields.items())
    }


def _admits(customer: Customer) -> Q:
    return Q(customer=None) | Q(customer=customer)


def _folded(text: str) -> str:
    """For comparing without case in every alphabet: databases differ in what they fold, so none compares here."""
    return text.strip().casefold()
