"""Tests of catalogue files that went through a spreadsheet."""

import csv
import io
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from hypothesis import given, settings
from hypothesis import strategies as st

from assessments.models import Package
from assessments.transfer import plan, spreadsheets
from assessments.transfer.plan import Problem
from tests import rows
from tests.assessments.admin.test_transfer import page_text, press_apply, upload_file

pytestmark = pytest.mark.django_db
SHOP = {
    "id": "shop",
    "type": "SKILL_TEST",
    "name": "Shop",
    "invite_candidate": False,
    "expires_after_days": 14,
}


def read_drafts(text: str) -> list[dict[str, Any]]:
    """Return what the file says, after a check that it has no problems."""
    import_plan = plan.build_plan(text.encode(), retire_missing=False)
    assert import_plan.problems == []
    return [dict(draft) for draft in import_plan.drafts]


@pytest.mark.parametrize(
    "text",
    [
        "package,type,name,invite_candidate,expires_after_days\nshop,SKILL_TEST,Shop,false,14\n",
        "\ufeffpackage;type;name;invite_candidate;expires_after_days\r\nshop; SKILL_TEST ;Shop;FALSCH;14\r\n",
        "package\ttype\tname\tinvite_candidate\texpires_after_days\nshop\tSKILL_TEST\tShop\tFALSE\t14\n",
        "package|type|name|invite_candidate|expires_after_days\nshop|SKILL_TEST|Shop|FAUX|14\n",
        "sep=;\r\npackage;type;name;invite_candidate;expires_after_days\r\nshop;SKILL_TEST;Shop;0;14\r\n",
        "\ufeffSEP=,\npackage,type,name,invite_candidate,expires_after_days\nshop,SKILL_TEST,Shop,0,14\n",
        '"sep=;"\npackage;type;name;invite_candidate;expires_after_days\nshop;SKILL_TEST;Shop;FALSO;14\n',
        "sep=\t\npackage\ttype\tname\tinvite_candidate\texpires_after_days\nshop\tSKILL_TEST\tShop\tfalse\t14\n",
        "sep=;;;;;\npackage;type;name;invite_candidate;expires_after_days\nshop;SKILL_TEST;Shop;0;14\n",
        "sep=^\npackage^type^name^invite_candidate^expires_after_days\nshop^SKILL_TEST^Shop^0^14\n",
        "package;type;name;invite_candidate;expires_after_days;;\nshop;SKILL_TEST;Shop;0;14;;\n",
        "package;;type;name;invite_candidate;expires_after_days\nshop; ;SKILL_TEST;Shop;0;14\n",
        "package;type;name;invite_candidate;expires_after_days\nshop;SKILL_TEST;Shop;0;14;;;\n;;;;\n",
        "\npackage,type,name,invite_candidate,expires_after_days\nshop,SKILL_TEST,Shop,0,14\n",
        " ; ;;\r\n;;;\r\npackage;type;name;invite_candidate;expires_after_days\r\nshop;SKILL_TEST;Shop;0;14\r\n",
        '"",""\n"package","type","name","invite_candidate","expires_after_days"\nshop,SKILL_TEST,Shop,0,14\n',
        "PACKAGE,TYPE,NAME,INVITE_CANDIDATE,EXPIRES_AFTER_DAYS\nshop,SKILL_TEST,Shop,false,14\n",
        "Package,Type,Name,Invite candidate,Expires after  days\nshop,SKILL_TEST,Shop,false,14\n",
        " package\u00a0,type,name,invite_candidate,expires_after_days\rshop,SKILL_TEST,Shop,false,14\r",
    ],
)  # fmt: skip
def test_file_of_a_spreadsheet_is_understood(text: str) -> None:
    assert read_drafts(text) == [SHOP]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("TRUE", True),
        ("WAHR", True),
        ("wahr ", True),
        ("1", True),
        ("VRAI", True),
        ("PRAWDA", True),
        ("FALSE", False),
        ("FALSCH", False),
        ("Falsch", False),
        ("0", False),
        ("FAŁSZ", False),
        ("onwaar", False),
    ],
)
@pytest.mark.parametrize("column", ["invite_candidate", "retired"])
def test_booleans_of_a_spreadsheet_are_understood(cell: str, value: bool, column: str) -> None:
    [draft] = read_drafts(f"package,type,name,{column}\nshop,SKILL_TEST,Shop,{cell}\n")
    assert draft == {"id": "shop", "type": "SKILL_TEST", "name": "Shop", column: value}


