"""The e-mails as staff see them, before anybody gets one."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Browser

from config.admin import email_previews
from integrations import mail
from integrations.models import User

pytestmark = pytest.mark.django_db
KINDS = [kind.name for kind in email_previews.list_previews()]
LANGUAGES = [code for code, _ in settings.LANGUAGES]


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_every_email_has_its_frame_and_its_text(staff_browser: Browser) -> None:
    page = staff_browser.get("/admin/emails/?language=de")
    assert text(page).count('<iframe class="letter__frame" sandbox ') == len(KINDS)
    assert "Guten Tag Amara Okafor," in text(page)
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    sources = re.findall(r'src="(/admin/emails/[^"]+)"', page.content.decode())
    assert sources == [f"/admin/emails/{kind}/de/" for kind in KINDS]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_frame_runs_and_loads_nothing(staff_browser: Browser, kind: str, language: str) -> None:
    frame = staff_browser.get(f"/admin/emails/{kind}/{language}/")
    assert (frame.status_code, frame["Content-Security-Policy"]) == (200, email_previews.FRAME_POLICY)
    assert frame["X-Frame-Options"] == "SAMEORIGIN"
    assert f'<html lang="{language}"' in text(frame)
    assert [word for word in ("<script", "<img", "<link", "url(") if word in text(frame)] == []


@pytest.mark.parametrize("path", ["emails/invitation/xx/", "emails/bill/en/", "emails/?language=xx"])
def test_unknown_email_or_language_is_not_there(staff_browser: Browser, path: str) -> None:
    assert staff_browser.get(f"/admin/{path}").status_code == 404


def test_emails_are_for_staff(client: Browser, alice: User) -> None:
    client.force_login(alice)
    for path in ("/admin/emails/", "/admin/emails/invitation/en/"):
        assert client.get(path).status_code == 302


def test_emails_stand_in_the_sidebar(staff_browser: Browser) -> None:
    assert '<a href="/admin/emails/">Email templates</a>' in text(staff_browser.get("/admin/"))


def test_every_email_that_there_is_is_shown() -> None:
    folder = settings.BASE_DIR / "templates" / "emails"
    assert sorted(KINDS) == sorted(path.name.removesuffix("_subject.txt") for path in folder.glob("*_subject.txt"))


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_email_speaks_one_language(kind: str, language: str) -> None:
    english, other = (mail.render_email(kind, code, **email_previews.sample_context()) for code in ("en", language))
    known = {
        email_previews.sample_context()["description"],
        email_previews.sample_context()["url"],
        settings.BRAND_NAME,
    }
    assert set(english.text.splitlines()) & set(other.text.splitlines()) - known <= {""}
    assert english.subject != other.subject
