"""OWASP ASVS 5.0.0, levels 1 and 2: how each requirement is met. tests/reliability/README.md has the summary.

A line that is not indented has the requirement's number and, in our words, what it asks for. The indented lines below
it are tests in the notation of tests/reliability/rows.py, or:

- `doc: path#section`, a document that the requirement asks for;
- `n/a: …`, why there is nothing here that it could apply to;
- `operator: …`, what the operator must do, since it is outside the code;
- `open: …`, what is not met, and why;
- `why: …`, a remark.
"""

from dataclasses import dataclass

from tests.reliability.asvs import (
    authentication,
    authorization,
    configuration,
    cryptography,
    encoding,
    frontend,
    operation,
    sessions,
)
from tests.reliability.rows import parse_proof

# The levels of the requirements of each section, in the standard's order: 1.1.1 and 1.1.2 are of level 2.
LEVELS = {
    "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123",
    "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23",
    "3.1": "3", "3.2": "113", "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3", "3.7": "22333",
    "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222",
    "5.1": "2", "5.2": "112333", "5.3": "113", "5.4": "222",
    "6.1": "122", "6.2": "111111112222", "6.3": "11223333", "6.4": "112233", "6.5": "22222333", "6.6": "2223",
    "6.7": "33", "6.8": "2222",
    "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22",
    "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23",
    "9.1": "111", "9.2": "1222",
    "10.1": "22", "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222", "10.6": "22",
    "10.7": "222",
    "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23", "11.7": "33",
    "12.1": "12233", "12.2": "11", "12.3": "22223",
    "13.1": "2333", "13.2": "222223", "13.3": "2233", "13.4": "1222233",
    "14.1": "22", "14.2": "12223333", "14.3": "122",
    "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223",
    "17.1": "23", "17.2": "22223333", "17.3": "22",
}  # fmt: skip
CHAPTERS = {
    1: "Encoding and sanitization",
    2: "Validation and business logic",
    3: "Web frontend security",
    4: "API and web service",
    5: "File handling",
    6: "Authentication",
    7: "Session management",
    8: "Authorization",
    9: "Self-contained tokens",
    10: "OAuth and OIDC",
    11: "Cryptography",
    12: "Secure communication",
    13: "Configuration",
    14: "Data protection",
    15: "Secure coding and architecture",
    16: "Security logging and error handling",
    17: "WebRTC",
}
KINDS = ("doc", "n/a", "operator", "open", "why")
MET, NOT_APPLICABLE, OPERATOR, OPEN = "met", "not applicable", "the operator", "not met"


@dataclass(frozen=True)
class Requirement:
    text: str
    level: int
    proofs: tuple[str, ...]
    notes: dict[str, str]  # by KINDS

    @property
    def documents(self) -> tuple[str, ...]:
        return tuple(self.notes.get("doc", "").split())

    @property
    def state(self) -> str:
        """Return what stands in the summary: a gap counts more than what is met of the requirement."""
        if "open" in self.notes:
            return OPEN
        if "n/a" in self.notes:
            return NOT_APPLICABLE
        return MET if self.proofs or self.documents or "operator" not in self.notes else OPERATOR


def list_levels() -> dict[str, int]:
    """Return the level of each requirement of the standard, by its number."""
    return {
        f"{section}.{number}": int(level)
        for section, levels in LEVELS.items()
        for number, level in enumerate(levels, start=1)
    }


def parse_chapter(table: str) -> dict[str, Requirement]:
    """Parse the rows of a chapter. Raises ValueError for a duplicate, KeyError for an unknown number or short name."""
    rows: dict[str, tuple[str, list[str]]] = {}
    number = ""
    for line in filter(str.strip, table.splitlines()):
        if line.startswith(" "):
            rows[number][1].append(line.strip())
            continue
        number, _, text = line.partition(" ")
        if number in rows:
            raise ValueError(f"duplicate requirement {number}")
        rows[number] = text.strip(), []
    levels = list_levels()
    return {number: _parse_requirement(text, levels[number], lines) for number, (text, lines) in rows.items()}


def _parse_requirement(text: str, level: int, lines: list[str]) -> Requirement:
    notes: dict[str, str] = {}
    proofs = []
    for line in lines:
        kind, _, rest = line.partition(": ")
        if kind in KINDS:
            notes[kind] = f"{notes.get(kind, '')} {rest}".strip()
        else:
            proofs.append(parse_proof(line))
    return Requirement(text, level, tuple(proofs), notes)


REQUIREMENTS: dict[str, Requirement] = {
    number: requirement
    for chapter in (
        *(encoding, frontend, authentication, sessions, authorization, cryptography, configuration, operation),
    )
    for table in chapter.TABLES
    for number, requirement in parse_chapter(table).items()
}


def count_states() -> dict[int, dict[str, int]]:
    """Return how many requirements of each chapter are in each state."""
    counts = {chapter: dict.fromkeys((MET, OPERATOR, NOT_APPLICABLE, OPEN), 0) for chapter in CHAPTERS}
    for number, requirement in REQUIREMENTS.items():
        counts[int(number.partition(".")[0])][requirement.state] += 1
    return counts
