"""No pattern of ours may take a stranger's long text for hours: what is quadratic at 4 KB stops a thread at 64."""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

import assessments
import config
import integrations
import orders

LONG = 8_000
SECONDS = 0.25
"""A linear pattern needs a few milliseconds for LONG, a quadratic one a second."""
PIECES = [
    "a", "A1", "0", " ", "\t", "\n", "a ", "a.", ".", "-", "_", "/", "/a", "\\", '"', "'", "@", "a@", "a@a.", "%40",
    ":", "a:", "=", "a=", ",", "?", "&", "#", "[", "]", "(", "<", "é", "\u202e", "x=1&", "secret", "token:", "Bearer ",
    "GET /", "/take/", '"secret"', "https://", "content-length ",
]  # fmt: skip
HEADS = [
    "",
    "https://",
    "https://a",
    '"secret":"',
    "content-length:",
    "GET /",
    "Bearer ",
    "%PDF-",
    "/assessment-api/v1/orders/",
]
TAILS = ["", "!", "\n", "@"]
AT_THE_BEGINNING = {"assessments.transfer.csv_file.FORMULA_PATTERN[0]"}
"""Patterns that are never searched for."""


def patterns() -> Iterator[tuple[str, "re.Pattern[str] | re.Pattern[bytes]"]]:
    for package in (config, integrations, assessments, orders):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".simulator" in module.name or ".migrations" in module.name or module.name.endswith("__main__"):
                continue
            for name, value in vars(importlib.import_module(module.name)).items():
                found = value if isinstance(value, tuple | list) else [value]
                for number, each in enumerate(found):
                    if isinstance(each, re.Pattern):
                        yield f"{module.name}.{name}[{number}]", each


PATTERNS = dict(patterns())


@pytest.mark.parametrize("name", PATTERNS)
def test_pattern_is_done_in_time_with_any_long_text(name: str) -> None:
    pattern = PATTERNS[name]
    is_searched = name not in AT_THE_BEGINNING
    for piece in PIECES:
        for head, tail in ((head, tail) for head in HEADS for tail in TAILS):
            text = (head + piece * (LONG // len(piece)) + tail)[:LONG]
            sent = text.encode() if isinstance(pattern.pattern, bytes) else text
            lap = time.process_time()
            pattern.fullmatch(sent)  # type: ignore[arg-type]
            if is_searched:
                pattern.search(sent)  # type: ignore[arg-type]
            assert time.process_time() - lap < SECONDS, (name, pattern.pattern, head, piece, tail)
