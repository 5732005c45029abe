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


def page_text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def upload_file(staff_browser: Browser, content: str, **fields: str) -> Any:
    """The page that follows: what would change, or how far it is."""
    return staff_browser.post(
        PAGE, {"file": SimpleUploadedFile("catalogue.csv", content.encode()), **fields}, follow=True
    )


def press_apply(staff_browser: Browser, looked_at: Any) -> Any:
    """Press the button of the page that shows what would change."""
    assert "<button" in looked_at.content.decode().split('class="choices"')[1].split("</form>")[0]
    return staff_browser.post(looked_at.request["PATH_INFO"], follow=True)


@pytest.fixture
def by_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is small enough for the page to do it itself."""
    monkeypatch.setattr(imports, "SYNC_MAX_BYTES", -1)


def test_file_is_shown_first_and_then_applied(staff_browser: Browser) -> None:
    for name in ("skills", "other"):
        rows.make_package(name)
    looked_at = upload_file(staff_browser, "package,name\nskills,Ünïted\n", retire_missing="on")
    page = page_text(looked_at)
    assert "0 created, 1 updated, 1 retired, 0 unchanged." in page
    assert "<del>Package skills</del></td><td><ins>Ünïted</ins>" in page
    assert Package.objects.get(pk="skills").name == "Package skills"
    assert "<strong>Imported:</strong> 0 created, 1 updated, 1 retired, 0 unchanged." in page_text(
        press_apply(staff_browser, looked_at)
    )
    assert list(Package.objects.filter(retired_at=None).values_list("pk", "name")) == [("skills", "Ünïted")]
    counts = {"created": 0, "updated": 1, "retired": 1, "unchanged": 0}
    entry = AuditEntry.objects.get(action="catalogue.imported")
    assert (entry.detail, entry.actor_name) == ({"counts": counts}, "stella@vendor.example")
    assert bytes(CatalogueImport.objects.get().content) == b""


@pytest.mark.parametrize("form", ["csv", "json"])
def test_export_that_comes_back_has_nothing_to_do(staff_browser: Browser, form: str) -> None:
    rows.make_package("skills", assessments=("logic",), rules=({"country": "DE"},))
    answer = staff_browser.get(f"{LIST}export/{form}/")
    assert re.fullmatch(rf'attachment; filename="catalogue-[0-9-]+\.{form}"', answer["Content-Disposition"])
    page = page_text(upload_file(staff_browser, answer.content.decode()))
    assert "The file says what is stored already: there is nothing to do." in page
    assert "Apply" not in page


def test_wrong_file_is_told_with_its_lines(staff_browser: Browser) -> None:
    rows.make_package("skills")
    page = page_text(upload_file(staff_browser, "package,expires_after_days\nskills,<b>\n"))
    assert "1 to mend in the file; nothing was changed" in page
    assert "<td>2</td><td><code>expires_after_days</code></td><td>Send a whole number from 1 to 3650.</td>" in page


def test_post_without_a_file_asks_for_one(staff_browser: Browser) -> None:
    assert "Choose a file." in page_text(staff_browser.post(PAGE))
    assert "The file is empty: choose another." in page_text(upload_file(staff_browser, ""))


def test_file_that_is_too_large_is_refused(staff_browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MAX_BYTES", 10)
    assert "The file is larger than 8 MB" in page_text(upload_file(staff_browser, "package,name\n"))


def test_catalogue_that_moved_is_shown_again(staff_browser: Browser) -> None:
    rows.make_package("skills")
    looked_at = upload_file(staff_browser, "package,name\nskills,New\n")
    Package.objects.update(name="Meanwhile")
    page = page_text(press_apply(staff_browser, looked_at))
    assert "The catalogue has changed since." in page
    assert "<del>Meanwhile</del>" in page
    assert Package.objects.get().name == "Meanwhile"


def test_large_file_shows_how_far_it_is(
    staff_browser: Browser, by_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = upload_file(staff_browser, "package,name,type\na,A,SKILL_TEST\nb,B,SKILL_TEST\n")
    waiting = page_text(begun)
    assert ("The file waits for its turn." in waiting, REFRESH in waiting) == (True, True)
    seen = []
    monkeypatch.setattr(plan, "CHUNK_SIZE", 1)
    true_add = plan._add_record
    address = begun.request["PATH_INFO"]
    monkeypatch.setattr(
        plan, "_add_record", lambda *told: (seen.append(page_text(staff_browser.get(address))), true_add(*told))
    )
    assert imports.run_next() == 1
    assert "<strong>1</strong> of 2 packages looked through." in seen[1]
    assert ('<progress max="2" value="1"' in seen[1], REFRESH in seen[1]) == (True, True)
    looked_at = staff_browser.get(address)
    assert ("2 created, 0 updated" in page_text(looked_at), REFRESH in page_text(looked_at)) == (True, False)
    assert not Package.objects.exists()


def test_large_file_is_applied_by_a_worker(staff_browser: Browser, by_worker: None) -> None:
    looked_at = upload_file(staff_browser, "package,name,type\na,A,SKILL_TEST\n")
    imports.run_next()
    applying = page_text(press_apply(staff_browser, staff_browser.get(looked_at.request["PATH_INFO"])))
    assert ("it goes on without it" in applying, Package.objects.exists()) == (True, False)
    assert [imports.run_next(), imports.run_next()] == [1, 0]
    assert "<strong>Imported:</strong> 1 created" in page_text(staff_browser.get(looked_at.request["PATH_INFO"]))
    assert Package.objects.get().name == "A"
    assert AuditEntry.objects.filter(action="catalogue.imported").count() == 1


def test_plan_is_applied_once(staff_browser: Browser) -> None:
    looked_at = upload_file(staff_browser, "package,name,type\na,A,SKILL_TEST\n")
    press_apply(staff_browser, looked_at)
    assert "This is not waiting to be applied any more." in page_text(press_apply(staff_browser, looked_at))
    assert AuditEntry.objects.filter(action="catalogue.imported").count() == 1


def test_file_with_problems_cannot_be_applied(staff_browser: Browser) -> None:
    looked_at = upload_file(staff_browser, "package,name\nnew,Name\n")
    page = page_text(staff_browser.post(looked_at.request["PATH_INFO"], follow=True))
    assert "This is not waiting to be applied any more." in page
    assert not Package.objects.exists()


def test_file_that_breaks_us_is_not_begun_again(
    staff_browser: Browser, by_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = upload_file(staff_browser, "package,name\n")
    monkeypatch.setattr(plan, "_read_records", lambda content: 1 / 0)
    assert [imports.run_next(), imports.run_next()] == [1, 0]
    assert "Something went wrong here, and nothing was changed." in page_text(
        staff_browser.get(begun.request["PATH_INFO"])
    )


def test_import_of_a_worker_that_died_is_begun_anew(staff_browser: Browser, by_worker: None) -> None:
    begun = upload_file(staff_browser, "package,name,type\na,A,SKILL_TEST\n")
    stream, _ = Stream.objects.get_or_create(name=imports.LEASE_NAME)
    leases.acquire(stream.pk, imports.LEASE_SECONDS)  # by the one who dies
    assert imports.run_next() == 0
    Stream.objects.update(lease_expires_at=clock.now())
    assert imports.run_next() == 1
    assert "1 created" in page_text(staff_browser.get(begun.request["PATH_INFO"]))


def test_files_are_forgotten_after_a_day(staff_browser: Browser) -> None:
    upload_file(staff_browser, "package,name\n")
    imports.delete_expired()
    assert CatalogueImport.objects.count() == 1
    CatalogueImport.objects.update(created_at=timezone.now() - timedelta(days=1, seconds=1))
    imports.delete_expired()
    assert CatalogueImport.objects.count() == 0


def test_viewers_export_and_do_not_import(staff_browser: Browser) -> None:
    browser = Browser()
    browser.force_login(rows.make_user(None, "vera@vendor.example", role="viewer"))
    found = [browser.get(f"{LIST}{path}").status_code for path in ("export/json/", "export/xml/", "import/")]
    assert found == [200, 404, 403]
    assert [f'href="{PAGE}"' in page_text(each.get(LIST)) for each in (staff_browser, browser)] == [True, False]
    assert json.loads(browser.get(f"{LIST}export/json/").content) == {"packages": []}
