"""Strict serializer fields for the engine's API: no type coercion, no unknown keys.

DRF's own fields turn "5" into 5 and "yes" into true; a wrong type must be 422 (orders/api/README.md). The error
messages describe a valid value.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Self

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from integrations.api.errors import UnprocessableError


def build_error_messages(expected: str) -> dict[str, Any]:
    """Return the messages of a field that accepts `expected`, like "a list"."""
    return {
        "invalid": f"Send {expected}.",
        "required": f"This is required: send {expected}.",
        "null": f"Send {expected}; null is not allowed.",
    }


class StrictCharField(serializers.CharField):
    """Text that is not trimmed. White space alone counts as blank."""

    default_error_messages = {
        **build_error_messages("text"),
        "blank": "Send text that is not empty.",
        "max_length": "Send at most {max_length} characters.",
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


class StrictBooleanField(serializers.BooleanField):
    default_error_messages = build_error_messages("true or false")

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class StrictIntegerField(serializers.IntegerField):
    """An integer in the database's range. 28.0 is refused."""

    def __init__(self, *, min_value: int = -(2**63), max_value: int = 2**63 - 1, **kwargs: Any) -> None:
        sentences = build_error_messages(f"a whole number from {min_value} to {max_value}")
        sentences |= dict.fromkeys(("min_value", "max_value"), sentences["invalid"])
        super().__init__(min_value=min_value, max_value=max_value, error_messages=sentences, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class StrictChoiceField(serializers.ChoiceField):
    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices, **kwargs)
        sentences = build_error_messages(f"one of {', '.join(self.choices)}")
        self.error_messages |= sentences | {"invalid_choice": sentences["invalid"]}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or (data not in self.choices and not (self.allow_blank and data == "")):
            self.fail("invalid_choice")
        return data


class StrictListField(serializers.ListField):
    default_error_messages = {
        **build_error_messages("a list"),
        "not_a_list": "Send a list.",
        "empty": "Send a list that is not empty.",
    }


class StrictDictField(serializers.DictField):
    default_error_messages = {
        **build_error_messages("an object whose values are text"),
        "not_a_dict": "Send an object whose values are text.",
    }


class StrictListSerializer(serializers.ListSerializer[Any]):
    default_error_messages = {**build_error_messages("a list of objects"), "not_a_list": "Send a list of objects."}


class StrictSerializer(serializers.Serializer[Any]):
    # Refuses unknown keys. A comment, since drf-spectacular would show a docstring wherever a subclass has none.

    default_error_messages = build_error_messages("an object")

    class Meta:
        list_serializer_class = StrictListSerializer

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            self.fail("invalid")
        known = [name for name, field in self.fields.items() if not field.read_only]
        unknown = {str(key): [unknown_key_error(str(key), known)] for key in data if key not in known}
        try:
            values: dict[str, Any] = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({**unknown, **error.detail}) from None  # type: ignore[dict-item]
        if unknown:
            raise serializers.ValidationError(unknown)
        return values

    def require_valid_data(self: Self) -> Any:
        """Return the validated data. Raises UnprocessableError with every error and its field."""
        if not self.is_valid():
            raise UnprocessableError(self.errors)
        return self.validated_data


def unknown_key_error(key: str, known: Iterable[str], noun: str = "key") -> ErrorDetail:
    """Build the error of an unknown key, with the most similar known one (`score_label` for scoreLabel)."""
    names = list(known)
    if not names:
        return ErrorDetail(f"There is no such {noun} here; leave it out.", "unknown")
    spelled = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)
    close = get_close_matches(spelled.lstrip("_").replace("-", "_"), names, 1, 0.75)
    meant = f": perhaps you mean {close[0]}" if close else ""
    return ErrorDetail(f"There is no such {noun} here{meant}; the {noun}s are {', '.join(names)}.", "unknown")
