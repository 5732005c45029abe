"""Tests of the CSV and JSON formats and of import plans."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from assessments import catalogue
from assessments.models import Package, Rule
from assessments.transfer import plan
from assessments.transfer.diff import Difference
from integrations.models import AuditEntry, Customer, PartnerConfiguration
from tests import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def stored(customer: Customer) -> Package:
    """Create a package with every key filled, and text that a spreadsheet would run as a formula."""
    rules = (
        {"customer": customer, "country": "DE", "remote": False, "fields": {"department": "Sales; =1+1"}},
        {"requester": "@northwind.example"},
        {},
    )
    keys = {"remind_after_days": 3, "expires_after_days": 14, "invite_candidate": False, "delivery": "manual"}
    package = rows.make_package("skills", assessments=("logic", "typing"), rules=rules, **keys)
    Package.objects.filter(pk="skills").update(name='=HYPERLINK("http://evil.example")', description='\'=a\nb, "ü"')
    rows.make_package("other")
    return package


def plan_import(content: str | bytes, **options: bool) -> plan.Plan:
    content = content.encode() if isinstance(content, str) else content
    return plan.build_plan(content, **{"retire_missing": False, **options})


def test_json_has_the_keys_of_the_engine_api_and_of_staff(stored: Package, customer: Customer) -> None:
    assert json.loads(plan.export_catalogue("json"))["packages"][1] == {
        "id": "skills",
        "type": "SKILL_TEST",
        "name": '=HYPERLINK("http://evil.example")',
        "description": '\'=a\nb, "ü"',
        "delivery": "manual",
        "invite_candidate": False,
        "expires_after_days": 14,
        "retired": False,
        "remind_after_days": 3,
        "assessments": [
            {"id": "logic", "type": "SKILL_TEST", "name": "Assessment logic", "description": ""},
            {"id": "typing", "type": "SKILL_TEST", "name": "Assessment typing", "description": ""},
        ],
        "rules": [
            {"customer": customer.pk, "country": "DE", "remote": False, "fields": {"department": "Sales; =1+1"}},
            {"requester": "@northwind.example"},
            {},
        ],
    }


def test_csv_has_no_cell_that_a_spreadsheet_would_run(stored: Package) -> None:
    text = plan.export_catalogue("csv").decode("utf-8-sig")
    assert '"\'=HYPERLINK(""http://evil.example"")"' in text
    assert '"\'\'=a\nb, ""ü"""' in text
    assert '"\'@northwind.example"' in text


@pytest.mark.parametrize("form", ["csv", "json"])
def test_import_of_an_export_changes_nothing(stored: Package, form: str) -> None:
    import_plan = plan_import(plan.export_catalogue(form), retire_missing=True)
    assert (import_plan.problems, import_plan.drafts) == ([], [])
    assert import_plan.counts == {"created": 0, "updated": 0, "retired": 0, "unchanged": 2}


@pytest.mark.parametrize("form", ["csv", "json"])
def test_export_makes_the_same_catalogue_elsewhere(stored: Package, form: str) -> None:
    Package.objects.filter(pk="other").update(retired_at="2026-01-01T00:00Z")
    content, before = plan.export_catalogue(form), plan.export_catalogue("json")
    Package.objects.all().delete()
    import_plan = plan_import(content)
    plan.apply_plan(content, retire_missing=False, expected_digest=import_plan.digest)
    assert (import_plan.counts["created"], plan.export_catalogue("json")) == (2, before)


def test_plan_lists_changes_field_by_field(stored: Package, customer: Customer) -> None:
    package = json.loads(plan.export_catalogue("json"))["packages"][1]
    package |= {"name": "Skills", "expires_after_days": None, "remind_after_days": None}
    package["assessments"] = [
        {"id": "typing", "description": "Three minutes"},
        {"id": "speech", "type": "SKILL_TEST", "name": "Speech"},
    ]
    package["rules"] = [*package["rules"][1:], {"customer": customer.pk, "city": "Oslo"}]
    import_plan = plan_import(json.dumps({"packages": [package]}))
    [change] = import_plan.changes
    assert (change.id, change.kind) == ("skills", "updated")
    assert change.differences == [
        Difference("name", '=HYPERLINK("http://evil.example")', "Skills"),
        Difference("remind_after_days", "3", ""),
        Difference("expires_after_days", "14", ""),
        Difference("assessments.logic", "Assessment logic", ""),
        Difference("assessments.typing.description", "", "Three minutes"),
        Difference("assessments.speech", "", "Speech"),
        Difference("rules", f"country = DE, customer = {customer.pk}, department = Sales; =1+1, remote = false", ""),
        Difference("rules", "", f"city = Oslo, customer = {customer.pk}"),
    ]


