"""Serializers of engines' requests. Their messages describe the valid value (422)."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from integrations.api.fields import StrictChoiceField, StrictIntegerField, StrictSerializer, build_error_messages
from integrations.outbox import clock
from orders import engine_urls
from orders.api.fields import CheckedURLField, InstantField, PlainTextField
from orders.models import AttachmentType, Status

SCORE_KEYS = ("raw", "min", "max")
MAX_INTEGER = 2**31 - 1
MAX_CLOCK_SKEW = timedelta(minutes=5)  # between an engine's clock and ours
FUTURE_DATE = "Send a time that is not in the future, by the clock of the portal."
SPACE_BEFORE_OFFSET = re.compile(r" (?=[0-9]{2}(?::?[0-9]{2})?\Z)")


class ScoreSerializer(StrictSerializer):
    raw = StrictIntegerField(min_value=-MAX_INTEGER, max_value=MAX_INTEGER)
    min = StrictIntegerField(min_value=-MAX_INTEGER, max_value=MAX_INTEGER)
    max = StrictIntegerField(min_value=-MAX_INTEGER, max_value=MAX_INTEGER)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping) and (broken := [name for name in SCORE_KEYS if isinstance(data.get(name), float)]):
            advice = _suggest_integers(data)
            raise serializers.ValidationError(
                {
                    name: [f"{data[name]} is not an integer, and SmartRecruiters only takes integers: {advice}"]
                    for name in broken
                },
                code="invalid",
            )
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, int]) -> dict[str, int]:
        raw, lowest, highest = (attrs[name] for name in SCORE_KEYS)
        if lowest >= highest:
            message = f"Send a max greater than min: {highest} is not greater than {lowest}."
            raise serializers.ValidationError({"max": [ErrorDetail(message, "range")]})
        if not lowest <= raw <= highest:
            message = f"Send a raw score from {lowest} (min) to {highest} (max): {raw} is outside this range."
            raise serializers.ValidationError({"raw": [ErrorDetail(message, "range")]})
        return attrs


def _suggest_integers(score: Mapping[str, Any]) -> str:
    """Suggest the same score on a finer scale: for 87.5 of 100, send raw 875 with max 1000."""
    sent = {name: Decimal(repr(score[name])) for name in SCORE_KEYS if type(score.get(name)) in (int, float)}
    digits = max(-int(number.normalize().as_tuple().exponent) for number in sent.values())
    advice, digits = ("send it rounded, for example", 2) if digits > 4 else ("send", max(digits, 0))
    scaled = {name: round(number * 10**digits) for name, number in sent.items()}
    shown = [f"{name} {number}" for name, number in scaled.items() if number or name != "min"]
    return f"{advice} {' with '.join([shown[0], ' and '.join(shown[1:])]) if shown[1:] else shown[0]}."


def _nullable_options(**kwargs: Any) -> dict[str, Any]:
    return {"required": False, "allow_null": True, **kwargs}


class ResultFieldsSerializer(StrictSerializer):
    """Keys that the results of a package and of an assessment have in common; null clears a key."""

    start_field: ClassVar[str]
    status = StrictChoiceField(Status.choices, required=False)
    score = ScoreSerializer(required=False, allow_null=True)
    score_label = PlainTextField(**_nullable_options(max_length=200, allow_blank=True))
    summary = PlainTextField(multiline=True, **_nullable_options(max_length=4000, allow_blank=True))
    submission_date = InstantField(**_nullable_options())
    name = PlainTextField(**_nullable_options(max_length=200, allow_blank=True))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse dates that cannot be. A stored one that is sent again unchanged is no new date."""
        stored = self.context["results"].get(attrs.get("assessment_id", ""))
        columns = {self.start_field: "assessment_date", "submission_date": "submission_date"}
        dates = {name: getattr(stored, column, None) for name, column in columns.items()}
        changed = [name for name in dates if name in attrs and attrs[name] != dates[name]]
        dates |= {name: attrs[name] for name in changed}
        for name in changed:
            if (date := dates[name]) and date > clock.now() + MAX_CLOCK_SKEW:
                raise serializers.ValidationError({name: [ErrorDetail(FUTURE_DATE, "future")]})
        started, submitted = dates.values()
        if changed and started and submitted and submitted < started - MAX_CLOCK_SKEW:
            message = f"Send a submission_date that is not before the {self.start_field}."
            raise serializers.ValidationError({changed[-1]: [ErrorDetail(message, "order")]})
        return attrs


