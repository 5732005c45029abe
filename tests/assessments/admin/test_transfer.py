"""The catalogue as a file, by staff."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.utils import timezone

from assessments import imports
from assessments.models import CatalogueImport, Package
from assessments.transfer import plan
from integrations.models import AuditEntry
from integrations.outbox import clock, leases
from integrations.outbox.models import Stream
from tests import rows

pytestmark = pytest.mark.django_db
PAGE = "/admin/assessments/package/import/"
LIST = "/admin/assessments/package/"
REFRESH = '<meta http-equiv="refresh" content="1">'


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def upload(desk: Browser, content: str, **fields: str) -> Any:
    """The page that follows: what would change, or how far it is."""
    return desk.post(PAGE, {"file": SimpleUploadedFile("catalogue.csv", content.encode()), **fields}, follow=True)


def apply(desk: Browser, looked_at: Any) -> Any:
    """Press the button of the page that shows what would change."""
    assert "<button" in looked_at.content.decode().split('class="choices"')[1].split("</form>")[0]
    return desk.post(looked_at.request["PATH_INFO"], follow=True)


@pytest.fixture
def by_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is small enough for the page to do it itself."""
    monkeypatch.setattr(imports, "AT_ONCE", -1)


def test_file_is_shown_first_and_then_applied(desk: Browser) -> None:
    for name in ("skills", "other"):
        rows.make_package(name)
    looked_at = upload(desk, "package,name\nskills,Ünïted\n", retire_missing="on")
    page = text(looked_at)
    assert "0 created, 1 updated, 1 retired, 0 unchanged." in page
    assert "<del>Package skills</del></td><td><ins>Ünïted</ins>" in page
    assert Package.objects.get(pk="skills").name == "Package skills"
    assert "<strong>Imported:</strong> 0 created, 1 updated, 1 retired, 0 unchanged." in text(apply(desk, looked_at))
    assert list(Package.objects.filter(retired_at=None).values_list("pk", "name")) == [("skills", "Ünïted")]
    counts = {"created": 0, "updated": 1, "retired": 1, "unchanged": 0}
    entry = AuditEntry.objects.get(action="catalogue.imported")
    assert (entry.detail, entry.actor_name) == ({"counts": counts}, "stella@vendor.example")
    assert bytes(CatalogueImport.objects.get().content) == b""


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


def test_post_without_a_file_asks_for_one(desk: Browser) -> None:
    assert "Choose a file." in text(desk.post(PAGE))
    assert "The file is empty: choose another." in text(upload(desk, ""))


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


def test_large_file_shows_how_far_it_is(desk: Browser, by_worker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = upload(desk, "package,name,type\na,A,SKILL_TEST\nb,B,SKILL_TEST\n")
    waiting = text(begun)
    assert ("The file waits for its turn." in waiting, REFRESH in waiting) == (True, True)
    seen = []
    monkeypatch.setattr(plan, "CHUNK", 1)
    true_add = plan._add
    address = begun.request["PATH_INFO"]
    monkeypatch.setattr(plan, "_add", lambda *told: (seen.append(text(desk.get(address))), true_add(*told)))
    assert imports.work() == 1
    assert "<strong>1</strong> of 2 packages looked through." in seen[1]
    assert ('<progress max="2" value="1"' in seen[1], REFRESH in seen[1]) == (True, True)
    looked_at = desk.get(address)
    assert ("2 created, 0 updated" in text(looked_at), REFRESH in text(looked_at)) == (True, False)
    assert not Package.objects.exists()


def test_large_file_is_applied_by_a_worker(desk: Browser, by_worker: None) -> None:
    looked_at = upload(desk, "package,name,type\na,A,SKILL_TEST\n")
    imports.work()
    applying = text(apply(desk, desk.get(looked_at.request["PATH_INFO"])))
    assert ("it goes on without it" in applying, Package.objects.exists()) == (True, False)
    assert [imports.work(), imports.work()] == [1, 0]
    assert "<strong>Imported:</strong> 1 created" in text(desk.get(looked_at.request["PATH_INFO"]))
    assert Package.objects.get().name == "A"
    assert AuditEntry.objects.filter(action="catalogue.imported").count() == 1


def test_plan_is_applied_once(desk: Browser) -> None:
    looked_at = upload(desk, "package,name,type\na,A,SKILL_TEST\n")
    apply(desk, looked_at)
    assert "This is not waiting to be applied any more." in text(apply(desk, looked_at))
    assert AuditEntry.objects.filter(action="catalogue.imported").count() == 1


def test_file_with_problems_cannot_be_applied(desk: Browser) -> None:
    looked_at = upload(desk, "package,name\nnew,Name\n")
    page = text(desk.post(looked_at.request["PATH_INFO"], follow=True))
    assert "This is not waiting to be applied any more." in page
    assert not Package.objects.exists()


def test_file_that_breaks_us_is_not_begun_again(
    desk: Browser, by_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = upload(desk, "package,name\n")
    monkeypatch.setattr(plan, "_read", lambda content: 1 / 0)
    assert [imports.work(), imports.work()] == [1, 0]
    assert "Something went wrong here, and nothing was changed." in text(desk.get(begun.request["PATH_INFO"]))


def test_import_of_a_worker_that_died_is_begun_anew(desk: Browser, by_worker: None) -> None:
    begun = upload(desk, "package,name,type\na,A,SKILL_TEST\n")
    stream, _ = Stream.objects.get_or_create(name=imports.LEASE)
    leases.take(stream.pk, imports.LEASE_SECONDS)  # by the one who dies
    assert imports.work() == 0
    Stream.objects.update(lease_expires_at=clock.now())
    assert imports.work() == 1
    assert "1 created" in text(desk.get(begun.request["PATH_INFO"]))


def test_files_are_forgotten_after_a_day(desk: Browser) -> None:
    upload(desk, "package,name\n")
    imports.forget_old()
    assert CatalogueImport.objects.count() == 1
    CatalogueImport.objects.update(created_at=timezone.now() - timedelta(days=1, seconds=1))
    imports.forget_old()
    assert CatalogueImport.objects.count() == 0


def test_viewers_export_and_do_not_import(desk: Browser) -> None:
    browser = Browser()
    browser.force_login(rows.make_user(None, "vera@vendor.example", role="viewer"))
    found = [browser.get(f"{LIST}{path}").status_code for path in ("export/json/", "export/xml/", "import/")]
    assert found == [200, 404, 403]
    assert [f'href="{PAGE}"' in text(each.get(LIST)) for each in (desk, browser)] == [True, False]
    assert json.loads(browser.get(f"{LIST}export/json/").content) == {"packages": []}
