"""Serializer of an order from SmartRecruiters: see integrations/smartrecruiters/README.md, "Order"."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework import serializers

from integrations.http import trusted_origins
from integrations.text import clean_email, replace_control_characters, to_text
from orders.api.fields import CheckedURLField, PlainTextField
from orders.intake import OrderRequest

MAX_UNKNOWN_BYTES = 8 * 1024


class ReturnURLField(PlainTextField):
    """URL that the candidate returns to, at a trusted origin or by https. It is kept as a browser is sent to it."""

    def to_internal_value(self, data: Any) -> str:
        try:
            url = trusted_origins.normalize_return_url(super().to_internal_value(data))
            if not url.startswith("https://") and not trusted_origins.is_trusted(url):
                raise trusted_origins.MalformedURLError("must begin with https://")
        except trusted_origins.MalformedURLError as error:
            raise serializers.ValidationError(f"The URL {error}.", code="address") from None
        return url


class LenientTextField(serializers.Field[str, Any, Any, Any]):
    """Optional text that is never refused, only cleaned and cut to its column. A value without text form is missing."""

    def __init__(self, max_length: int = 200) -> None:
        self.max_length = max_length
        super().__init__(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> str:
        return "" if isinstance(data, dict | list) else self.clean(to_text(data))

    def clean(self, text: str) -> str:
        return replace_control_characters(text)[: self.max_length]


class LenientEmailField(LenientTextField):
    """Optional email address. A longer one than its column is missing: cut, it would be another person's."""

    def __init__(self) -> None:
        super().__init__(max_length=320)

    def clean(self, text: str) -> str:
        email = clean_email(text)
        return email if len(email) <= self.max_length else ""


class LenientMapField(serializers.Field[dict[str, str], Any, Any, Any]):
    """Optional object of texts. Values of other types are kept as their JSON text, except null, which is missing."""

    def __init__(self) -> None:
        super().__init__(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict):
            return {}
        return {
            key: replace_control_characters(to_text(value), keep_lines=True)
            for key, value in data.items()
            if value is not None
        }


class LenientObjectSerializer(serializers.Serializer[Any]):
    """Optional object. Anything else counts as missing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"required": False, "allow_null": True, **kwargs})

    def run_validation(self, data: Any = serializers.empty) -> Any:
        is_usable = data is serializers.empty or isinstance(data, dict)
        return super().run_validation(data if is_usable else None)


class CandidateSerializer(serializers.Serializer[Any]):
    id = LenientTextField()
    email = LenientEmailField()
    firstName = LenientTextField()  # noqa: N815  (the wire's name)
    lastName = LenientTextField()  # noqa: N815  (the wire's name)
    applicationLanguage = LenientTextField(35)  # noqa: N815  (the wire's name)


class RequesterSerializer(LenientObjectSerializer):
    userId = LenientTextField()  # noqa: N815  (the wire's name)
    email = LenientEmailField()


class JobSerializer(LenientObjectSerializer):
    id = LenientTextField()


class OrderRequestSerializer(serializers.Serializer[OrderRequest]):
    """An order. With `is_inline` in the context, it must have a return URL.

    Refused is only what cannot be carried out; all else is lenient (orders/api/README.md, "Orders from
    SmartRecruiters").
    """

    resultCallbackURL = CheckedURLField(check=trusted_origins.extract_order_id, max_length=500)  # noqa: N815  (the wire's name)
    candidate = CandidateSerializer()
    requester = RequesterSerializer()
    assessmentPackageId = PlainTextField(max_length=200, printable=True)  # noqa: N815  (the wire's name)
    companyId = PlainTextField(max_length=200, printable=True)  # noqa: N815  (the wire's name)
    job = JobSerializer()
    jobId = LenientTextField()  # noqa: N815  (the wire's name)
    completedAssessmentCallbackUrl = ReturnURLField(required=False, allow_null=True)  # noqa: N815  (the wire's name)
    completeAssessmentCallbackUrl = ReturnURLField(required=False, allow_null=True)  # noqa: N815  (the wire's name)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"fields": LenientMapField()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        returns = attrs.get("completedAssessmentCallbackUrl") or attrs.get("completeAssessmentCallbackUrl")
        if self.context.get("is_inline") and not returns:
            message = "An inline order must have the URL that the candidate returns to."
            raise serializers.ValidationError({"completedAssessmentCallbackUrl": message}, code="required")
        return attrs


# Built once: their fields take longer to build than to run. Validation keeps no state in them.
SERIALIZERS = {is_inline: OrderRequestSerializer(context={"is_inline": is_inline}) for is_inline in (False, True)}


def parse_order_request(body: dict[str, Any], *, is_inline: bool) -> OrderRequest:
    """Parse the body of an order. Raises ValidationError."""
    serializer = SERIALIZERS[is_inline]
    sent = serializer.run_validation(body)
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
        candidate_email=candidate.get("email") or "",
        candidate_first_name=candidate.get("firstName") or "",
        candidate_last_name=candidate.get("lastName") or "",
        candidate_language=candidate.get("applicationLanguage") or "",
        requester_user_id=requester.get("userId") or "",
        requester_email=requester.get("email") or "",
        job_id=job.get("id") or sent.get("jobId") or "",
        fields=sent.get("fields") or {},
        unknown=dict(_collect_unknown(serializer, body, sent)),
    )


def _collect_unknown(
    serializer: OrderRequestSerializer, body: dict[str, Any], validated: Mapping[str, Any]
) -> Iterator[tuple[str, object]]:
    """Yield by path the unknown keys, and the known ones that were changed, up to MAX_UNKNOWN_BYTES."""
    room = MAX_UNKNOWN_BYTES
    for path, value in _iterate_unused(serializer, body, validated):
        room -= len(json.dumps({path: value}, ensure_ascii=False).encode())
        if room < 0:
            return
        yield path, value


def _iterate_unused(
    serializer: serializers.Serializer[Any], sent: dict[str, Any], used: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, object]]:
    for key, value in sent.items():
        known = serializer.fields.get(key)
        if known is None:
            yield prefix + key, value
        elif isinstance(known, serializers.Serializer) and isinstance(value, dict):
            yield from _iterate_unused(known, value, used[key], f"{prefix}{key}.")
        elif isinstance(known, LenientMapField) and isinstance(value, dict):
            changed = (name for name in value if _differs(value[name], used[key].get(name)))
            yield from ((f"{prefix}{key}.{name}", value[name]) for name in changed)
        elif _differs(value, used.get(key)):
            yield prefix + key, value


def _differs(sent: object, used: object) -> bool:
    return sent is not None and to_text(sent) != used