class AssessmentResultSerializer(ResultFieldsSerializer):
    start_field = "assessment_date"
    assessment_id = PlainTextField(max_length=64)
    assessment_date = InstantField(**_nullable_options())


class ReportSerializer(ResultFieldsSerializer):
    """Report of a result: a missing key is unchanged, null clears.

    The context holds the order's `assessment_ids`, and its stored `results` by these ids.
    """

    start_field = "assessment_package_date"
    assessment_package_date = InstantField(**_nullable_options())
    assessment_results = AssessmentResultSerializer(many=True, required=False)
    correction = PlainTextField(multiline=True, max_length=500, required=False, allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping) and "attachments" in data:
            message = "Attachments have an endpoint of their own: POST …/orders/{id}/attachments."
            raise serializers.ValidationError({"attachments": [ErrorDetail(message, "unknown")]})
        return super().to_internal_value(data)

    def validate_assessment_results(self, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        known, seen, errors = self.context["assessment_ids"], set[str](), []
        for part in parts:
            assessment_id = part["assessment_id"]
            if assessment_id not in known:
                errors.append({"assessment_id": [_unknown_assessment_message(known, assessment_id)]})
            elif assessment_id in seen:
                errors.append(
                    {"assessment_id": [f"{assessment_id} is listed twice: send one entry for each assessment."]}
                )
            else:
                errors.append({})
            seen.add(assessment_id)
        if any(errors):
            raise serializers.ValidationError(errors)  # type: ignore[arg-type]
        return parts


def _unknown_assessment_message(known: Iterable[str], assessment_id: str) -> str:
    names = ", ".join(sorted(known))
    advice = f"send one of {names}" if names else "it has none"
    return f"{assessment_id} is not an assessment of this package: {advice}."


class LeaseSerializer(StrictSerializer):
    max = StrictIntegerField(min_value=1, max_value=100, default=10)
    seconds = StrictIntegerField(min_value=10, max_value=3600, default=60)


class AcceptSerializer(StrictSerializer):
    launch_url = CheckedURLField(check=engine_urls.validate_url, required=False)


class AttachmentInputSerializer(StrictSerializer):
    """Report of the package, or of one of the `assessment_ids` in the context."""

    assessment_id = PlainTextField(max_length=64, required=False, allow_null=True, allow_blank=True)
    name = PlainTextField(max_length=200, required=False, allow_null=True, allow_blank=True)

    def validate_assessment_id(self, assessment_id: str | None) -> str:
        if assessment_id and assessment_id not in self.context["assessment_ids"]:
            raise serializers.ValidationError(
                _unknown_assessment_message(self.context["assessment_ids"], assessment_id)
            )
        return assessment_id or ""

    def validate_name(self, name: str | None) -> str:
        return name or ""


class AttachmentUrlSerializer(AttachmentInputSerializer):
    type = StrictChoiceField(AttachmentType.values)
    url = CheckedURLField(check=engine_urls.validate_url)


class ReportFileField(serializers.FileField):
    default_error_messages = build_error_messages("the report as a part named file, with a file name")


class AttachmentFileSerializer(AttachmentInputSerializer):
    file = ReportFileField(allow_empty_file=True)


@extend_schema_field({"oneOf": [{"type": "string", "format": "date-time"}, {"type": "string", "maxLength": 0}]})
class OptionalInstantField(InstantField):
    """Timestamp of a query, in which a `+` that is not written as %2B arrives as a space."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return None if data == "" else super().run_validation(data)

    def to_internal_value(self, value: Any) -> datetime:
        return super().to_internal_value(SPACE_BEFORE_OFFSET.sub("+", value) if isinstance(value, str) else value)


class FiltersSerializer(StrictSerializer):
    """Filters of a list. Empty ones are ignored."""

    status = StrictChoiceField(
        Status.choices, required=False, allow_blank=True, help_text="Orders without a report are PENDING."
    )
    customer = PlainTextField(
        max_length=200, required=False, allow_blank=True, help_text="A customer's id, as listed by GET /customers."
    )
    smartrecruiters_order_id = PlainTextField(
        max_length=200, required=False, allow_blank=True, help_text="SmartRecruiters' id of the order."
    )
    updated_after = OptionalInstantField(required=False, help_text="Changed after this time (exclusive).")
