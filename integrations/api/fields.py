"""Serializers of the engine's API: a value is taken as it is or refused, and so is a key that we do not know.

DRF's own fields make 5 of "5" and true of "yes"; INTERFACE.md says 422 for a wrong type.
"""

from collections.abc import Mapping
from typing import Any, Self

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from integrations.api.errors import Unprocessable


class Text(serializers.CharField):
    """A text, kept as it came. One of white space alone is an empty one."""

    default_error_messages = {
        "invalid": "Send a text.",
        "blank": "Send a text that is not empty.",
        "null": "Send a text; null says nothing here.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, **kwargs})

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and not data.strip() and not self.allow_blank:
            self.fail("blank")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        return text


class Flag(serializers.BooleanField):
    default_error_messages = {"invalid": "Send true or false.", "null": "Send true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class Whole(serializers.IntegerField):
    """A whole number that a database can hold; 28.0 is none."""

    default_error_messages = {"invalid": "Send a whole number."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": -(2**63), "max_value": 2**63 - 1, **kwargs})

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class Choice(serializers.ChoiceField):
    """One of some texts; the refusal lists them."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices, **kwargs)
        self.error_messages["invalid_choice"] = f"Send one of {', '.join(self.choices)}."

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice")
        return data


class Strict(serializers.Serializer[Any]):
    """An object with no other keys than its fields."""

    default_error_messages = {"invalid": "Send an object."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            self.fail("invalid")
        known = [name for name, field in self.fields.items() if not field.read_only]
        message = f"There is no such key here; the keys are {', '.join(known)}."
        unknown = {str(key): [ErrorDetail(message, "unknown")] for key in data if key not in known}
        try:
            values: dict[str, Any] = super().to_internal_value(data)
        except serializers.ValidationError as refused:
            raise serializers.ValidationError({**unknown, **refused.detail}) from None  # type: ignore[dict-item]
        if unknown:
            raise serializers.ValidationError(unknown)
        return values

    def accepted(self: Self) -> Any:
        """What was sent, validated. Raises Unprocessable with every error and its field."""
        if not self.is_valid():
            raise Unprocessable(self.errors)
        return self.validated_data