def test_boolean_of_a_rule_is_understood() -> None:
    lines = ["record;package;type;name;remote", "package;shop;SKILL_TEST;Shop;", "rule;shop;;;WAHR"]
    assert read_drafts("\n".join(lines))[0]["rules"] == [{"remote": True}]


@pytest.mark.parametrize("cell", ["2", "10", "yes", "1,0", "-1"])
def test_other_words_are_no_booleans(cell: str) -> None:
    content = f'package,type,name,retired\nshop,SKILL_TEST,Shop,"{cell}"\n'.encode()
    assert plan.build_plan(content, retire_missing=False).problems == [Problem(2, "retired", "Send true or false.")]


@pytest.mark.parametrize(
    "text",
    [
        "007", "1e5", "12345678901234567890", "01", "0", "00:30", "12:30:00 AM", "1-2", "2024-01-15", "15.01.2024",
        "02. Jan", "MAR1", "Sept 2", "3 Mai", "5 %", "€ 5", "EUR 5", "5 a",
        "1,5", "1/2", "(5)", "TRUE", "wahr", "'007", "''1e5", " 7",
        "=1+1", "+1", "-1", "@a", "\tx", "\r", "\n", "＝1", "'=a",
    ],
)  # fmt: skip
def test_text_that_a_spreadsheet_would_change_is_guarded(text: str) -> None:
    assert (spreadsheets.guard_text(text), spreadsheets.unguard_text(f"'{text}")) == (f"'{text}", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "skills",
        "a-007",
        "Excel 2019",
        "3 days",
        "Marketing 5",
        "May",
        "'quoted'",
        "it's",
        "½",
        "p1",
        "e5",
        "T 1000",
    ],
)
def test_text_that_a_spreadsheet_keeps_is_not_guarded(text: str) -> None:
    assert (spreadsheets.guard_text(text), spreadsheets.unguard_text(text)) == (text, text)


