"""The catalogue as a file, by staff."""

import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from assessments.models import Package
from assessments.transfer import plan
from integrations.models import AuditEntry
from tests import rows

pytestmark = pytest.mark.django_db
PAGE = "/admin/assessments/package/import/"
LIST = "/admin/assessments/package/"


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def upload(desk: Browser, content: str, **fields: str) -> Any:
    return desk.post(PAGE, {"file": SimpleUploadedFile("catalogue.csv", content.encode()), **fields})


def apply(desk: Browser, looked_at: Any) -> Any:
    """Press the button of the page that shows what would change."""
    form = looked_at.content.decode().split('class="choices"')[1].split("</form>")[0]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    return desk.post(PAGE, hidden)


def test_file_is_shown_first_and_then_applied(desk: Browser) -> None:
    for name in ("skills", "other"):
        rows.make_package(name)
    looked_at = upload(desk, "package,name\nskills,Ünïted\n", retire_missing="on")
    page = text(looked_at)
    assert "0 created, 1 updated, 1 retired, 0 unchanged." in page
    assert "<del>Package skills</del></td><td><ins>Ünïted</ins>" in page
    assert Package.objects.get(pk="skills").name == "Package skills"
    assert apply(desk, looked_at)["Location"] == LIST
    assert list(Package.objects.filter(retired_at=None).values_list("pk", "name")) == [("skills", "Ünïted")]
    counts = {"created": 0, "updated": 1, "retired": 1, "unchanged": 0}
    assert AuditEntry.objects.get(action="catalogue.imported").detail == {"counts": counts}


@pytest.mark.parametrize("form", ["csv", "json"])
def test_export_that_comes_back_has_nothing_to_do(desk: Browser, form: str) -> None:
    rows.make_package("skills", assessments=("logic",), rules=({"country": "DE"},))
    answer = desk.get(f"{LIST}export/{form}/")
    assert re.fullmatch(rf'attachment; filename="catalogue-[0-9-]+\.{form}"', answer["Content-Disposition"])
    page = text(upload(desk, answer.content.decode()))
    assert "The file says what is stored already: there is nothing to do." in page
    assert "Apply" not in page


def test_wrong_file_is_told_with_its_lines(desk: Browser) -> None:
    rows.make_package("skills")
    page = text(upload(desk, "package,expires_after_days\nskills,<b>\n"))
    assert "1 to mend in the file; nothing was changed" in page
    assert "<td>2</td><td><code>expires_after_days</code></td><td>Send a whole number from 1 to 3650.</td>" in page


@pytest.mark.parametrize("fields", [{}, {"content": "%"}, {"content": ""}])
def test_post_without_a_file_asks_for_one(desk: Browser, fields: dict[str, str]) -> None:
    assert "Choose a file." in text(desk.post(PAGE, fields))


def test_file_that_is_too_large_is_refused(desk: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MAX_BYTES", 10)
    assert "The file is larger than 8 MB" in text(upload(desk, "package,name\n"))


def test_catalogue_that_moved_is_shown_again(desk: Browser) -> None:
    rows.make_package("skills")
    looked_at = upload(desk, "package,name\nskills,New\n")
    Package.objects.update(name="Meanwhile")
    page = text(apply(desk, looked_at))
    assert "The catalogue has changed since." in page
    assert "<del>Meanwhile</del>" in page
    assert Package.objects.get().name == "Meanwhile"


def test_viewers_export_and_do_not_import(desk: Browser) -> None:
    browser = Browser()
    browser.force_login(rows.make_user(None, "vera@vendor.example", role="viewer"))
    found = [browser.get(f"{LIST}{path}").status_code for path in ("export/json/", "export/xml/", "import/")]
    assert found == [200, 404, 403]
    assert [f'href="{PAGE}"' in text(each.get(LIST)) for each in (desk, browser)] == [True, False]
    assert json.loads(browser.get(f"{LIST}export/json/").content) == {"packages": []}