def test_plan_changes_nothing_and_apply_makes_its_changes(stored: Package) -> None:
    content = b'package,name,type\r\nskills,Skills,\r\nnew,"New, one",SKILL_TEST\r\n'
    before = plan.export_catalogue("json")
    import_plan = plan_import(content, retire_missing=True)
    assert plan.export_catalogue("json") == before
    assert [(change.id, change.kind) for change in import_plan.changes] == [
        ("skills", "updated"),
        ("new", "created"),
        ("other", "retired"),
    ]
    counted: list[tuple[int, int]] = []
    plan.apply_plan(
        content,
        retire_missing=True,
        expected_digest=import_plan.digest,
        write_progress=lambda *each: counted.append(each),
    )
    names = dict(Package.objects.filter(retired_at=None).values_list("pk", "name"))
    assert (names, counted) == ({"skills": "Skills", "new": "New, one"}, [(3, 3)])
    assert (Rule.objects.count(), stored.assessments.count()) == (3, 2)  # not in the file, so they stay


def test_retired_package_comes_back_or_goes_by_its_own_word(stored: Package) -> None:
    catalogue.retire_packages("other")
    import_plan = plan_import("package,retired\nother,FALSE\nskills,TRUE\n")
    assert [(change.id, change.kind, change.differences) for change in import_plan.changes] == [
        ("other", "updated", [Difference("retired", "true", "false")]),
        ("skills", "retired", [Difference("retired", "false", "true")]),
    ]


def test_removing_all_rules_is_shown_as_visible_to_all(stored: Package) -> None:
    [change] = plan_import('{"packages": [{"id": "skills", "rules": []}]}').changes
    assert change.differences[-1] == Difference("rules", "3 of them", "none: every customer sees the package")


def test_rules_in_another_order_are_the_same(stored: Package) -> None:
    package = json.loads(plan.export_catalogue("json"))["packages"][1]
    package["rules"].reverse()
    assert plan_import(json.dumps({"packages": [package]})).counts["unchanged"] == 1


@pytest.mark.parametrize(
    ("content", "line", "field", "message"),
    [
        ("", 1, "", "The file is empty. Its first line must name the columns: record, package,"),
        ("package,colour\n", 1, "", "Unknown column “colour”. Known columns:"),
        ("name\nx\n", 1, "", "The column “package” is missing"),
        ("package,name,name\n", 1, "", "A column is repeated."),
        ("package,name\nskills,a,b\n", 2, "", "Too many cells: expected 2, found 3."),
        ("package,name\n\n\nskills,\"\n\n\"\nnew,New\n", 7, "type", "Required for a new entry."),
        ("package\northo,x,", 2, "", "Too many cells: expected 1, found 2."),
        ("package,,name\northo,x,Ortho", 2, "", "Column 2 has no heading: write one, or empty the column."),
        ("sep=;\n\npackage;colour\n", 3, "", "Unknown column “colour”. Known columns:"),
        ("sep=;\n\npackage;name\n\nnew;New\n", 5, "type", "Required for a new entry."),
        ("package,type,name,retired\nnew,SKILL_TEST,New,2\n", 2, "retired", "Send true or false."),
        ("record,package\nparcel,skills\n", 2, "", "Unknown record “parcel”. Write package, assessment or rule."),
        ("record,package,country\nrule,skills,DE\n", 2, "", "Put this line below the line of the package “skills”."),
        ("record,package\npackage,skills\nrule,skills\n", 3, "", "This line needs one of these columns: customer,"),
        ("record,package,country\npackage,skills,\nrule,other,DE\n", 3, "", "Put this line below the line of"),
        ("record,package,customer\npackage,skills,\nrule,skills,cus_x\n", 3, "rules.0.customer", "There is no "),
        ("record,package,assessment\npackage,skills,\nassessment,skills,a b\n", 3, "assessments.0.id", "Send 1 to 64"),
        ("record,package,country\npackage,skills,DE\n", 2, "country", "There is no such key here; the keys are id,"),
        ("package,expires_after_days\nskills,a week\n", 2, "expires_after_days", "Send a whole number from 1 to 3650."),
        ("package,expires_after_days,remind_after_days\nskills,7,7\n", 2, "remind_after_days", "The order has expired"),
        ("package,type\nskills,CHESS\n", 2, "type", "Send one of BACKGROUND_CHECK"),
        ("package,name\nskills,A\nskills,B\n", 3, "id", "The package “skills” is repeated in the file."),
        ("package,name\norders,A\n", 2, "id", "“orders” is reserved; choose another id."),
        ("record,package,fields\npackage,skills,\nrule,skills,a=b\n", 3, "", "Write fields as {"),
        ('{"packages": [\n{"id": "skills"},\n{"id": "orders"}]}', 3, "id", "“orders” is reserved"),
        ('{"packages": [\n{"id": "skills"}\n{"id": "orders"}]}', 3, "", "This is not valid JSON: Expecting"),
        ('{"packages": [{"id": "skills"},\n\n 7]}', 3, "", "A package must be an object"),
        ('{"package": []}', 1, "", 'The file must be {"packages": […]}'),
        ("[]", 1, "", 'The file must be {"packages": […]}'),
        ('{"packages": [{"id": "skills", "colour": "red"}]}', 1, "colour", "There is no such key here"),
    ],
)  # fmt: skip
def test_problem_names_its_line(stored: Package, content: str, line: int, field: str, message: str) -> None:
    import_plan = plan_import(content)
    first = import_plan.problems[0]
    assert (first.line, first.field, first.message[: len(message)]) == (line, field, message)