@given(text=st.text(alphabet="='+-@\t\n\r\"',;aeé＝ 0179.:%TRUEwahrjn"))
@settings(max_examples=500)
def test_any_text_survives_its_guard(text: str) -> None:
    guarded = spreadsheets.guard_text(text)
    assert spreadsheets.unguard_text(guarded) == text
    assert guarded[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n", "＝")


def convert_cells(content: bytes, convert: Callable[[str], str]) -> bytes:
    """Return the CSV file with each cell as a spreadsheet writes it."""
    lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([convert(cell) for cell in cells] for cells in lines)
    return out.getvalue().encode()


def convert_cell(cell: str) -> str:
    """Convert what the product's own guard left alone, as a German spreadsheet does."""
    words = {"true": "WAHR", "false": "FALSCH", "007": "7", "1e5": "100000", "01": "1", "00:30": "00:30:00"}
    return words.get(cell, cell)


def test_export_survives_a_spreadsheet() -> None:
    for key in ("007", "1e5", "12345678901234567890", "2024-01-15", "true"):
        rows.make_package(key, assessments=("01", "1-2"), rules=({"city": "1e5", "region": "01", "remote": True},))
    Package.objects.filter(pk="007").update(name="00:30", description="TRUE")
    content = convert_cells(plan.export_catalogue("csv"), convert_cell)
    import_plan = plan.build_plan(content, retire_missing=True)
    assert (import_plan.problems, import_plan.warnings, import_plan.drafts) == ([], [], [])


def test_numbers_and_booleans_are_exported_without_a_guard() -> None:
    rows.make_package("shop", expires_after_days=14, rules=({"remote": False},))
    text = plan.export_catalogue("csv").decode("utf-8-sig")
    lines = [list(filter(None, cells)) for cells in csv.reader(io.StringIO(text, newline=""))]
    assert lines[1:] == [
        ["package", "shop", "SKILL_TEST", "Package shop", "engine", "true", "14", "false"],
        ["rule", "shop", "false"],
    ]


def warn_of(old: str, new: str, line: int, effect: str = "", field: str = "id") -> Problem:
    message = (
        f"Did a spreadsheet turn “{old}” into “{new}”? “{old}” is stored but not in the file{effect}. "
        f"If so, format the column as text and write “{old}” again."
    )
    return Problem(line, field, message)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("007", "7"),
        ("1e5", "100000"),
        ("12345678901234567890", "12345678901234500000"),  # Excel
        ("1234567890123456789", "1234567890123460000"),  # LibreOffice rounds
        ("12345678901234567890", "1.23456789012346E+019"),  # LibreOffice
        ("12345678901234567890", "1,23457E+19"),  # German Excel
        ("1e5", "1,00E+05"),
        ("1-2", "2-Jan"),
        ("1-2", "02. Jan"),
        ("2024-01", "Jan-24"),
        ("2024-01-15", "15.01.2024"),
        ("2024-01-15", "1/15/2024"),
        ("MAR1", "1. Mrz"),
        ("sept2", "2-Sep"),
        ("true", "WAHR"),
    ],
)
def test_id_that_a_spreadsheet_turned_into_a_number_is_a_warning(old: str, new: str) -> None:
    rows.make_package(old)
    content = f'package,type,name\n"{new}",SKILL_TEST,Name\n'.encode()
    assert plan.build_plan(content, retire_missing=False).warnings == [warn_of(old, new, 2)]


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        (["007"], ["007"]),
        (["007"], ["8"]),
        (["7", "007"], ["7"]),  # a file without one of two stored packages
        (["7", "007"], ["7", "007"]),
        (["skill7"], ["7"]),
        (["p-007"], ["p-7"]),
        (["123456"], ["123000"]),
        (["12345678901234567890"], ["12345678901234567891"]),
        (["1_2"], ["1-2"]),
        (["true"], ["1"]),
        (["100-200"], ["200-100"]),
        ([], ["7", "1e5", "2-Jan"]),
    ],
)
def test_other_ids_are_no_warning(stored: list[str], written: list[str]) -> None:
    for key in stored:
        rows.make_package(key)
    lines = [f"{key},SKILL_TEST,Name\n" for key in written]
    content = f"package,type,name\n{''.join(lines)}".encode()
    assert plan.build_plan(content, retire_missing=False).warnings == []


def test_warning_says_what_would_be_retired() -> None:
    for key in ("007", "008"):
        rows.make_package(key)
    Package.objects.filter(pk="008").update(retired_at="2026-01-01T00:00Z")
    content = b"package,type,name\n7,SKILL_TEST,A\n8,SKILL_TEST,B\n"
    import_plan = plan.build_plan(content, retire_missing=True)
    assert import_plan.warnings == [warn_of("007", "7", 2, ", and would be retired"), warn_of("008", "8", 3)]
    assert import_plan.counts == {"created": 2, "updated": 0, "retired": 1, "unchanged": 0}


def test_ids_that_became_the_same_are_a_problem_and_a_warning() -> None:
    for key in ("7", "007"):
        rows.make_package(key)
    import_plan = plan.build_plan(b"package,name\n7,A\n7,B\n", retire_missing=False)
    assert import_plan.problems == [Problem(3, "id", "The package “7” is repeated in the file.")]
    assert import_plan.warnings == [warn_of("007", "7", 2), warn_of("007", "7", 3)]


