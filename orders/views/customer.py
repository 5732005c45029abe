"""Pages with an organisation's orders, for its members."""

from typing import cast
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from integrations import audit
from integrations.customers import memberships
from integrations.models import Membership, User
from orders import files, queries, search_terms
from orders.models import Attachment, Status
from orders.privacy import access_log

PAGE_SIZE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def list_orders(request: HttpRequest) -> HttpResponse:
    """List the orders of the member's organisation, newest first. Staff are redirected to the admin.

    A search is a POST that redirects to a URL without the terms, because they may be a candidate's name.
    """
    user = cast(User, request.user)
    if user.is_staff:
        return redirect("admin:orders_order_changelist")
    if request.method == "POST":
        return redirect_to_search(request)
    member_context = memberships.page_context(request)
    membership = member_context["membership"]
    if membership is None and member_context["locked"]:
        return redirect("home")
    query = request.GET
    terms = search_terms.load_terms(request, query.get("search", ""))
    status, company = query.get("status", ""), query.get("company", "")
    orders = queries.for_customer(membership.customer if membership else None)
    orders = queries.filter_orders(orders, search=terms, status=status, company=company)
    page = Paginator(orders, PAGE_SIZE).get_page(query.get("page"))
    if membership is not None and request.method == "GET":
        action = "orders.searched" if terms else "orders.listed"
        actor = audit.Actor.from_request(request)
        access_log.record_orders(action, membership.customer_id, [order.pk for order in page], actor=actor)
    context = {
        **member_context,
        "page": page,
        "search_terms": terms,
        "status": status,
        "company": company,
        "statuses": Status.choices,
        "companies": _list_companies(membership),
        "is_filtered": bool(terms or status or company),
        "may_read_reports": membership is not None and membership.is_administrator,
    }
    return render(request, "orders/list.html", context)


def redirect_to_search(request: HttpRequest) -> HttpResponse:
    """Store the search and redirect to it. Invalid choices are dropped, so that no arbitrary text gets into the URL."""
    choices = {"status": Status.values, "company": _list_companies(memberships.page_context(request)["membership"])}
    query = {name: chosen for name, valid in choices.items() if (chosen := request.POST.get(name, "")) in valid}
    page = request.POST.get("page", "")
    query["page"] = page if page.isdecimal() and len(page) < 8 else ""
    query["search"] = search_terms.store_terms(request, request.POST.get("q", ""))
    encoded = urlencode({name: value for name, value in query.items() if value})
    return redirect(f"{reverse('customer_orders')}?{encoded}" if encoded else "customer_orders")


def _list_companies(membership: Membership | None) -> list[str]:
    if membership is None:
        return []
    return list(membership.customer.connections.values_list("company_id", flat=True).order_by("company_id").distinct())


@require_safe
@login_required
def download_report(request: HttpRequest, order_id: str, attachment_id: str) -> HttpResponse:
    """Download a report of the member's organisation (404 otherwise), for administrators only."""
    own = memberships.active_memberships(request.user)
    attachment = (
        Attachment.objects.filter(pk=attachment_id, order=order_id, order__erased_at=None)
        .filter(order__connection__customer__in=own.values("customer"))
        .exclude(file="")
        .select_related("order__connection")
        .first()
    )
    if attachment is None:
        raise Http404
    order = attachment.order
    if not any(each.customer_id == order.connection.customer_id for each in own if each.is_administrator):
        return render(request, "403.html", status=403)
    try:
        content = files.read(attachment)
    except files.DamagedFileError:
        return render(request, "orders/damaged.html", status=404)
    actor = audit.Actor.from_request(request)
    audit.record("order.report_opened", order.pk, actor=actor, attachment=attachment.pk)
    return files.build_download(attachment, content)
