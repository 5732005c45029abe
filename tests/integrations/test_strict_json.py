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
        (b'\xef\xbb\xbf{"a": 1}', "BOM"),
    ],
)
def test_body_that_is_no_json_as_we_take_it_is_refused_with_the_reason(body: bytes, says: str) -> None:
    with pytest.raises(MalformedJSONError, match=says):
        parse_json(body)


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
