"""The body of an order, as SmartRecruiters sends it (PROTOCOL.md, "What they call")."""

import json
from collections.abc import Iterator
from typing import Any

from rest_framework import serializers

from integrations.http import trusted_origins
from orders.api.fields import Address, Text, TextMap
from orders.intake import OrderRequest

MAX_UNKNOWN = 8 * 1024


def _return_address(url: str) -> None:
    """Where an inline candidate goes back to: a trusted origin, or any plain https address (INTERFACE.md)."""
    parts = trusted_origins.split(url)
    if parts is None or not (parts[0] == "https" or trusted_origins.is_trusted(url)):
        raise ValueError("must be a plain https address")


class Optional(Text):
    def __init__(self, max_length: int = 200, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, required=False, allow_blank=True, **kwargs)


class CandidateSerializer(serializers.Serializer[Any]):
    id = Optional(printable=True, allow_null=True)
    email = Optional(320)
    firstName = Optional()
    lastName = Optional()
    applicationLanguage = Optional(35, allow_null=True)


class RequesterSerializer(serializers.Serializer[Any]):
    userId = Optional(printable=True, allow_null=True)
    email = Optional(320, allow_null=True)


class JobSerializer(serializers.Serializer[Any]):
    id = Optional(printable=True, allow_null=True)


class OrderRequestSerializer(serializers.Serializer[OrderRequest]):
    """`is_inline` in the context: the body must name where the candidate goes back to."""

    resultCallbackURL = Address(check=trusted_origins.order_id_of, max_length=500)
    candidate = CandidateSerializer()
    requester = RequesterSerializer(required=False, allow_null=True)
    assessmentPackageId = Text(max_length=200, printable=True)
    companyId = Text(max_length=200, printable=True)
    job = JobSerializer(required=False, allow_null=True)
    jobId = Optional(printable=True, allow_null=True)
    completedAssessmentCallbackUrl = Address(check=_return_address, required=False, allow_null=True)
    completeAssessmentCallbackUrl = Address(check=_return_address, required=False, allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"fields": TextMap(required=False, allow_null=True)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        returns = attrs.get("completedAssessmentCallbackUrl") or attrs.get("completeAssessmentCallbackUrl")
        if self.context.get("is_inline") and not returns:
            message = "An inline order names where the candidate goes back to."
            raise serializers.ValidationError({"completedAssessmentCallbackUrl": message}, code="required")
        return attrs

    def order_request(self) -> OrderRequest:
        sent = self.validated_data
        candidate, requester, job = sent["candidate"], sent.get("requester") or {}, sent.get("job") or {}
        return OrderRequest(
            smartrecruiters_order_id=trusted_origins.order_id_of(sent["resultCallbackURL"]),
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
            unknown=dict(self._unknown()),
        )

    def _unknown(self) -> Iterator[tuple[str, object]]:
        """What came and we do not know, by its path, as far as there is room for it."""
        room = MAX_UNKNOWN
        for path, value in _unknown(self, self.initial_data):
            room -= len(json.dumps({path: value}, ensure_ascii=False).encode())
            if room < 0:
                return
            yield path, value


def _unknown(
    serializer: serializers.Serializer[Any], sent: dict[str, Any], prefix: str = ""
) -> Iterator[tuple[str, object]]:
    for key, value in sent.items():
        known = serializer.fields.get(key)
        if known is None:
            yield prefix + key, value
        elif isinstance(known, serializers.Serializer) and isinstance(value, dict):
            yield from _unknown(known, value, f"{prefix}{key}.")
