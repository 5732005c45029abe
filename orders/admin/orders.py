from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.options import csrf_protect_m
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from rest_framework.exceptions import APIException

from integrations.http.ip_addresses import address_of
from integrations.models import User
from integrations.staff.display import chip, counted, when
from integrations.staff.model_admin import Act, ReadOnlyAdmin, Refusal, may_see_personal, reason
from orders import files, leases
from orders.admin import page
from orders.admin.filters import ByCustomer, ByDelivery, ByKind, ByStatus, with_delivery
from orders.admin.report import ReportForm
from orders.models import Attachment, Order, Status
from orders.privacy import erasure, export

FOUND_AT_MOST = 50
ERASURE_SECONDS = 3
"""How long a click waits for a call that is on its way."""


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    nothing_yet = "Orders will stand here as soon as a recruiter of a connected customer places one."
    list_display = ("id_", "status_", "delivery_", "created_at_", "customer_", "package")
    list_filter = (ByStatus, ByDelivery, ByCustomer, "package", ByKind)
    list_select_related = ("connection__customer", "package")
    search_fields = ("=id", "=smartrecruiters_order_id", "=candidate_email")
    search_help_text = (
        "By an order's id, SmartRecruiters' id of it, or the candidate's whole e-mail address; not by a name or a part."
    )
    date_hierarchy = "created_at"
    show_full_result_count = False
    list_per_page = 50
    personal = frozenset(
        {
            *("candidate_id", "candidate_email", "candidate_first_name", "candidate_last_name", "candidate_language"),
            *("requester_user_id", "requester_email", "fields", "unknown"),
        }
    )

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return self.search_fields if may_see_personal(request) else self.search_fields[:2]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return with_delivery(super().get_queryset(request))

    def get_urls(self) -> list[URLPattern]:
        def route(pattern: str, view: Any, name: str) -> URLPattern:
            guarded: Any = self.admin_site.admin_view(view)
            found: URLPattern = path(pattern, guarded, name=f"orders_order_{name}")
            return found

        return [
            route("find/", self.find_view, "find"),
            route("<path:object_id>/report/preview/", self.preview_view, "preview"),
            route("<path:object_id>/report/", self.report_view, "report"),
            route("<path:object_id>/attachments/<str:attachment_id>/", self.attachment_view, "attachment"),
            *super().get_urls(),
        ]

    @csrf_protect_m
    def find_view(self, request: HttpRequest) -> HttpResponse:
        """The search, as a POST: a candidate's address must not stand in a URL. It leads on by the orders' ids."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        sought = request.POST.get("q", "").strip()
        changelist = reverse("admin:orders_order_changelist")
        if "@" not in sought:
            return redirect(f"{changelist}?{urlencode({'q': sought})}" if sought else changelist)
        if not may_see_personal(request):
            raise PermissionDenied
        found = Order.objects.filter(candidate_email__iexact=sought).values_list("pk", flat=True)[:FOUND_AT_MOST]
        self.record(request, "order.searched", "candidate's address", found=len(found))
        if not found:
            messages.warning(
                request, "No order is for a candidate with this address. It must be the whole one, as the order had it."
            )
            return redirect(changelist)
        return redirect(f"{changelist}?{urlencode({'id__in': ','.join(found)})}")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self._page(request, self._order(request, object_id))

    @csrf_protect_m
    def report_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A result by hand. Without a script to show it while it is typed, a button shows the recruiter's panel."""
        order = self._order(request, object_id)
        if not self.may_act(request):
            raise PermissionDenied
        if request.method != "POST":
            return redirect(self.url_of(order))
        form = ReportForm(order, request.POST, request.FILES)
        is_valid = form.is_valid()
        if "look" in request.POST:
            return self._page(request, order, form, **_previewed(order, form))
        if is_valid:
            try:
                form.save(by=cast(User, request.user))
            except (APIException, files.Unusable) as refusal:
                form.add_error(None, str(getattr(refusal, "detail", refusal)))
            else:
                self.record(request, "order.reported", order.pk)
                messages.success(request, "Reported. SmartRecruiters is told in a moment.")
                return redirect(self.url_of(order))
        return self._page(request, order, form)

    @csrf_protect_m
    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The recruiter's panel, while a result is typed."""
        order = self._order(request, object_id)
        if not self.may_act(request):
            raise PermissionDenied
        context = {**_previewed(order, ReportForm(order, request.POST)), "order": order}
        return TemplateResponse(request, "admin/orders/order/panel.html", context)

    def attachment_view(self, request: HttpRequest, object_id: str, attachment_id: str) -> HttpResponse:
        """The file itself, without the link that opens it to everybody."""
        order = self._order(request, object_id)
        if not may_see_personal(request):
            raise PermissionDenied
        attachment = Attachment.objects.filter(order=order, pk=attachment_id).exclude(file="").first()
        if attachment is None:
            raise Http404
        try:
            content = files.read(attachment)
        except files.Damaged as error:
            messages.error(request, f"This file cannot be shown: {error}.")
            return redirect(self.url_of(order))
        self.record(request, "order.report_opened", order.pk, attachment=attachment.pk)
        return files.download(attachment, content)

    def _order(self, request: HttpRequest, object_id: str) -> Order:
        """Whoever may look. Raises Http404, PermissionDenied."""
        order = self.get_object(request, object_id)
        if order is None:
            raise Http404
        if not self.has_view_permission(request, order):
            raise PermissionDenied
        return cast(Order, order)

    def _page(
        self, request: HttpRequest, order: Order, form: ReportForm | None = None, **previewed: Any
    ) -> HttpResponse:
        self.record(request, "order.viewed", order.pk)
        context = {
            **self.admin_site.each_context(request),
            **page.context_of(order),
            "opts": self.opts,
            "title": f"Order {order.pk}",
            "acts": self.offered(request, order),
            "may_see_personal": may_see_personal(request),
            "may_report": self.may_act(request) and order.erased_at is None,
            "may_act": request.user.has_perm("outbox.change_delivery"),
            "form": form or ReportForm(order),
            "is_previewed": bool(previewed),
            **previewed,
        }
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        return TemplateResponse(request, "admin/orders/order/change_form.html", context)

    def acts(self) -> Sequence[Act]:
        return (
            Act(
                "accept",
                "Accept",
                self._accept,
                lambda order: [
                    "The order is yours: no engine is handed it any more.",
                    "SmartRecruiters and the candidate are told nothing by this.",
                ],
                lambda order: order.accepted_at is None and not order.is_final and order.erased_at is None,
            ),
            Act(
                "export",
                "Export the candidate’s data",
                self._export,
                lambda order: [
                    "You get a zip: every row about the candidate, from all orders for the address, and the reports.",
                    "It spans all customers that ordered: hand it to the candidate alone.",
                    "The export is recorded, with your name and your reason.",
                ],
                lambda order: order.erased_at is None,
                asks_why=True,
            ),
            Act(
                "erase",
                "Erase the candidate",
                self._erase,
                self._what_is_erased,
                lambda order: order.erased_at is None,
                is_grave=True,
                right="erase",
            ),
        )

    def _what_is_erased(self, order: Order) -> list[str]:
        count = len(erasure.orders_of(order.candidate_email)) if order.candidate_email.strip() else 1
        return [
            f"The candidate is erased from every order for this address: {count}."
            if order.candidate_email.strip()
            else "The order names no address of the candidate: this order alone is erased.",
            "Name, address, answers, results, reports, and all that was sent and received about them are deleted here.",
            "The candidate’s link and the links to reports no longer work; to the engine the order is gone.",
            "What SmartRecruiters and the engine hold themselves stays there: erase it there, too.",
            "The order’s ids, its status and when things happened stay. The erasure is recorded, with your name.",
            "It cannot be undone.",
        ]

    def _export(self, request: HttpRequest, order: Order) -> FileResponse:
        target = TemporaryFile()  # noqa: SIM115  # the answer closes it
        by, address = cast(User, request.user), address_of(request)
        done = export.export_order(order, target, by=by, address=address, reason=reason(request))
        target.seek(0)
        return FileResponse(target, as_attachment=True, filename=f"candidate-{done.pseudonym[:12]}.zip")

    def _erase(self, request: HttpRequest, order: Order) -> str:
        by, address = cast(User, request.user), address_of(request)
        try:
            done = erasure.erase_order(order, by=by, address=address, patience=ERASURE_SECONDS)
        except erasure.OnItsWay as refusal:
            raise Refusal(str(refusal)) from None
        return f"Erased: {counted(done.orders, 'order')}, {counted(done.files, 'file')}."

    def _accept(self, request: HttpRequest, order: Order) -> str:
        try:
            leases.accept(order.pk, by=cast(User, request.user).email)
        except APIException as refusal:
            raise Refusal(str(refusal.detail)) from None
        self.record(request, "order.accepted", order.pk)
        return "Accepted."

    @admin.display(description="status", ordering="status")
    def status_(self, order: Order) -> SafeString:
        return chip(order.status or Status.PENDING)

    @admin.display(description="customer", ordering="connection__customer__name")
    def customer_(self, order: Order) -> str:
        return order.connection.customer.name

    @admin.display(description="delivery", ordering="delivery_state")
    def delivery_(self, order: Any) -> SafeString:
        return chip(order.delivery_state or "none")

    @admin.display(description="order", ordering="pk")
    def id_(self, order: Order) -> SafeString:
        return format_html('{}<span class="second">{}</span>', order.pk, order.smartrecruiters_order_id)

    @admin.display(description="came", ordering="created_at")
    def created_at_(self, order: Order) -> SafeString | str:
        return when(order.created_at)


def _previewed(order: Order, form: ReportForm) -> dict[str, Any]:
    columns = form.columns()
    return page.previewed(order, form.cleaned_data.get("part", ""), columns)
