"""Pages for candidates, and downloads of hosted reports. The link's token is the only permission needed."""

from typing import Any

import structlog
from django.conf import settings
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from integrations import mail
from integrations.audit import Actor
from integrations.encryption import hash_token
from integrations.http import trusted_origins
from integrations.http.ip_addresses import get_client_network
from integrations.text import isolate_direction
from orders import engine_urls, expiry, files, launch
from orders.models import Attachment, Order, Status
from orders.privacy import access_log

log = structlog.get_logger(__name__)
TEXT_KEYS = ("package", "customer", "description")


# Exempt, because the link is the only permission, and browsers in email apps may not store a CSRF cookie.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def take_assessment(request: HttpRequest, token: str) -> HttpResponse:
    """Show a page with a button to the assessment. Only the POST counts as a start: mail scanners open links.

    An inline order's link redirects at once.
    """
    order = launch.get_by_token(token)
    if order is None or order.erased_at is not None:
        return _render_unavailable(request, order)
    if order.is_final or expiry.has_expired(order, timezone.now()):
        return _see_other(order.return_url) if request.method == "POST" else _respond_done(request, order)
    if not order.launch_url:
        if request.method == "POST":
            return _see_other(order.take_url)
        return _render_page(request, order, "preparing")
    if request.method == "POST":
        return _see_other(launch.start_assessment(order.pk).launch_url)
    if order.is_inline:
        return HttpResponseRedirect(
            launch.start_assessment(order.pk).launch_url if request.method == "GET" else order.launch_url
        )
    return _render_invitation(request, order)


@require_safe
def finish_assessment(request: HttpRequest, token: str) -> HttpResponse:
    """Return inline candidates to SmartRecruiters, and thank all others."""
    order = launch.get_by_token(token)
    if order is None or order.erased_at is not None:
        return _render_unavailable(request, order)
    return _respond_done(request, order)


@require_safe
def download_report(request: HttpRequest, token: str) -> HttpResponse:
    attachment = (
        Attachment.objects.filter(link_token_hash=hash_token(token), order__erased_at=None)
        .select_related("order")
        .first()
    )
    if attachment is None:  # never existed, removed or erased: they cannot be told apart
        return _render_page(request, None, "no_report", status=404)
    try:
        content = files.read(attachment)
    except files.DamagedFileError as error:
        log.error("report damaged", attachment=attachment.pk, reason=str(error))
        return _render_page(request, None, "damaged", status=404)
    if request.method == "GET":
        Attachment.objects.filter(pk=attachment.pk).update(opened_count=F("opened_count") + 1)
        _record_opened(request, attachment)
    return _set_private_headers(files.build_download(attachment, content))


def _record_opened(request: HttpRequest, attachment: Attachment) -> None:
    """Record who opened a report by its link. Of most of them, only the IP address is known."""
    actor = Actor.from_request(request)
    access_log.record_once(
        "order.report_link_opened",
        attachment.order_id,
        attachment.pk,
        actor.name,
        get_client_network(request),
        actor=actor,
        seconds=access_log.LINK_PERIOD_SECONDS,
        attachment=attachment.pk,
    )


def _render_invitation(request: HttpRequest, order: Order) -> HttpResponse:
    response = _render_page(
        request,
        order,
        "take",
        host=_get_host(order.launch_url),
        description=order.package.description,
        has_started=order.visited_at is not None,
        has_email=bool(order.candidate_email),
        open_until=expiry.compute_expiry(order) if order.reported_status == Status.PENDING else None,
    )
    # Chromium applies form-action to redirects of the form, too, also to the engine's own: the button would do nothing
    # if the engine redirected to another host.
    schemes = ["https:", "http:"] if settings.IS_LOOPBACK else ["https:"]
    response._csp_update = {"form-action": [engine_urls.get_origin(order.launch_url), *schemes]}  # type: ignore[attr-defined]
    return response


def _respond_done(request: HttpRequest, order: Order) -> HttpResponse:
    url, is_trusted = launch.resolve_callback_url(order) if order.is_inline else ("", False)
    if is_trusted:
        # Not HttpResponseRedirect, which refuses URLs of more than 2,048 characters.
        return _set_private_headers(HttpResponse(status=302, headers={"Location": url}))
    if url:
        return _render_page(request, order, "back", host=_get_host(url), callback_url=url)
    if expiry.has_expired(order, timezone.now()):
        return _render_page(request, order, "expired", status=410)
    return _render_page(request, order, "thanks")


def _render_unavailable(request: HttpRequest, order: Order | None) -> HttpResponse:
    if order is None:
        return _render_page(request, None, "unknown", status=404)
    return _render_page(request, order, "gone", status=410)


def _see_other(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return _set_private_headers(response)


def _get_host(url: str) -> str:
    parts = trusted_origins.parse_return_url(url)
    return parts[1] if parts else ""


def _render_page(
    request: HttpRequest, order: Order | None, name: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    """Render `templates/orders/{name}.html` in the candidate's language, or the browser's without an order."""
    language = mail.best_language((order and order.candidate_language) or translation.get_language() or "")
    if order is not None:
        context |= {"package": order.package.name, "customer": order.connection.customer.name}
    context |= {key: isolate_direction(context[key]) for key in TEXT_KEYS if key in context}
    with translation.override(language):
        page = render(request, f"orders/{name}.html", context, status=status)
    page["Content-Language"] = language
    return _set_private_headers(page)


def _set_private_headers(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store, private"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response
