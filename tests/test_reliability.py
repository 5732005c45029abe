import re
from pathlib import Path

import pytest

from tests.bench import measures
from tests.crash.faults import FAULTS, ON_POSTGRESQL
from tests.crash.people import Customers
from tests.integrations.simulator.process import ROOT
from tests.reliability import ROWS, asvs
from tests.test_documents import anchors

PROOFS = sorted({proof for row in (*ROWS.values(), *asvs.REQUIREMENTS.values()) for proof in row.proofs})
# The rows of tests/reliability/README.md by their letter; findings have none.
NUMBERS = {
    "": "1-11",
    "T": "1-5 7-10 13-19 21-35",
    "C": "1-3 5-9 11-13 15-40",
    "A": "1-20 22-26 29",
    "O": "1 2 4-6 8-18 21 23-32 34 37-40",
    "R": "2-5 7 8",
    "F": "1-5 8 10 11 13-18",
    "X": "1-3 5-12",
    "S": "1-18",
    "D": "1-4 6-13 15-20 22-27 29-42 44-56 58-63",
}


def parse_numbers(text: str) -> list[int]:
    numbers: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


@pytest.mark.parametrize("proof", PROOFS)
def test_proof_exists(proof: str) -> None:
    kind, _, name = proof.partition(": ")
    if kind == "crash":
        assert name in FAULTS | ON_POSTGRESQL
    elif kind == "connect":
        assert name in {step["action"] for step in Customers.EXCHANGE_FAULTS}
    elif kind == "bench":
        assert callable(getattr(measures, name))
    elif kind == "gate":
        assert name in (ROOT / ".ci" / "lint").read_text() + (ROOT / ".ci" / "run").read_text()
        assert Path(ROOT / ".ci" / name).is_file()
    else:
        path, _, function = proof.partition("::")
        assert re.search(rf"^ *(async )?def {function}\(", (ROOT / path).read_text(), re.MULTILINE)


def test_rows_are_complete() -> None:
    expected = {f"{letter}{number}" for letter, text in NUMBERS.items() for number in parse_numbers(text)}
    assert (sorted(expected - ROWS.keys()), sorted(ROWS.keys() - expected)) == ([], [])


def test_every_row_has_a_case_and_a_proof_or_reason() -> None:
    assert [name for name, row in ROWS.items() if not row.case or not (row.proofs or row.why)] == []


def test_asvs_has_every_requirement_of_both_levels() -> None:
    levels = asvs.list_levels()
    counts = [list(levels.values()).count(level) for level in (1, 2, 3)]
    assert counts == [70, 183, 92]  # as the standard says of itself
    expected = {number: level for number, level in levels.items() if level < 3}
    assert {number: row.level for number, row in asvs.REQUIREMENTS.items()} == expected


def test_every_asvs_row_has_a_text_and_a_proof_document_or_reason() -> None:
    rows = asvs.REQUIREMENTS.items()
    assert [number for number, row in rows if not row.text or not (row.proofs or row.notes)] == []
    assert [number for number, row in rows if {"n/a", "open"} <= row.notes.keys()] == []


def test_asvs_documents_exist() -> None:
    named = {document for row in asvs.REQUIREMENTS.values() for document in row.documents}
    broken = []
    for path, _, anchor in (document.partition("#") for document in sorted(named)):
        if not (ROOT / path).is_file() or anchor not in anchors(ROOT / path):
            broken.append(f"{path}#{anchor}")
    assert broken == []


def test_asvs_summary_is_that_of_the_rows() -> None:
    """The readers' summary: counts by chapter, then what is not met, with the reason."""
    document = (ROOT / "tests/reliability/README.md").read_text()
    section = document.partition("\n## OWASP ASVS\n")[2].partition("\n## ")[0]
    counts, gaps = re.findall(r"^\| V(\d+) \| .* \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", section, re.M), {}
    for number, reason in re.findall(r"^\| ([\d.]+) \| (.*) \|$", section, re.M):
        gaps[number] = reason
    assert {int(chapter): [*map(int, numbers)] for chapter, *numbers in counts} == {
        chapter: [*states.values()] for chapter, states in asvs.count_states().items()
    }
    assert gaps == {number: row.notes["open"] for number, row in asvs.REQUIREMENTS.items() if row.state == asvs.OPEN}
