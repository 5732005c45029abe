"""The candidate's pages and the reports that we host: addressed by a random link, which is the right to open them."""

import structlog
from django.conf import settings
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from integrations import origins
from orders import addresses, expiry, files, links, visits, words
from orders.models import Attachment, Order

log = structlog.get_logger(__name__)

ICONS = {"begin": "icons/person.svg", "good": "icons/check.svg", "wait": "icons/clock.svg", "warn": "icons/alert.svg"}


# Without a CSRF cookie: the link alone is the right, and some mail programs' browsers keep no cookies.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def take(request: HttpRequest, token: str) -> HttpResponse:
    """One page with one button. A GET alone changes nothing, save for an inline order's: that goes straight on."""
    order = visits.find(token)
    if order is None or order.erased_at is not None:
        return _nothing(request, order)
    if order.is_final or expiry.has_expired(order, timezone.now()):
        return _see_other(links.return_url(order)) if request.method == "POST" else _done(request, order)
    if not order.launch_url:
        return _see_other(links.take_url(order)) if request.method == "POST" else _waiting(request, order)
    if request.method == "POST":
        return _see_other(visits.go(order.pk).launch_url)
    if order.is_inline:
        return HttpResponseRedirect(visits.go(order.pk).launch_url if request.method == "GET" else order.launch_url)
    return _invited(request, order)


@require_safe
def done(request: HttpRequest, token: str) -> HttpResponse:
    """Back from the assessment: an inline candidate returns to SmartRecruiters, the others are thanked."""
    order = visits.find(token)
    if order is None or order.erased_at is not None:
        return _nothing(request, order)
    return _done(request, order)


@require_safe
def report(request: HttpRequest, token: str) -> HttpResponse:
    """A report, as a download that no browser runs anything of."""
    attachment = (
        Attachment.objects.filter(link_token_hash=links.hash_of(token), order__erased_at=None)
        .select_related("order")
        .first()
    )
    if attachment is None:
        return _page(request, None, "unknown", status=404, mark="warn")
    try:
        content = files.read(attachment)
    except files.Damaged as error:
        log.error("a report cannot be shown", attachment=attachment.pk, reason=str(error))
        return _page(request, None, "damaged", status=404, mark="warn")
    if request.method == "GET":
        Attachment.objects.filter(pk=attachment.pk).update(opened_count=F("opened_count") + 1)
    response = HttpResponse(content, content_type=attachment.content_type)
    response["Content-Disposition"] = files.disposition(attachment)
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return _private(response)


def _invited(request: HttpRequest, order: Order) -> HttpResponse:
    leads_to = _host_of(order.launch_url)
    response = _page(request, order, "invited", template="orders/take.html", host=leads_to, mark="begin")
    # Chromium holds a form's redirects to form-action too (RELIABILITY.md, C33), the engine's own ones included: one of
    # those to a host of its own would leave the candidate with a button that does nothing.
    schemes = ["https:", "http:"] if settings.IS_LOOPBACK else ["https:"]
    response._csp_update = {"form-action": [addresses.origin_of(order.launch_url), *schemes]}  # type: ignore[attr-defined]
    return response


def _waiting(request: HttpRequest, order: Order) -> HttpResponse:
    return _page(request, order, "preparing", template="orders/wait.html", mark="wait")


def _done(request: HttpRequest, order: Order) -> HttpResponse:
    url, is_trusted = visits.way_back(order) if order.is_inline else ("", False)
    if is_trusted:
        return _private(HttpResponseRedirect(url))
    if url:
        return _page(request, order, "back", template="orders/back.html", host=_host_of(url), way_back=url, mark="good")
    if expiry.has_expired(order, timezone.now()):
        return _page(request, order, "expired", status=410, mark="wait")
    return _page(request, order, "thanks", mark="good")


def _nothing(request: HttpRequest, order: Order | None) -> HttpResponse:
    if order is None:
        return _page(request, None, "unknown", status=404, mark="warn")
    return _page(request, order, "gone", status=410, mark="wait")


def _see_other(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return _private(response)


def _host_of(url: str) -> str:
    parts = origins.split(url.partition("#")[0])
    return parts[1] if parts else ""


def _page(
    request: HttpRequest,
    order: Order | None,
    key: str,
    *,
    mark: str,
    template: str = "orders/page.html",
    status: int = 200,
    host: str = "",
    way_back: str = "",
) -> HttpResponse:
    """A page of the words under `key` and `key_more`, in the order's language, else the browser's."""
    language = words.language_of(order) if order else words.nearest(translation.get_language() or "")
    facts = {"host": host}
    if order is not None:
        facts |= {"package": order.package.name, "customer": order.connection.customer.name}
    said = {name: text.format_map(words.Facts(facts)) for name, text in words.LANGUAGES[language].items()}
    with translation.override(language):
        context = {
            "heading": said[key],
            "what": said[f"{key}_more"],
            "words": said,
            "tone": "good" if mark in ("begin", "good") else "warn",
            "icon": ICONS[mark],
            "way_back": way_back,
        }
        page = render(request, template, context, status=status)
    return _private(page)


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store, private"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response
