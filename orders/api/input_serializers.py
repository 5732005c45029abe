"""What an engine may send about orders, checked before anything is queued: 422 with what would be right."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from integrations.api.fields import Choice, Strict, Whole, wants
from orders import engine_urls
from orders.api.fields import Address, Instant, Text
from orders.models import AttachmentType, Status

NUMBERS = ("raw", "min", "max")
LARGEST = 2**31 - 1


class ScoreSerializer(Strict):
    raw = Whole(min_value=-LARGEST, max_value=LARGEST)
    min = Whole(min_value=-LARGEST, max_value=LARGEST)
    max = Whole(min_value=-LARGEST, max_value=LARGEST)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping) and (broken := [name for name in NUMBERS if isinstance(data.get(name), float)]):
            advice = _whole_instead(data)
            raise serializers.ValidationError(
                {name: [f"{data[name]}: SmartRecruiters takes integers; {advice}"] for name in broken}, code="invalid"
            )
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, int]) -> dict[str, int]:
        raw, lowest, highest = (attrs[name] for name in NUMBERS)
        if lowest >= highest:
            message = f"{highest}: must be greater than min {lowest}."
            raise serializers.ValidationError({"max": [ErrorDetail(message, "range")]})
        if not lowest <= raw <= highest:
            message = f"{raw}: must lie between min {lowest} and max {highest}."
            raise serializers.ValidationError({"raw": [ErrorDetail(message, "range")]})
        return attrs


def _whole_instead(score: Mapping[str, Any]) -> str:
    """What to send in place of 87.5 of 100: the same on a finer scale."""
    sent = {name: Decimal(repr(score[name])) for name in NUMBERS if type(score.get(name)) in (int, float)}
    digits = max(-int(number.normalize().as_tuple().exponent) for number in sent.values())
    advice, digits = ("send it rounded, like", 2) if digits > 4 else ("send", max(digits, 0))
    scaled = {name: round(number * 10**digits) for name, number in sent.items()}
    shown = [f"{name} {number}" for name, number in scaled.items() if number or name != "min"]
    return f"{advice} {' with '.join([shown[0], ' and '.join(shown[1:])]) if shown[1:] else shown[0]}."


def _cleared(**kwargs: Any) -> dict[str, Any]:
    return {"required": False, "allow_null": True, **kwargs}


class PartSerializer(Strict):
    """What a package and each of its assessments have in common; null clears."""

    status = Choice(Status.choices, required=False)
    score = ScoreSerializer(required=False, allow_null=True)
    score_label = Text(**_cleared(max_length=200, allow_blank=True))
    summary = Text(lines=True, **_cleared(max_length=4000, allow_blank=True))
    submission_date = Instant(**_cleared())
    name = Text(**_cleared(max_length=200, allow_blank=True))


class AssessmentResultSerializer(PartSerializer):
    assessment_id = Text(max_length=64)
    assessment_date = Instant(**_cleared())


class ReportSerializer(PartSerializer):
    """What is known by now. What is left out stays as it is, null clears."""

    # Of an order whose `assessment_ids` are in the context.

    assessment_package_date = Instant(**_cleared())
    assessment_results = AssessmentResultSerializer(many=True, required=False)
    correction = Text(lines=True, max_length=500, required=False, allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping) and "attachments" in data:
            message = "Attachments have an address of their own: POST …/orders/{id}/attachments."
            raise serializers.ValidationError({"attachments": [ErrorDetail(message, "unknown")]})
        return super().to_internal_value(data)

    def validate_assessment_results(self, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        known, seen, errors = self.context["assessment_ids"], set[str](), []
        for part in parts:
            assessment_id = part["assessment_id"]
            if assessment_id not in known:
                errors.append({"assessment_id": [_not_among(known, assessment_id)]})
            elif assessment_id in seen:
                errors.append({"assessment_id": [f"{assessment_id} stands here twice: send all of it at once."]})
            else:
                errors.append({})
            seen.add(assessment_id)
        if any(errors):
            raise serializers.ValidationError(errors)  # type: ignore[arg-type]
        return parts


def _not_among(known: Iterable[str], assessment_id: str) -> str:
    names = ", ".join(sorted(known))
    instead = f"send one of {names}" if names else "it has none"
    return f"{assessment_id} is no assessment of this package: {instead}."


class LeaseSerializer(Strict):
    max = Whole(min_value=1, max_value=100, default=10)
    seconds = Whole(min_value=10, max_value=3600, default=60)


class AcceptSerializer(Strict):
    launch_url = Address(check=engine_urls.check, required=False)


class ForAssessment(Strict):
    """A report of the whole package, or of one assessment of those in the context."""

    assessment_id = Text(max_length=64, required=False, allow_null=True, allow_blank=True)
    name = Text(max_length=200, required=False, allow_null=True, allow_blank=True)

    def validate_assessment_id(self, assessment_id: str | None) -> str:
        if assessment_id and assessment_id not in self.context["assessment_ids"]:
            raise serializers.ValidationError(_not_among(self.context["assessment_ids"], assessment_id))
        return assessment_id or ""

    def validate_name(self, name: str | None) -> str:
        return name or ""


class AddressSerializer(ForAssessment):
    type = Choice(AttachmentType.values)
    url = Address(check=engine_urls.check)


class ReportFile(serializers.FileField):
    default_error_messages = wants("the report as a part named file, with a file name")


class FileSerializer(ForAssessment):
    file = ReportFile(allow_empty_file=True)


@extend_schema_field({"oneOf": [{"type": "string", "format": "date-time"}, {"type": "string", "maxLength": 0}]})
class InstantOrEmpty(Instant):
    def run_validation(self, data: Any = serializers.empty) -> Any:
        return None if data == "" else super().run_validation(data)


class FiltersSerializer(Strict):
    """Of a list. What is empty does not count."""

    status = Choice(
        Status.choices, required=False, allow_blank=True, help_text="Orders without any report are PENDING."
    )
    customer = Text(
        max_length=200, required=False, allow_blank=True, help_text="A customer's id, as GET /customers lists them."
    )
    smartrecruiters_order_id = Text(
        max_length=200, required=False, allow_blank=True, help_text="The id that SmartRecruiters gave it."
    )
    updated_after = InstantOrEmpty(required=False, help_text="Changed later than this instant.")
