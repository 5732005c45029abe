"""Tests of catalogue export and import in admin."""

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
    """Upload the file and return the page that follows: the changes, or the progress."""
    return staff_browser.post(
        PAGE, {"file": SimpleUploadedFile("catalogue.csv", content.encode()), **fields}, follow=True
    )


def press_apply(staff_browser: Browser, preview: Any) -> Any:
    """Press the button on the page that shows the changes."""
    assert "<button" in preview.content.decode().split('class="choices"')[1].split("</form>")[0]
    return staff_browser.post(preview.request["PATH_INFO"], follow=True)


@pytest.fixture
def by_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave every file to the worker, however small it is."""
    monkeypatch.setattr(imports, "SYNC_MAX_BYTES", -1)


def test_file_is_shown_first_and_then_applied(staff_browser: Browser) -> None:
    for name in ("skills", "other"):
        rows.make_package(name)
    preview = upload_file(staff_browser, "package,name\nskills,Ünïted\n", retire_missing="on")
    page = page_text(preview)
    assert "0 created, 1 updated, 1 retired, 0 unchanged." in page
    assert "<del>Package skills</del></td><td><ins>Ünïted</ins>" in page
    assert Package.objects.get(pk="skills").name == "Package skills"
    assert "<strong>Imported:</strong> 0 created, 1 updated, 1 retired, 0 unchanged." in page_text(
        press_apply(staff_browser, preview)
    )
    assert list(Package.objects.filter(retired_at=None).values_list("pk", "name")) == [("skills", "Ünïted")]
    counts = {"created": 0, "updated": 1, "retired": 1, "unchanged": 0}
    entry = AuditEntry.objects.get(action="catalogue.imported")
    assert (entry.detail, entry.actor_name) == ({"counts": counts}, "stella@vendor.example")
    assert bytes(CatalogueImport.objects.get().content) == b""


@pytest.mark.parametrize("form", ["csv", "json"])
def test_importing_an_export_changes_nothing(staff_browser: Browser, form: str) -> None:
    rows.make_package("skills", assessments=("logic",), rules=({"country": "DE"},))
    answer = staff_browser.get(f"{LIST}export/{form}/")
    assert re.fullmatch(rf'attachment; filename="catalogue-[0-9-]+\.{form}"', answer["Content-Disposition"])
    page = page_text(upload_file(staff_browser, answer.content.decode()))
    assert "The file matches what is stored: there is nothing to import." in page
    assert "Apply" not in page


def test_errors_of_a_file_are_listed_by_line(staff_browser: Browser) -> None:
    rows.make_package("skills")
    page = page_text(upload_file(staff_browser, "package,expires_after_days\nskills,<b>\n"))
    assert "1 error in the file; nothing was changed" in page
    assert "<td>2</td><td>expires after days</td><td>Send a whole number from 1 to 3650.</td>" in page


def test_post_without_a_file_asks_for_one(staff_browser: Browser) -> None:
    assert "Choose a file." in page_text(staff_browser.post(PAGE))
    assert "The file is empty; choose another." in page_text(upload_file(staff_browser, ""))


def test_file_that_is_too_large_is_refused(staff_browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MAX_BYTES", 10)
    assert "The file is larger than 8 MB" in page_text(upload_file(staff_browser, "package,name\n"))


def test_changes_are_shown_again_if_the_catalogue_changed(staff_browser: Browser) -> None:
    rows.make_package("skills")
    preview = upload_file(staff_browser, "package,name\nskills,New\n")
    Package.objects.update(name="Meanwhile")
    page = page_text(press_apply(staff_browser, preview))
    assert "The catalogue has changed in the meantime." in page
    assert "<del>Meanwhile</del>" in page
    assert Package.objects.get().name == "Meanwhile"


def test_large_file_shows_how_far_it_is(
    staff_browser: Browser, by_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded = upload_file(staff_browser, "package,name,type\na,A,SKILL_TEST\nb,B,SKILL_TEST\n")
    waiting = page_text(uploaded)
    assert ("The file is queued." in waiting, REFRESH in waiting) == (True, True)
    seen = []
    monkeypatch.setattr(plan, "CHUNK_SIZE", 1)
    true_add = plan._add_record
    url = uploaded.request["PATH_INFO"]
    monkeypatch.setattr(
        plan, "_add_record", lambda *args: (seen.append(page_text(staff_browser.get(url))), true_add(*args))
    )
    assert imports.run_next() == 1
    assert "<strong>1</strong> of 2 packages checked." in seen[1]
    assert ('<progress max="2" value="1"' in seen[1], REFRESH in seen[1]) == (True, True)
    preview = staff_browser.get(url)
    assert ("2 created, 0 updated" in page_text(preview), REFRESH in page_text(preview)) == (True, False)
    assert not Package.objects.exists()


def test_large_file_is_applied_by_a_worker(staff_browser: Browser, by_worker: None) -> None:
    preview = upload_file(staff_browser, "package,name,type\na,A,SKILL_TEST\n")
    imports.run_next()
    applying = page_text(press_apply(staff_browser, staff_browser.get(preview.request["PATH_INFO"])))
    assert ("the import continues" in applying, Package.objects.exists()) == (True, False)
    assert [imports.run_next(), imports.run_next()] == [1, 0]
    assert "<strong>Imported:</strong> 1 created" in page_text(staff_browser.get(preview.request["PATH_INFO"]))
    assert Package.objects.get().name == "A"
    assert AuditEntry.objects.filter(action="catalogue.imported").count() == 1


def test_plan_is_applied_once(staff_browser: Browser) -> None:
    preview = upload_file(staff_browser, "package,name,type\na,A,SKILL_TEST\n")
    press_apply(staff_browser, preview)
    assert "This import is no longer waiting to be applied." in page_text(press_apply(staff_browser, preview))
    assert AuditEntry.objects.filter(action="catalogue.imported").count() == 1


def test_file_with_problems_cannot_be_applied(staff_browser: Browser) -> None:
    preview = upload_file(staff_browser, "package,name\nnew,Name\n")
    page = page_text(staff_browser.post(preview.request["PATH_INFO"], follow=True))
    assert "This import is no longer waiting to be applied." in page
    assert not Package.objects.exists()


def test_import_that_raises_is_not_started_again(
    staff_browser: Browser, by_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded = upload_file(staff_browser, "package,name\n")
    monkeypatch.setattr(plan, "_read_records", lambda content: 1 / 0)
    assert [imports.run_next(), imports.run_next()] == [1, 0]
    assert "Internal error. Nothing was changed." in page_text(staff_browser.get(uploaded.request["PATH_INFO"]))


def test_import_of_a_worker_that_died_is_begun_anew(staff_browser: Browser, by_worker: None) -> None:
    uploaded = upload_file(staff_browser, "package,name,type\na,A,SKILL_TEST\n")
    stream, _ = Stream.objects.get_or_create(name=imports.LEASE_NAME)
    leases.acquire(stream.pk, imports.LEASE_SECONDS)  # by a worker that dies
    assert imports.run_next() == 0
    Stream.objects.update(lease_expires_at=clock.now())
    assert imports.run_next() == 1
    assert "1 created" in page_text(staff_browser.get(uploaded.request["PATH_INFO"]))


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
    statuses = [browser.get(f"{LIST}{path}").status_code for path in ("export/json/", "export/xml/", "import/")]
    assert statuses == [200, 404, 403]
    assert [f'href="{PAGE}"' in page_text(each.get(LIST)) for each in (staff_browser, browser)] == [True, False]
    assert json.loads(browser.get(f"{LIST}export/json/").content) == {"packages": []}
