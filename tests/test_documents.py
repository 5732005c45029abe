"""Every path, document, section and link that code, comments and documents name exists."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from integrations.connections.claims.decisions import TRANSITIONS as CLAIM_TRANSITIONS
from integrations.connections.lifecycle import TRANSITIONS as CONNECTION_TRANSITIONS
from integrations.outbox.transitions import TRANSITIONS as DELIVERY_TRANSITIONS

REPOSITORY = Path(__file__).resolve().parent.parent
TEXT_FILES = (".py", ".md", ".toml", ".html", ".txt", ".sh", ".js", ".css")
NAMED_FILES = ("Makefile", ".env.example", ".gitignore")
LOCK_FILES = ("requirements.txt", "requirements-dev.txt")
GENERATED = {"report.md"}  # by `make bench`

START = r"(?<![\w/.:…{}*-])"  # not within a longer path, a URL or a pattern
TOP = rf"{START}(?:assessments|config|deploy|integrations|orders|static|templates|tests|\.ci)"
DOCUMENT = re.compile(rf"{START}(?:\.{{1,2}}/)*(?:[\w-]+/)*[\w-]+\.md\b")
PATH = re.compile(rf"{TOP}(?:/[\w.-]+)*/[\w-]+\.(?:py|html|txt|toml|js|css|svg|png|json|sh)\b")
FOLDER = re.compile(rf"{TOP}(?:/[\w.-]+)*/(?![\w{{<*…])")
SECTION = re.compile(rf'({DOCUMENT.pattern})\)?`?, "([^"]+)"')
ROW_LIST = r"[TCAORFXSDP]\d+[a-z]?(?:(?:,| and| to|,? or) [TCAORFXSDP]\d+[a-z]?)*"
ROW = re.compile(
    rf"tests/reliability/README\.md[`)]?, ({ROW_LIST})\b|\b({ROW_LIST}) (?:in|of) `?tests/reliability/README\.md"
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^ *```.*?^ *```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def list_files() -> Iterator[Path]:
    for folder, folders, names in os.walk(REPOSITORY):
        folders[:] = [
            name for name in folders if (name == ".ci" or name[0] != ".") and name not in ("var", "__pycache__")
        ]
        for path in (Path(folder, name) for name in names if name not in LOCK_FILES):
            if path.suffix in TEXT_FILES or path.name in NAMED_FILES or path.parent.name == ".ci":
                yield path


FILES = {str(path.relative_to(REPOSITORY)): path for path in sorted(list_files())}
MARKDOWN = [name for name in FILES if name.endswith(".md")]


def resolve(target: str, file: Path) -> Path | None:
    """Return the path that a file names, from its folder, the repository's root, or the templates."""
    candidates = [(base / target).resolve() for base in (file.parent, REPOSITORY, REPOSITORY / "templates")]
    return next((path for path in candidates if path.exists() and path.is_relative_to(REPOSITORY)), None)


