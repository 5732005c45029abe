"""Email previews for staff: every email in each language, with sample data."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from integrations import mail
from integrations.outbox import handlers

# Mail programs ignore style sheets, so emails have inline styles; nothing else but the logo may load in the frame.
FRAME_POLICY = "sandbox; default-src 'none'; style-src-attr 'unsafe-inline'; img-src 'self'; frame-ancestors 'self'"


def list_previews() -> list[mail.EmailPreview]:
    emails = (handler for handler in handlers.registered_handlers() if isinstance(handler, mail.EmailHandler))
    return [preview for handler in emails for preview in handler.previews]


def sample_context() -> dict[str, Any]:
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
        "other": "Harbour Clinics",
        "outcome": "connected",
        "can_receive_orders": True,
        "has_administrators": True,
        "reason": "SmartRecruiters’ token endpoint rejected the credentials (401).",
        "url": f"{settings.PUBLIC_URL}/…",
    }


def render_previews(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show all emails in the language that the query names."""
    language = request.GET.get("language", settings.LANGUAGE_CODE)
    emails = [(kind, _compose_email(kind.name, language)) for kind in list_previews()]
    context |= {"title": "Email templates", "emails": emails, "language": language, "languages": settings.LANGUAGES}
    response = TemplateResponse(request, "admin/letters.html", context)
    response._csp_update = {"frame-src": ["'self'"]}  # type: ignore[attr-defined]
    return response


def render_frame(request: HttpRequest, kind: str, language: str) -> HttpResponse:
    """Show one email as HTML, for a frame of that page."""
    if kind not in {each.name for each in list_previews()}:
        raise Http404
    response = HttpResponse(_compose_email(kind, language).html)
    response["Content-Security-Policy"] = FRAME_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _compose_email(kind: str, language: str) -> mail.EmailContent:
    if language not in dict(settings.LANGUAGES):
        raise Http404
    logo = {"brand_logo": reverse("brand_logo")} if mail.is_logo_in_emails() else {}
    return mail.render_email(kind, language, **sample_context(), **logo)
