import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.strict_json import MalformedJSONError, parse_json


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b'{"a": 1, "a": 2}', "a key occurs twice"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": Infinity}', "Infinity is not JSON"),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\u0000": 1}', "NUL"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"[" * 60000, "nested deeper|Expecting value"),
        (b"[" * 40 + b"]" * 40, "nested deeper than 32"),
        (b'{"a": ' + b"1" * 5000 + b"}", "too long"),
        (b"\xef\xbb\xbf", "Expecting value at line 1, column 1"),
        ('{"a": 1}'.encode("utf-16"), "the body is not UTF-8"),
    ],
)
def test_body_that_is_no_json_as_we_take_it_is_refused_with_the_reason(body: bytes, says: str) -> None:
    with pytest.raises(MalformedJSONError, match=says):
        parse_json(body)


@pytest.mark.parametrize("marks", [1, 2])
def test_byte_order_mark_is_ignored(marks: int) -> None:
    """RFC 8259, section 8.1."""
    assert parse_json(b"\xef\xbb\xbf" * marks + b'{"a": "\xef\xbb\xbf"}') == {"a": "\ufeff"}


def test_text_that_no_database_stores_is_replaced_on_request() -> None:
    body = b'{"a\\u0000": ["x\\u0000y", "cut \\ud83d", "\\ud83d\\ude00"]}'
    assert parse_json(body, replaces_invalid=True) == {"a ": ["x y", "cut \ufffd", "😀"]}
    with pytest.raises(MalformedJSONError, match="nested deeper"):
        parse_json(b"[" * 40 + b"]" * 40, replaces_invalid=True)


def test_json_at_the_limits_is_accepted() -> None:
    deep = b"[" * 32 + b"]" * 32
    assert parse_json(deep) == json.loads(deep)
    assert parse_json(b'{"a": -99999999999999999999, "b": "\\ud83d\\ude00"}') == {
        "a": -99999999999999999999,
        "b": "😀",
    }


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), children, max_size=4
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_json_written_by_the_library_round_trips(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_json_or_malformed(body: bytes) -> None:
    try:
        value = parse_json(body)
    except MalformedJSONError:
        return
    assert not (isinstance(value, float) and math.isinf(value))
    assert "\0" not in json.dumps(value, ensure_ascii=False)