def test_assessment_ids_are_warned_of_in_each_package() -> None:
    for key in ("a", "b"):
        rows.make_package(key, assessments=("01", "logic"))
    lines = [f"package,{key},,,\nassessment,{key},1,SKILL_TEST,A\nassessment,{key},logic,,\n" for key in ("a", "b")]
    import_plan = plan.build_plan(
        f"record,package,assessment,type,name\n{''.join(lines)}".encode(), retire_missing=False
    )
    effect = ", and would be removed"
    assert import_plan.warnings == [
        warn_of("01", "1", 3, effect, "assessments.id"),
        warn_of("01", "1", 6, effect, "assessments.id"),
    ]


def test_json_file_is_warned_of_too() -> None:
    rows.make_package("007")
    content = b'{"packages": [{"id": "7", "type": "SKILL_TEST", "name": "A"}]}'
    assert plan.build_plan(content, retire_missing=False).warnings == [warn_of("007", "7", 1)]


@pytest.fixture
def converted(tmp_path: Path) -> Path:
    """Store a package with the id 007, and return a file in which a spreadsheet made it 7."""
    rows.make_package("007")
    file = tmp_path / "catalogue.csv"
    file.write_text("package,type,name\n7,SKILL_TEST,Seven\n")
    return file


def test_command_warns_and_does_not_apply(converted: Path) -> None:
    errors = StringIO()
    call = ("import_catalogue", str(converted), "--apply", "--retire-missing")
    with pytest.raises(CommandError) as refused:
        call_command(*call, stdout=StringIO(), stderr=errors)
    assert str(refused.value) == "Nothing was changed. Correct what the warnings name, or use --accept-warnings."
    warning = warn_of("007", "7", 2, ", and would be retired").message
    assert errors.getvalue().splitlines() == ["1 of 1 checked", f"warning, line 2: id: {warning}"]
    assert list(Package.objects.values_list("pk", "retired_at")) == [("007", None)]


def test_command_shows_a_warning_without_apply(converted: Path) -> None:
    errors, out = StringIO(), StringIO()
    call_command("import_catalogue", str(converted), stdout=out, stderr=errors)
    assert errors.getvalue().splitlines()[1] == f"warning, line 2: id: {warn_of('007', '7', 2).message}"
    assert out.getvalue().splitlines()[-1].startswith("1 created, 0 updated, 0 retired, 0 unchanged (nothing was")


def test_command_applies_what_a_person_has_accepted(converted: Path) -> None:
    call_command(
        "import_catalogue", str(converted), "--apply", "--accept-warnings", stdout=StringIO(), stderr=StringIO()
    )
    assert list(Package.objects.order_by("pk").values_list("pk", flat=True)) == ["007", "7"]


def test_admin_warns_and_applies_after_a_tick(staff_browser: Browser, converted: Path) -> None:
    preview = upload_file(staff_browser, converted.read_text(), retire_missing="on")
    page = page_text(preview)
    message = warn_of("007", "7", 2, ", and would be retired").message
    assert f"<td>2</td><td><code>id</code></td><td>{message}</td>" in page
    assert "1 id that a spreadsheet may have changed" in page
    refused = page_text(press_apply(staff_browser, preview))
    assert "Nothing was changed: confirm that the ids are right, or correct the file." in refused
    assert Package.objects.filter(retired_at=None).get().pk == "007"
    applied = staff_browser.post(preview.request["PATH_INFO"], {"accept_warnings": "on"}, follow=True)
    assert "<strong>Imported:</strong> 1 created, 0 updated, 1 retired" in page_text(applied)
    assert Package.objects.filter(retired_at=None).get().pk == "7"


def test_admin_shows_a_warning_beside_the_problems(staff_browser: Browser) -> None:
    rows.make_package("007")
    page = page_text(upload_file(staff_browser, "package,name\n7,Seven\n"))
    assert "1 error in the file; nothing was changed" in page
    assert warn_of("007", "7", 2).message in page


def test_file_without_changed_ids_needs_no_tick(staff_browser: Browser) -> None:
    rows.make_package("007")
    preview = upload_file(staff_browser, "package,name\n007,Seven\n")
    assert "accept_warnings" not in page_text(preview)
    assert "<strong>Imported:</strong> 0 created, 1 updated" in page_text(press_apply(staff_browser, preview))
