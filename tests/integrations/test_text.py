"""Tests of text that people typed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.text import isolate_direction


@pytest.mark.parametrize("text", ["", "Ada", "Zoë Łukasz", "李明", "नादिया", "a\nb", "🎉 5", "a\u200bb"])
def test_text_without_a_direction_of_its_own_is_kept(text: str) -> None:
    assert isolate_direction(text) == text


@pytest.mark.parametrize(
    ("text", "isolated"),
    [
        ("ann\u202egpj.exe", "\u2068ann\u202egpj.exe\u2069"),  # RLO
        ("ann\u202bx", "\u2068ann\u202bx\u2069"),  # RLE
        ("ann\u2067x", "\u2068ann\u2067x\u2069\u2069"),  # RLI that does not end
        ("ann\u2066\u2068x\u2069", "\u2068ann\u2066\u2068x\u2069\u2069\u2069"),
        ("ann\u2067x\u2069", "\u2068ann\u2067x\u2069\u2069"),
        ("ann\u2069x\u202ey", "\u2068annx\u202ey\u2069"),  # PDI that would end our isolate
        ("\u200fann", "\u2068\u200fann\u2069"),
        ("محمد", "\u2068محمد\u2069"),
        ("דנה Cohen", "\u2068דנה Cohen\u2069"),
        ("a\u202eb\nc\r\nd", "\u2068a\u202eb\u2069\n\u2068c\u2069\r\n\u2068d\u2069"),
        ("a\u202eb\u2029c", "\u2068a\u202eb\u2069\u2029\u2068c\u2069"),
        ("\u2068ann\u202ex\u2069", "\u2068ann\u202ex\u2069"),  # isolated already
        ("\u2068a\u2069\u202e\u2068b\u2069", "\u2068\u2068a\u2069\u202e\u2068b\u2069\u2069"),
        ("\u2068a\nb\u2069", "\u2068\u2068a\u2069\u2069\n\u2068b\u2069"),
    ],
)
def test_text_with_a_direction_is_isolated(text: str, isolated: str) -> None:
    assert isolate_direction(text) == isolated


@given(st.text(alphabet="aא\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\n\x85"))
def test_every_line_ends_what_it_opens(text: str) -> None:
    for line in isolate_direction(text).splitlines():
        depth = 0
        for each in line:
            depth += (unicodedata.bidirectional(each) in ("LRI", "RLI", "FSI")) - (each == "\u2069")
            is_marked = unicodedata.bidirectional(each) in ("R", "LRE", "RLE", "LRO", "RLO", "PDF")
            assert depth > 0 or not is_marked
        assert depth == 0
