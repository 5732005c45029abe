"""Serializers of the engine's API: a value is taken as it is or refused, and so is a key that we do not know.

DRF's own fields make 5 of "5" and true of "yes"; INTERFACE.md says 422 for a wrong type. Its own sentences say what is
wrong; ours say what would be right.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Self

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from integrations.api.errors import UnprocessableError


def build_error_messages(expected: str) -> dict[str, Any]:
    """The sentences of a field that takes `what`."""
    return {
        "invalid": f"Send {expected}.",
        "required": f"This is missing: send {expected}.",
        "null": f"Send {expected}; null says nothing here.",
    }


class StrictCharField(serializers.CharField):
    """A text, kept as it came. One of white space alone is an empty one."""

    default_error_messages = {
        **build_error_messages("a text"),
        "blank": "Send a text that is not empty.",
        "max_length": "Send {max_length} characters at most.",
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
    """A whole number that a database can hold; 28.0 is none."""

    def __init__(self, *, min_value: int = -(2**63), max_value: int = 2**63 - 1, **kwargs: Any) -> None:
        sentences = build_error_messages(f"a whole number from {min_value} to {max_value}")
        sentences |= dict.fromkeys(("min_value", "max_value"), sentences["invalid"])
        super().__init__(min_value=min_value, max_value=max_value, error_messages=sentences, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class StrictChoiceField(serializers.ChoiceField):
    """One of some texts; the refusal lists them."""

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
    """An object whose values are texts."""

    default_error_messages = {
        **build_error_messages("an object whose values are texts"),
        "not_a_dict": "Send an object whose values are texts.",
    }


class StrictListSerializer(serializers.ListSerializer[Any]):
    default_error_messages = {**build_error_messages("a list of objects"), "not_a_list": "Send a list of objects."}


class StrictSerializer(serializers.Serializer[Any]):
    # An object with no other keys than its fields. No docstring: the description would show it at each that has none.

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
        except serializers.ValidationError as refused:
            raise serializers.ValidationError({**unknown, **refused.detail}) from None  # type: ignore[dict-item]
        if unknown:
            raise serializers.ValidationError(unknown)
        return values

    def require_valid_data(self: Self) -> Any:
        """What was sent, validated. Raises UnprocessableError with every error and its field."""
        if not self.is_valid():
            raise UnprocessableError(self.errors)
        return self.validated_data


def unknown_key_error(key: str, known: Iterable[str], noun: str = "key") -> ErrorDetail:
    """What to send instead: scoreLabel is score_label here."""
    names = list(known)
    if not names:
        return ErrorDetail(f"There is no such {noun} here; leave it out.", "unknown")
    spelled = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)
    close = get_close_matches(spelled.lstrip("_").replace("-", "_"), names, 1, 0.75)
    meant = f": perhaps you mean {close[0]}" if close else ""
    return ErrorDetail(f"There is no such {noun} here{meant}; the {noun}s are {', '.join(names)}.", "unknown")
