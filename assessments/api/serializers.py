"""The package of the engine's API: what may be sent, and how it reads back (INTERFACE.md, "Package")."""

from collections import Counter, defaultdict
from functools import cached_property
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from assessments import requester
from assessments.models import MOST_DAYS, PACKAGE_ID, Assessment, DeliveredBy, Package, Rule, validate_package_id
from integrations.api.fields import Choice, Flag, Strict, Text, Texts, Whole
from integrations.models import AssessmentType, Customer, PartnerConfiguration

Errors = dict[str, Any]


class Known:
    """What a draft is checked against, each part read when the first field needs it."""

    def __init__(self, *, only: str | None = None) -> None:
        self._only = {} if only is None else {"pk": only}

    @cached_property
    def types(self) -> list[str]:
        return list(PartnerConfiguration.load().supported_types)

    @cached_property
    def customers(self) -> set[str]:
        return set(Customer.objects.values_list("pk", flat=True))

    @cached_property
    def assessments(self) -> dict[str, set[str]]:
        """The stored packages, each with the ids of its assessments."""
        found: dict[str, set[str]] = defaultdict(set)
        rows = Package.objects.filter(**self._only).values_list("pk", "assessments__assessment_id")
        for package, assessment in rows:
            found[package].add(assessment)
        return dict(found)


class Identifier(Text):
    def __init__(self, **kwargs: Any) -> None:
        message = "Send 1 to 64 letters, digits, _ and -, the first one a letter or digit."
        super().__init__(**kwargs, validators=[RegexValidator(rf"\A{PACKAGE_ID}\Z", message), validate_package_id])


class PublishedType(Choice):
    """One of the types that SmartRecruiters has been told of: it takes no others (PROTOCOL.md)."""

    default_error_messages = {"unpublished": "This type is not published; the partner configuration has {types}."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(AssessmentType.choices, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        types = self.context["known"].types
        if text not in types:
            self.fail("unpublished", types=", ".join(types))
        return text


class CustomerId(Text):
    default_error_messages = {"unknown": "There is no such customer; GET /customers lists them."}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text not in self.context["known"].customers:
            self.fail("unknown")
        return text


class AssessmentSerializer(Strict):
    id = Identifier()
    type = PublishedType(required=False)
    name = Text(max_length=200, required=False)
    description = Text(max_length=2000, required=False, allow_blank=True)

    def to_representation(self, assessment: Assessment) -> dict[str, Any]:
        return shown_assessment(assessment)


class RuleSerializer(Strict):
    """All keys of a rule must match; a key that is not set is left out, on the way in and on the way out."""

    customer = CustomerId(required=False, source="customer_id")
    requester = Text(required=False, max_length=254, validators=[requester.of_a_rule])
    country = Text(required=False, max_length=10)
    region = Text(required=False, max_length=20)
    city = Text(required=False, max_length=100)
    remote = Flag(required=False)
    fields = Texts(child=Text(max_length=500), required=False)  # type: ignore[assignment]

    def to_representation(self, rule: Rule) -> dict[str, Any]:
        return shown_rule(rule)


class PackageSerializer(Strict):
    """A package. A key left out keeps its stored value; a new package needs `type` and `name`."""

    id = Identifier()
    type = PublishedType(required=False)
    name = Text(max_length=200, required=False)
    description = Text(max_length=2000, required=False, allow_blank=True)
    delivery = Choice(DeliveredBy.choices, required=False)
    invite_candidate = Flag(required=False)
    expires_after_days = Whole(required=False, allow_null=True, min_value=1, max_value=MOST_DAYS)
    retired = Flag(required=False)
    assessments = AssessmentSerializer(many=True, required=False)
    rules = RuleSerializer(many=True, required=False)

    def validate(self, package: dict[str, Any]) -> dict[str, Any]:
        stored: set[str] | None = self.context["known"].assessments.get(package["id"])
        errors = _missing(package) if stored is None else {}
        parts: Errors = {}
        for position, part in enumerate(package.get("assessments", ())):
            if part["id"] not in (stored or ()):
                parts[str(position)] = _missing(part)
        for position in _repeated(package.get("assessments", ())):
            parts[str(position)] = {"id": ["This id stands in the package already: give each assessment its own."]}
        if any(parts.values()):
            errors["assessments"] = parts
        if errors:
            raise serializers.ValidationError(errors)
        return package

    def to_representation(self, package: Package) -> dict[str, Any]:
        """`package` has its assessments and rules prefetched where there are many."""
        return shown_package(package)


class PackageBodySerializer(PackageSerializer):
    """As it is put under its own address, which says its id already."""

    id = Identifier(required=False)


class CatalogueSerializer(Strict):
    packages = PackageSerializer(many=True)

    def validate_packages(self, packages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        errors = {
            str(position): {"id": ["This package stands in the list already: send each once."]}
            for position in _repeated(packages)
        }
        if errors:
            raise serializers.ValidationError(errors)
        return packages


class CountsSerializer(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    retired = serializers.IntegerField()


class CustomerSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()


def shown_assessment(assessment: Assessment) -> dict[str, Any]:
    keys = ("type", "name", "description")
    return {"id": assessment.assessment_id, **{key: getattr(assessment, key) for key in keys}}


def shown_rule(rule: Rule) -> dict[str, Any]:
    keys = {key: getattr(rule, key) for key in ("requester", "country", "region", "city", "remote", "fields")}
    return {key: value for key, value in {"customer": rule.customer_id, **keys}.items() if value not in (None, "", {})}


def shown_package(package: Package) -> dict[str, Any]:
    return {
        "id": package.id,
        "type": package.type,
        "name": package.name,
        "description": package.description,
        "delivery": package.delivery,
        "invite_candidate": package.invite_candidate,
        "expires_after_days": package.expires_after_days,
        "retired": package.retired_at is not None,
        "assessments": [shown_assessment(each) for each in package.assessments.all()],
        "rules": [shown_rule(each) for each in package.rules.all()],
    }


def _missing(draft: dict[str, Any]) -> Errors:
    return {key: ["This is new: send it."] for key in ("type", "name") if key not in draft}


def _repeated(items: Any) -> list[int]:
    """The positions of those whose id came before."""
    seen: Counter[str] = Counter()
    positions = []
    for position, item in enumerate(items):
        seen[item["id"]] += 1
        if seen[item["id"]] > 1:
            positions.append(position)
    return positions
