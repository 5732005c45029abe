"""The e-mails as their readers see them, in each language, with invented people: for staff, before anybody gets one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from integrations import mail

FRAME_POLICY = "sandbox; default-src 'none'; style-src-attr 'unsafe-inline'; frame-ancestors 'self'"
"""Mail programs know no style sheets: these pages carry their styles themselves, and nothing else may run or load."""


@dataclass(frozen=True)
class EmailPreview:
    name: str
    title: str
    occasion: str


EMAIL_PREVIEWS = (
    EmailPreview("invitation", "Invitation", "To the candidate, once, when an order comes in whose package says so."),
    EmailPreview("reminder", "Reminder", "To a candidate who has not begun after the package’s days, once."),
    EmailPreview(
        "reconnect",
        "Connect again, to the customer",
        "To everybody there who may connect, once each time SmartRecruiters refuses us. In the customer’s language.",
    ),
    EmailPreview(
        "people_invitation",
        "Invitation of a customer’s person",
        "To whom an administrator, yours or the customer’s, invites. In the customer’s language.",
    ),
    EmailPreview("password_reset", "New password", "To whoever asks for one at sign-in. In the customer’s language."),
    EmailPreview(
        "account_changed",
        "Account changed",
        "To whose password or second factor has changed, each time. In the customer’s language.",
    ),
    EmailPreview(
        "no_account", "No account", "To an address that has none, for which somebody asked for a new password."
    ),
    EmailPreview("reconnect_staff", "Connect again, to staff", "To all staff, at the same moment. Sent in English."),
)


def sample_context() -> dict[str, Any]:
    """Of nobody."""
    return {
        "candidate": "Amara Okafor",
        "customer": "Northwind Retail",
        "package": "Spreadsheets for analysts",
        "description": "Four short tasks in a spreadsheet. About twenty minutes; you can pause.",
        "open_until": timezone.now() + timedelta(days=14),
        "what": "passkey_added",
        "at": timezone.now(),
        "person": "Alice Moreau",
        "inviter": "Alice Moreau",
        "is_administrator": True,
        "company": "northwind",
        "reason": "SmartRecruiters’ token endpoint refuses the pair (401).",
        "url": f"{settings.PUBLIC_URL}/…",
    }


def render_previews(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """All of them in one language."""
    language = request.GET.get("language", settings.LANGUAGE_CODE)
    letters = [(kind, _compose_email(kind.name, language)) for kind in EMAIL_PREVIEWS]
    context |= {"title": "E-mails", "emails": letters, "language": language, "languages": settings.LANGUAGES}
    response = TemplateResponse(request, "admin/letters.html", context)
    response._csp_update = {"frame-src": ["'self'"]}  # type: ignore[attr-defined]
    return response


def render_frame(request: HttpRequest, kind: str, language: str) -> HttpResponse:
    """One as HTML, for a frame of that page."""
    if kind not in {each.name for each in EMAIL_PREVIEWS}:
        raise Http404
    response = HttpResponse(_compose_email(kind, language).html)
    response["Content-Security-Policy"] = FRAME_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _compose_email(kind: str, language: str) -> mail.EmailContent:
    if language not in dict(settings.LANGUAGES):
        raise Http404
    return mail.render_email(kind, language, **sample_context())