@cache
def headings(document: Path) -> list[str]:
    text = re.sub(r"^ *```.*?^ *```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [line.lstrip("#").strip() for line in text.splitlines() if re.match("#+ ", line)]


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub derives them."""
    slugs: Counter[str] = Counter()
    found = set()
    for heading in headings(document):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{slug}-{slugs[slug]}" if slugs[slug] else slug)
        slugs[slug] += 1
    return found


def has_section(document: Path, section: str) -> bool:
    """Return True for the start of a heading, or of a paragraph's bold first words."""
    return (
        any(heading.startswith(section) for heading in headings(document)) or f"- **{section}" in document.read_text()
    )


def find_broken_paths(text: str, file: Path) -> list[str]:
    """Return the documents, paths, sections and rows that the text names and that do not exist."""
    joined = re.sub(r"\s*\n\s*(?:# ?)?", " ", text)  # a reference may be wrapped
    patterns = (DOCUMENT, PATH, FOLDER) if file.suffix == ".md" else (DOCUMENT, PATH)
    named = {match[0] for pattern in patterns for match in pattern.finditer(text)} - GENERATED
    broken = sorted(target for target in named if resolve(target, file) is None)
    for target, section in SECTION.findall(joined):
        document = resolve(target, file)
        if document and not has_section(document, section.rstrip(".,")):
            broken.append(f"{target}, section {section}")
    rows = (REPOSITORY / "tests/reliability/README.md").read_text()
    for before, after in ROW.findall(joined):
        numbers = re.findall(r"[A-Z]\d+[a-z]?", before or after)
        broken += [f"row {number}" for number in numbers if f"| {number} |" not in rows]
    return broken


def find_broken_links(text: str, file: Path) -> list[str]:
    """Return the relative links whose file or anchor does not exist."""
    broken = []
    for link in LINK.findall(CODE.sub("`code`", text)):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        document = (file.parent / target).resolve() if target else file
        if not document.exists() or (anchor and anchor not in anchors(document)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("name", FILES)
def test_named_paths_exist(name: str) -> None:
    assert find_broken_paths(FILES[name].read_text(), FILES[name]) == []


@pytest.mark.parametrize("name", MARKDOWN)
def test_links_resolve(name: str) -> None:
    assert find_broken_links(FILES[name].read_text(), FILES[name]) == []


def test_every_document_is_reached_from_the_first() -> None:
    reached, queue = set(), [REPOSITORY / "README.md"]
    while queue:
        document = queue.pop()
        reached.add(str(document.relative_to(REPOSITORY)))
        links = {link.partition("#")[0] for link in LINK.findall(CODE.sub("`code`", document.read_text()))}
        targets = [(document.parent / link).resolve() for link in links if link.endswith(".md")]
        queue += [target for target in targets if str(target.relative_to(REPOSITORY)) not in reached]
    assert sorted(set(MARKDOWN) - reached) == []


@pytest.mark.parametrize(
    "broken",
    [
        "MISSING" + ".md",
        "tests/no/such" + "/README.md",
        "integrations/no_such" + ".py",
        "orders/no_such" + "/",
        "README" + '.md, "No such section"',
        "tests/reliability/README" + ".md, T999",
        "T998 in tests/reliability/README" + ".md",
    ],
)
def test_broken_name_is_found(broken: str) -> None:
    assert len(find_broken_paths(f"See ({broken}).", REPOSITORY / "config" / "README.md")) == 1
    assert len(find_broken_paths(f"See `{broken}`.", REPOSITORY / "config" / "README.md")) == 1


@pytest.mark.parametrize("target", ["MISSING.rst", "#no-such-heading", "README.md#no-such-heading", "orders/missing/"])
def test_broken_link_is_found(target: str) -> None:
    assert find_broken_links(f"See [a document]({target}).", REPOSITORY / "README.md") == [target]


def test_good_names_and_links_are_accepted() -> None:
    text = 'tests/reliability/README.md, T1 and T35; README.md, "Two commands"; tests/crash/; https://example.com/x.md'
    assert find_broken_paths(text, REPOSITORY / "README.md") == []
    assert (
        find_broken_links("[a](orders/api/README.md#the-life-of-an-order) [b](#two-commands)", REPOSITORY / "README.md")
        == []
    )


@pytest.mark.parametrize(
    ("document", "number", "transitions"),
    [
        ("integrations/connections/README.md", 1, CONNECTION_TRANSITIONS),
        ("integrations/connections/README.md", 2, CLAIM_TRANSITIONS),
        ("integrations/outbox/README.md", 1, DELIVERY_TRANSITIONS),
    ],
)
def test_state_diagram_matches_the_table(document: str, number: int, transitions: Mapping[str, Iterable[str]]) -> None:
    diagram = FILES[document].read_text().split("stateDiagram-v2")[number].partition("```")[0]
    drawn = re.findall(r"^ *(\w+) --> (\w+)", diagram, flags=re.MULTILINE)
    assert sorted(drawn) == sorted((str(source), str(to)) for source, targets in transitions.items() for to in targets)
