"""Serializers of packages in the engine API (assessments/api/README.md, "For an engine")."""

from functools import cached_property
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from assessments import requester
from assessments.models import MAX_DAYS, PACKAGE_ID_PATTERN, Assessment, DeliveredBy, Package, Rule, validate_package_id
from integrations.api.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictDictField,
    StrictIntegerField,
    StrictSerializer,
)
from integrations.models import AssessmentType, Customer, PartnerConfiguration


class KnownIds:
    """Stored ids and types that drafts are validated against, each loaded on first use."""

    def __init__(self, *, package_id: str | None = None) -> None:
        self._package_filter = {} if package_id is None else {"pk": package_id}

    @cached_property
    def supported_types(self) -> list[str]:
        return list(PartnerConfiguration.load().supported_types)

    @cached_property
    def customer_ids(self) -> set[str]:
        return set(Customer.objects.values_list("pk", flat=True))

    @cached_property
    def assessment_ids(self) -> dict[str, set[str]]:
        ids: dict[str, set[str]] = {}
        rows = Package.objects.filter(**self._package_filter).values_list("pk", "assessments__assessment_id")
        for package, assessment in rows:
            ids.setdefault(package, set()).add(assessment)
        return ids


class IdentifierField(StrictCharField):
    def __init__(self, **kwargs: Any) -> None:
        message = "Send 1 to 64 letters, digits, _ and -, starting with a letter or digit."
        pattern = RegexValidator(rf"\A{PACKAGE_ID_PATTERN}\Z", message)
        super().__init__(**kwargs, validators=[pattern, validate_package_id])


class PublishedTypeField(StrictChoiceField):
    """Type in the published partner configuration; SmartRecruiters accepts no other types."""

    default_error_messages = {"unpublished": "This type is not published. The partner configuration contains {types}."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(AssessmentType.choices, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        types = self.context["known_ids"].supported_types
        if text not in types:
            self.fail("unpublished", types=", ".join(types))
        return text


class CustomerIdField(StrictCharField):
    default_error_messages = {"unknown": "There is no customer with this id."}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text not in self.context["known_ids"].customer_ids:
            self.fail("unknown")
        return text


class AssessmentSerializer(StrictSerializer):
    id = IdentifierField()
    type = PublishedTypeField(required=False)
    name = StrictCharField(max_length=200, required=False)
    description = StrictCharField(max_length=2000, required=False, allow_blank=True)

    def to_representation(self, assessment: Assessment) -> dict[str, Any]:
        return serialize_assessment(assessment)


class RuleSerializer(StrictSerializer):
    """Rule of a package. Keys that are not set are omitted in requests and responses."""

    customer = CustomerIdField(required=False, source="customer_id")
    requester = StrictCharField(required=False, max_length=254, validators=[requester.validate_rule_requester])
    country = StrictCharField(required=False, max_length=10)
    region = StrictCharField(required=False, max_length=20)
    city = StrictCharField(required=False, max_length=100)
    remote = StrictBooleanField(required=False)
    fields = StrictDictField(child=StrictCharField(max_length=500), required=False)  # type: ignore[assignment]

    def to_representation(self, rule: Rule) -> dict[str, Any]:
        return serialize_rule(rule)


class PackageSerializer(StrictSerializer):
    """Package. A missing key keeps its stored value; a new package needs `type` and `name`."""

    id = IdentifierField()
    type = PublishedTypeField(required=False)
    name = StrictCharField(max_length=200, required=False)
    description = StrictCharField(max_length=2000, required=False, allow_blank=True)
    delivery = StrictChoiceField(DeliveredBy.choices, required=False)
    invite_candidate = StrictBooleanField(required=False)
    expires_after_days = StrictIntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_DAYS)
    retired = StrictBooleanField(required=False)
    assessments = AssessmentSerializer(many=True, required=False)
    rules = RuleSerializer(many=True, required=False)

    def validate(self, package: dict[str, Any]) -> dict[str, Any]:
        stored: set[str] | None = self.context["known_ids"].assessment_ids.get(package["id"])
        errors = _find_missing(package) if stored is None else {}
        parts = package.get("assessments", ())
        part_errors = {str(n): _find_missing(part) for n, part in enumerate(parts) if part["id"] not in (stored or ())}
        repeated = {"id": ["This id is repeated. Each assessment of a package needs an id of its own."]}
        part_errors |= {str(n): repeated for n in _find_repeated(parts)}
        if any(part_errors.values()):
            errors["assessments"] = part_errors
        if errors:
            raise serializers.ValidationError(errors)
        return package

    def to_representation(self, package: Package) -> dict[str, Any]:
        return serialize_package(package)


class PackageBodySerializer(PackageSerializer):
    """Package with an optional id, since the URL contains it."""

    id = IdentifierField(required=False)


class CatalogueSerializer(StrictSerializer):
    packages = PackageSerializer(many=True)

    def validate_packages(self, packages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        error = {"id": ["This id is repeated. Send each package once."]}
        if errors := {str(position): error for position in _find_repeated(packages)}:
            raise serializers.ValidationError(errors)
        return packages


class CountsSerializer(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    retired = serializers.IntegerField()


class CustomerSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()


def serialize_assessment(assessment: Assessment) -> dict[str, Any]:
    keys = ("type", "name", "description")
    return {"id": assessment.assessment_id, **{key: getattr(assessment, key) for key in keys}}


def serialize_rule(rule: Rule) -> dict[str, Any]:
    keys = {key: getattr(rule, key) for key in ("requester", "country", "region", "city", "remote", "fields")}
    return {key: value for key, value in {"customer": rule.customer_id, **keys}.items() if value not in (None, "", {})}


def serialize_package(package: Package) -> dict[str, Any]:
    keys = ("id", "type", "name", "description", "delivery", "invite_candidate", "expires_after_days")
    return {
        **{key: getattr(package, key) for key in keys},
        "retired": package.retired_at is not None,
        "assessments": [serialize_assessment(each) for each in package.assessments.all()],
        "rules": [serialize_rule(each) for each in package.rules.all()],
    }


def _find_missing(draft: dict[str, Any]) -> dict[str, Any]:
    return {key: ["Required for a new entry."] for key in ("type", "name") if key not in draft}


def _find_repeated(items: Any) -> list[int]:
    """Return the positions of items with the id of an earlier item."""
    ids = [item["id"] for item in items]
    first = {pk: position for position, pk in reversed([*enumerate(ids)])}
    return [position for position, pk in enumerate(ids) if first[pk] != position]
