"""ReDoS protection: no regular expression takes more than linear time for a long text.

A quadratic pattern that is slow at 4 KB blocks a thread at 64 KB.
"""

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

LONG = 4_000
SECONDS = 0.12  # a linear pattern needs a few milliseconds for LONG, a quadratic one a quarter of a second
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


def find_patterns() -> Iterator[tuple[str, "re.Pattern[str] | re.Pattern[bytes]"]]:
    for package in (config, integrations, assessments, orders):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".simulator" in module.name or ".migrations" in module.name or module.name.endswith("__main__"):
                continue
            for name, value in vars(importlib.import_module(module.name)).items():
                values = value if isinstance(value, tuple | list) else [value]
                for number, each in enumerate(values):
                    if isinstance(each, re.Pattern):
                        yield f"{module.name}.{name}[{number}]", each


PATTERNS = dict(find_patterns())


@pytest.mark.parametrize("name", PATTERNS)
def test_pattern_is_done_in_time_with_any_long_text(name: str) -> None:
    pattern = PATTERNS[name]
    for piece in PIECES:
        for head, tail in ((head, tail) for head in HEADS for tail in TAILS):
            text = (head + piece * (LONG // len(piece)) + tail)[:LONG]
            sent = text.encode() if isinstance(pattern.pattern, bytes) else text
            started = time.process_time()
            pattern.fullmatch(sent)  # type: ignore[arg-type]
            pattern.search(sent)  # type: ignore[arg-type]
            assert time.process_time() - started < SECONDS, (name, pattern.pattern, head, piece, tail)
