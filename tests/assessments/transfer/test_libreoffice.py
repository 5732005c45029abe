"""Round trips of the catalogue's CSV file through LibreOffice Calc, in English and in German.

Not tried: tabs, which LibreOffice drops from OpenDocument files, and carriage returns, which it turns into line feeds.
"""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from assessments.models import Package
from assessments.transfer import plan
from assessments.transfer.plan import Problem
from tests import rows
from tests.assessments.transfer.test_spreadsheets import SHOP, warn_of

pytestmark = [pytest.mark.django_db, pytest.mark.libreoffice]
TIMEOUT = 240  # seconds, for a busy machine
LANGUAGES = ("en-US", "de-DE")
# LibreOffice's language of numbers, dates and booleans. Its pages are in English either way.
REGISTRY = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"><item oor:path="/org.openoffice.Setup/L10N">
<prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>{}</value></prop></item></oor:items>
"""
# Separator, quotation mark, UTF-8, first line, columns, the profile's language, …
READ = "CSV:{separator},34,76,1,,0,false,{detects}"  # quoted cells are no text; also look for dates and booleans
WRITE = "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true,false"  # with semicolons; cells as they are shown
Convert = Callable[..., bytes]
IDS = (
    *("007", "01", "1e5", "5E2", "1E-3", "12345678901234567890", "2024-01-15", "3-4-24", "1-2", "MAR1", "jan-24"),
    *("true", "WAHR", "0x1F", "INF", "nan", "1_2", "3_000", "a-007", "skills"),
)
NAMES = (
    *("00:30", "24:00", "12:30 PM", "12.30", "1:2:3", "3.10.", "3.10.2024", "10/3", "1/2", "5. Mai", "Mai 5", "2 Jan"),
    *("TRUE", "WAHR", "falsch", "ja", "NULL", "=1+1", "+49 30 1234", "-5", "--5", "5-", "@x", "=", "'", "''x", "'q'"),
    *("1,5", "1.5", "1.234.567", "1 000", "1'000", "0,5 kg", "5 %", "%5", "50%", "5 €", "$5", "(5)", "1 1/2", "½"),
    *("١٢٣", "１２", "1e400", "#NAME?", "#REF!", "{1}", '"quoted"', "it's", "a;b", "a,b", "a|b", "  two  spaces "),
    *("http://x.example/?a=1&b=2", "a@b.example", "Zoë – “x”", "ABC\nsecond line", "\nx", "x" * 200),
)


@pytest.fixture(scope="module")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Create a profile per language, which the conversions share: LibreOffice fills a new one for seconds."""
    profiles = {language: tmp_path_factory.mktemp(language) for language in LANGUAGES}
    for language, profile in profiles.items():
        (profile / "user").mkdir()
        (profile / "user" / "registrymodifications.xcu").write_text(REGISTRY.format(language))
    return profiles


@pytest.fixture
def convert(profiles: dict[str, Path], tmp_path: Path) -> Convert:
    """Return a function that opens a CSV file in LibreOffice, saves it as a workbook, and that one as CSV."""

    def run(language: str, file: Path, *arguments: str) -> None:
        profile = f"-env:UserInstallation={profiles[language].as_uri()}"
        command = ["soffice", "--headless", profile, *arguments, "--outdir", str(tmp_path), str(file)]
        subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT)

    def convert(content: bytes, *, language: str, workbook: str, detects: bool = True, separator: str = ",") -> bytes:
        source = tmp_path / "catalogue.csv"
        source.write_bytes(content)
        read = READ.format(separator=ord(separator), detects=str(detects).lower())
        run(language, source, f"--infilter={read}", "--convert-to", workbook)
        source.unlink()
        run(language, tmp_path / f"catalogue.{workbook}", "--convert-to", WRITE)
        return source.read_bytes()

    return convert


@pytest.mark.parametrize(
    ("language", "workbook", "detects"),
    [("en-US", "ods", True), ("en-US", "xlsx", False), ("de-DE", "ods", False), ("de-DE", "xlsx", True)],
)
def test_export_survives_libreoffice(convert: Convert, language: str, workbook: str, detects: bool) -> None:
    customer = rows.make_customer("Northwind Retail", id="cus_1e5")
    for key in IDS:
        rows.make_package(key, description=f"'{key}")
    for number, name in enumerate(NAMES):
        rows.make_package(f"name-{number}", name=name, description=name)
    rules = (
        {"customer": customer, "requester": "@x.example", "country": "DE", "region": "01", "city": "1e5"},
        {"remote": True, "fields": {"department": "=1+1", "level": "007"}},
        {"remote": False},
    )
    rows.make_package("shop", assessments=("01", "1-2", "true"), rules=rules, expires_after_days=14, delivery="manual")
    Package.objects.filter(pk="01").update(retired_at="2026-01-01T00:00Z")
    content = convert(plan.export_catalogue("csv"), language=language, workbook=workbook, detects=detects)
    import_plan = plan.build_plan(content, retire_missing=True)
    assert (import_plan.problems, import_plan.warnings, import_plan.drafts) == ([], [], [])
    assert import_plan.counts["unchanged"] == len(IDS) + len(NAMES) + 1


def warn_of_all(pairs: Sequence[tuple[str, str]]) -> list[Problem]:
    return [warn_of(old, new, line) for line, (old, new) in enumerate(pairs, start=2)]


@pytest.mark.parametrize(
    ("language", "long_number", "is_retired"),
    [("en-US", "1.23456789012346E+019", "TRUE"), ("de-DE", "1,23456789012346E+019", "WAHR")],
)
def test_ids_that_libreoffice_turned_into_numbers_are_warned_of(
    convert: Convert, language: str, long_number: str, is_retired: str
) -> None:
    changed = [("007", "7"), ("1e5", "100000"), ("12345678901234567890", long_number), ("000", "0"), ("5E2", "500")]
    for old, _ in changed:
        rows.make_package(old)
    lines = "".join(f"{old},SKILL_TEST,Name,{is_retired.lower()}\n" for old, _ in changed)
    typed = f"package,type,name,retired\n{lines}".encode()
    content = convert(typed, language=language, workbook="xlsx")
    assert content.decode().splitlines()[1] == f"7;SKILL_TEST;Name;{is_retired}"
    assert plan.build_plan(content, retire_missing=False).warnings == warn_of_all(changed)


@pytest.mark.parametrize("workbook", ["ods", "xlsx"])
@pytest.mark.parametrize(
    "typed",
    [
        "package;type;name;invite_candidate;expires_after_days\nshop;SKILL_TEST;Shop;falsch;14\n",
        "\n;;\nPackage;TYPE;Name;;Invite Candidate;;Expires after days\nshop;SKILL_TEST;Shop;;falsch;;14\n",
        ";package;type;name;invite_candidate;expires_after_days;;\n;shop;SKILL_TEST;Shop;0;14;;\n;;;;;;;\n",
    ],
)
def test_table_that_was_typed_in_german_libreoffice_is_understood(convert: Convert, typed: str, workbook: str) -> None:
    content = convert(typed.encode(), language="de-DE", workbook=workbook, separator=";")
    import_plan = plan.build_plan(content, retire_missing=False)
    assert (import_plan.problems, [dict(draft) for draft in import_plan.drafts]) == ([], [SHOP])