@pytest.mark.parametrize(
    "content",
    [
        "package,name\nskills,Prüfung\n".encode("latin-1"),
        "package,name\nskills,Prüfung\n".encode("utf-16"),
        b"PK\x03\x04\0\0",
        b"package,name\nskills,a\0b\n",
        b"\0",
    ],
)
def test_file_that_is_not_utf8_is_refused(db: None, content: bytes) -> None:
    [problem] = plan_import(content).problems
    assert problem.message == "The file is not UTF-8; save it as “CSV UTF-8”."


def test_type_that_is_not_published_is_refused(stored: Package) -> None:
    rows.configure_partner(supported_types=["SKILL_TEST"])
    [problem] = plan_import("package,type\nskills,VIDEO_INTERVIEW\n").problems
    assert problem.message == "This type is not published. The partner configuration contains SKILL_TEST."


@pytest.mark.parametrize("form", ["csv", "json"])
def test_stored_type_that_is_published_no_longer_comes_back(stored: Package, form: str) -> None:
    rows.configure_partner(supported_types=["VIDEO_INTERVIEW"])
    assert plan_import(plan.export_catalogue(form)).counts["unchanged"] == 2


def test_changed_catalogue_is_not_overwritten(stored: Package) -> None:
    content = b"package,name\nskills,Skills\n"
    import_plan = plan_import(content)
    Package.objects.update(name="Renamed meanwhile")
    with pytest.raises(plan.CatalogueChangedError):
        plan.apply_plan(content, retire_missing=False, expected_digest=import_plan.digest)
    assert set(Package.objects.values_list("name", flat=True)) == {"Renamed meanwhile"}


@pytest.mark.parametrize("count", [1, 3])
def test_plan_takes_as_many_queries_for_one_as_for_three(
    customer: Customer, count: int, django_assert_num_queries: Any
) -> None:
    PartnerConfiguration.load()
    for number in range(count):
        rows.make_package(f"p{number}", assessments=("a", "b"), rules=({"customer": customer},) * count)
    content = plan.export_catalogue("csv")
    with django_assert_num_queries(5):  # packages, assessments, rules, customers, their assessments
        assert plan_import(content).counts["unchanged"] == count


def run_command(*arguments: str) -> tuple[str, str]:
    out, errors = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=errors)
    return out.getvalue(), errors.getvalue()


def test_commands_export_and_import(stored: Package, tmp_path: Path) -> None:
    for name in ("catalogue.csv", "catalogue.json"):
        run_command("export_catalogue", str(tmp_path / name))
        nothing = "0 created, 0 updated, 0 retired, 2 unchanged (nothing was changed; use --apply)\n"
        assert run_command("import_catalogue", str(tmp_path / name)) == (nothing, "2 of 2 checked\n")
    assert run_command("export_catalogue")[0].encode() == (tmp_path / "catalogue.json").read_bytes()


def test_command_shows_and_then_applies(stored: Package, tmp_path: Path) -> None:
    file = tmp_path / "names.csv"
    file.write_text("package,name\nother,Other\n")
    output, _ = run_command("import_catalogue", str(file))
    assert output.startswith("updated other (Other)\n  name: Package other → Other\n0 created, 1 updated, 0 retired")
    assert Package.objects.get(pk="other").name == "Package other"
    run_command("import_catalogue", str(file), "--apply")
    assert Package.objects.get(pk="other").name == "Other"
    entry = AuditEntry.objects.get(action="catalogue.imported")
    assert entry.detail == {"counts": {"created": 0, "updated": 1, "retired": 0, "unchanged": 0}}


def test_command_refuses_a_wrong_file_with_its_lines(stored: Package, tmp_path: Path) -> None:
    file = tmp_path / "names.csv"
    file.write_text("package,expires_after_days\nother,soon\nskills,0\n")
    errors = StringIO()
    with pytest.raises(CommandError, match="2 to correct; nothing was changed"):
        call_command("import_catalogue", str(file), "--apply", stderr=errors)
    output = [line.partition(": Send ")[0] for line in errors.getvalue().splitlines()[1:]]
    assert output == ["line 2: expires_after_days", "line 3: expires_after_days"]
