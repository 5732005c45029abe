"""Serializer of an order from SmartRecruiters: see integrations/smartrecruiters/README.md, "Order"."""

import json
from collections.abc import Iterator
from typing import Any

from rest_framework import serializers

from integrations.http import trusted_origins
from orders.api.fields import CheckedURLField, PlainTextField, TextMapField
from orders.intake import OrderRequest

MAX_UNKNOWN_BYTES = 8 * 1024


def _check_return_url(url: str) -> None:
    """Accept a trusted origin or any plain https URL."""
    parts = trusted_origins.parse_url(url)
    if parts is None or not (parts[0] == "https" or trusted_origins.is_trusted(url)):
        raise ValueError("must be a plain https URL")


class OptionalTextField(PlainTextField):
    def __init__(self, max_length: int = 200, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, required=False, allow_blank=True, **kwargs)


class CandidateSerializer(serializers.Serializer[Any]):
    id = OptionalTextField(printable=True, allow_null=True)
    email = OptionalTextField(320)
    firstName = OptionalTextField()  # noqa: N815  (the wire's name)
    lastName = OptionalTextField()  # noqa: N815  (the wire's name)
    applicationLanguage = OptionalTextField(35, allow_null=True)  # noqa: N815  (the wire's name)


class RequesterSerializer(serializers.Serializer[Any]):
    userId = OptionalTextField(printable=True, allow_null=True)  # noqa: N815  (the wire's name)
    email = OptionalTextField(320, allow_null=True)


class JobSerializer(serializers.Serializer[Any]):
    id = OptionalTextField(printable=True, allow_null=True)


class OrderRequestSerializer(serializers.Serializer[OrderRequest]):
    """An order. With `is_inline` in the context, it must have a return URL."""

    resultCallbackURL = CheckedURLField(check=trusted_origins.extract_order_id, max_length=500)  # noqa: N815  (the wire's name)
    candidate = CandidateSerializer()
    requester = RequesterSerializer(required=False, allow_null=True)
    assessmentPackageId = PlainTextField(max_length=200, printable=True)  # noqa: N815  (the wire's name)
    companyId = PlainTextField(max_length=200, printable=True)  # noqa: N815  (the wire's name)
    job = JobSerializer(required=False, allow_null=True)
    jobId = OptionalTextField(printable=True, allow_null=True)  # noqa: N815  (the wire's name)
    completedAssessmentCallbackUrl = CheckedURLField(check=_check_return_url, required=False, allow_null=True)  # noqa: N815  (the wire's name)
    completeAssessmentCallbackUrl = CheckedURLField(check=_check_return_url, required=False, allow_null=True)  # noqa: N815  (the wire's name)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"fields": TextMapField(required=False, allow_null=True)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        returns = attrs.get("completedAssessmentCallbackUrl") or attrs.get("completeAssessmentCallbackUrl")
        if self.context.get("is_inline") and not returns:
            message = "An inline order must have the URL that the candidate returns to."
            raise serializers.ValidationError({"completedAssessmentCallbackUrl": message}, code="required")
        return attrs

    def to_order_request(self) -> OrderRequest:
        sent = self.validated_data
        candidate, requester, job = sent["candidate"], sent.get("requester") or {}, sent.get("job") or {}
        return OrderRequest(
            smartrecruiters_order_id=trusted_origins.extract_order_id(sent["resultCallbackURL"]),
            result_callback_url=sent["resultCallbackURL"],
            package_id=sent["assessmentPackageId"],
            company_id=sent["companyId"],
            completed_callback_url=sent.get("completedAssessmentCallbackUrl")
            or sent.get("completeAssessmentCallbackUrl")
            or "",
            candidate_id=candidate.get("id") or "",
            candidate_email=candidate.get("email", ""),
            candidate_first_name=candidate.get("firstName", ""),
            candidate_last_name=candidate.get("lastName", ""),
            candidate_language=candidate.get("applicationLanguage") or "",
            requester_user_id=requester.get("userId") or "",
            requester_email=requester.get("email") or "",
            job_id=job.get("id") or sent.get("jobId") or "",
            fields=sent.get("fields") or {},
            unknown=dict(self._collect_unknown()),
        )

    def _collect_unknown(self) -> Iterator[tuple[str, object]]:
        """Yield the unknown keys by path, up to MAX_UNKNOWN_BYTES."""
        room = MAX_UNKNOWN_BYTES
        for path, value in _iterate_unknown(self, self.initial_data):
            room -= len(json.dumps({path: value}, ensure_ascii=False).encode())
            if room < 0:
                return
            yield path, value


def _iterate_unknown(
    serializer: serializers.Serializer[Any], sent: dict[str, Any], prefix: str = ""
) -> Iterator[tuple[str, object]]:
    for key, value in sent.items():
        known = serializer.fields.get(key)
        if known is None:
            yield prefix + key, value
        elif isinstance(known, serializers.Serializer) and isinstance(value, dict):
            yield from _iterate_unknown(known, value, f"{prefix}{key}.")
