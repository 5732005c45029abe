"""Serializer fields of orders and results: text for people, timestamps, URLs and maps."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.validators import RegexValidator
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from integrations.api import fields
from integrations.http import trusted_origins

# Validators, so that the OpenAPI schema shows their patterns.
SINGLE_LINE = RegexValidator(
    r"\A[^\x00-\x1f\x7f-\x9f]+\Z", "Send a single line of text without control characters.", "control"
)
MULTILINE = RegexValidator(
    r"\A[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+\Z",
    "Send text without control characters other than line breaks and tabs.",
    "control",
)


class PlainTextField(fields.StrictCharField):
    """Unicode text without control characters; line breaks and tabs are allowed only if `multiline`."""

    default_error_messages = {"printable": "Send printable characters only."}

    def __init__(self, *, multiline: bool = False, printable: bool = False, **kwargs: Any) -> None:
        self.printable = printable
        super().__init__(**kwargs)
        self.validators.append(MULTILINE if multiline else SINGLE_LINE)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if self.printable and not text.isprintable():
            self.fail("printable")
        return text


class InstantField(serializers.DateTimeField):
    """ISO 8601 timestamp with an offset or Z, converted to UTC. T and Z may be lower case (RFC 3339, section 5.6)."""

    default_error_messages = fields.build_error_messages(
        "a timestamp in ISO 8601 with Z or an offset, like 2020-08-28T20:36:28Z"
    )

    def to_internal_value(self, value: Any) -> datetime:
        try:
            text = value.upper() if isinstance(value, str) else ""
            instant = parse_datetime(text) if "T" in text else None
            if instant is not None and instant.tzinfo is not None and instant.year >= 1900:
                return instant.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        return self.fail("invalid")  # type: ignore[return-value]


URL_SCHEMA = {
    "type": "string",
    "format": "uri",
    "maxLength": 2000,
    "pattern": f"^{trusted_origins.STRICT_URL_PATTERN}(?:#[!-~]*)?$",
}


@extend_schema_field(URL_SCHEMA)
class CheckedURLField(PlainTextField):
    """URL that passes `check`, which raises ValueError with the end of a sentence, like "must begin with https://"."""

    def __init__(self, *, check: Callable[[str], object], **kwargs: Any) -> None:
        self.check = check
        super().__init__(**{"max_length": 2000, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        url = super().to_internal_value(data)
        try:
            self.check(url)
        except ValueError as error:
            raise serializers.ValidationError(f"The URL {error}.", code="address") from None
        return url
