"""Serializers of the engine's responses: see orders/api/README.md, "The order object"."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from orders.models import Attachment, AttachmentType, Order, Result, Status

DELIVERY_STATES: dict[str | None, str] = {None: "none", "in_flight": "pending", "unknown": "pending"}


class NullableCharField(serializers.CharField):
    """Text that is null where the column is empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_null": True, **kwargs})

    def to_representation(self, value: Any) -> Any:
        return value or None


class CandidateSerializer(serializers.Serializer[Order]):
    id = NullableCharField(source="candidate_id")
    email = serializers.CharField(source="candidate_email")
    first_name = serializers.CharField(source="candidate_first_name")
    last_name = serializers.CharField(source="candidate_last_name")
    language = NullableCharField(source="candidate_language")


class RequesterSerializer(serializers.Serializer[Order]):
    user_id = serializers.CharField(source="requester_user_id")
    email = serializers.CharField(source="requester_email")


class ScoreOutputSerializer(serializers.Serializer[Any]):
    raw = serializers.IntegerField()
    min = serializers.IntegerField()
    max = serializers.IntegerField()


class NullableChoiceField(serializers.ChoiceField):
    def to_representation(self, value: Any) -> Any:
        return value or None


class AssessmentResultOutputSerializer(serializers.Serializer[Result]):
    assessment_id = serializers.CharField()
    status = NullableChoiceField(Status.choices, allow_null=True)
    score = ScoreOutputSerializer(allow_null=True)
    score_label = serializers.CharField(allow_null=True)
    summary = serializers.CharField(allow_null=True)
    assessment_date = serializers.DateTimeField(allow_null=True)
    submission_date = serializers.DateTimeField(allow_null=True)
    name = serializers.CharField(allow_null=True)


class ResultOutputSerializer(serializers.Serializer[Order]):
    status = serializers.ChoiceField(Status.choices)
    assessment_package_date = serializers.DateTimeField(allow_null=True)
    submission_date = serializers.DateTimeField(allow_null=True)
    name = serializers.CharField(allow_null=True)
    summary = serializers.CharField(allow_null=True)
    score_label = serializers.CharField(allow_null=True)
    score = ScoreOutputSerializer(allow_null=True)
    assessment_results = AssessmentResultOutputSerializer(many=True)

    def to_representation(self, instance: Order) -> dict[str, Any]:
        rows = {row.assessment_id: row for row in instance.results.all()}
        package = rows.pop("", None) or Result(order=instance)
        shared = AssessmentResultOutputSerializer(package).data
        return {
            "status": Status(package.status).value,
            "assessment_package_date": shared["assessment_date"],
            **{key: shared[key] for key in ("submission_date", "name", "summary", "score_label", "score")},
            "assessment_results": [AssessmentResultOutputSerializer(row).data for row in rows.values()],
        }


class AttachmentSerializer(serializers.Serializer[Attachment]):
    id = serializers.CharField()
    assessment_id = NullableCharField()
    type = serializers.ChoiceField(AttachmentType.choices)
    name = serializers.CharField()
    url = serializers.URLField()


class OrderSerializer(serializers.Serializer[Order]):
    """An order with its result. Its rows must come from `queries.for_engine`."""

    id = serializers.CharField()
    smartrecruiters_order_id = serializers.CharField()
    company_id = serializers.CharField(source="connection.company_id")
    customer = serializers.CharField(source="connection.customer_id")
    package = serializers.CharField(source="package_id")
    inline = serializers.BooleanField(source="is_inline")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    candidate = CandidateSerializer(source="*")
    requester = serializers.SerializerMethodField()
    job_id = NullableCharField()
    accepted_at = serializers.DateTimeField(allow_null=True)
    lease_expires_at = serializers.DateTimeField(allow_null=True)
    launch_url = NullableCharField()
    take_url = serializers.URLField()
    return_url = serializers.URLField()
    status = serializers.ChoiceField(Status.choices, source="reported_status")
    delivery = serializers.SerializerMethodField()
    result = ResultOutputSerializer(source="*")
    attachments = AttachmentSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"fields": serializers.DictField(child=serializers.CharField())}

    @extend_schema_field(RequesterSerializer(allow_null=True))
    def get_requester(self, order: Order) -> dict[str, str] | None:
        has_one = order.requester_user_id or order.requester_email
        return RequesterSerializer(order).data if has_one else None

    @extend_schema_field(serializers.ChoiceField(["none", "pending", "delivered", "held", "failed"]))
    def get_delivery(self, order: Order) -> str:
        state: str | None = order.newest_result_state  # type: ignore[attr-defined]
        return DELIVERY_STATES.get(state) or str(state)


class LeasedOrdersSerializer(serializers.Serializer[Any]):
    orders = OrderSerializer(many=True)


class PreviewSerializer(serializers.Serializer[Any]):
    wire = serializers.DictField()
    score_text = serializers.CharField(allow_null=True)
    score_percent = serializers.IntegerField(allow_null=True)


class TimelineEntrySerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    hop = serializers.ChoiceField(["in", "engine", "candidate", "out"])
    what = serializers.CharField()
    by = serializers.CharField()
    detail = serializers.DictField()


class TimelineSerializer(serializers.Serializer[Any]):
    results = TimelineEntrySerializer(many=True)
