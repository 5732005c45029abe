"""Serializer fields of orders and results: text for people, timestamps, URLs and maps."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
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


LEAP_SECOND = re.compile(r"([^T]{1,20}T\d\d:\d\d):60(\D.*)")


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
    """ISO 8601 timestamp with an offset or Z, converted to UTC.

    As in RFC 3339, T and Z may be lower case (section 5.6), and a leap second may end a month in UTC (section 5.7). No
    database stores one: it counts as the second before, so that it stays on its day.
    """

    default_error_messages = fields.build_error_messages(
        "a timestamp in ISO 8601 with Z or an offset, like 2020-08-28T20:36:28Z"
    )

    def to_internal_value(self, value: Any) -> datetime:
        try:
            text = value.upper() if isinstance(value, str) else ""
            leap = LEAP_SECOND.fullmatch(text)
            instant = parse_datetime(f"{leap[1]}:59{leap[2]}" if leap else text) if "T" in text else None
            if instant is not None and instant.tzinfo is not None and instant.year >= 1900:
                instant = instant.astimezone(UTC)
                if not leap or _ends_month(instant):
                    return instant
        except (ValueError, OverflowError):
            pass
        return self.fail("invalid")  # type: ignore[return-value]


def _ends_month(instant: datetime) -> bool:
    """Return True in the last second of a month in UTC, where leap seconds are inserted."""
    return (instant + timedelta(seconds=1)).replace(microsecond=0).strftime("%d %H:%M:%S") == "01 00:00:00"


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
