from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.options import csrf_protect_m
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from rest_framework.exceptions import APIException

from integrations.api.errors import flatten_errors
from integrations.audit import Actor
from integrations.models import User
from integrations.outbox.admin import replay_preview
from integrations.outbox.models import Delivery
from integrations.staff.display import format_count, relative_time, render_status_badge
from integrations.staff.model_admin import ActionError, ObjectAction, ReadOnlyAdmin, can_see_personal, get_reason
from integrations.text import fold_email
from orders import files, leases, merge_patch, results
from orders.admin import page
from orders.admin.filters import CustomerFilter, DeliveryFilter, KindFilter, StatusFilter
from orders.admin.report import ReportForm
from orders.models import Attachment, Order, OrderQuerySet
from orders.privacy import access_log, erasure, export

MAX_FOUND = 50
ERASURE_WAIT_SECONDS = 3  # for a call about the candidate that is on its way


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    empty_list_text = "Orders appear here when recruiters of a connected customer place them."
    list_display = ("order_ids", "order_status", "delivery_status", "created_time", "customer_name", "package")
    list_filter = (StatusFilter, DeliveryFilter, CustomerFilter, "package", KindFilter)
    list_select_related = ("connection__customer", "package")
    search_fields = ("=id", "=smartrecruiters_order_id")  # a candidate's email address: find_view
    search_help_text = "The order's id, SmartRecruiters' order id, or the candidate's complete email address."
    date_hierarchy = "created_at"
    show_full_result_count = False
    list_per_page = 50
    linked_lookups = ("id__in",)

    def get_queryset(self, request: HttpRequest) -> OrderQuerySet:
        return cast(OrderQuerySet, super().get_queryset(request)).with_newest_result()

    def get_urls(self) -> list[URLPattern]:
        def make_route(pattern: str, view: Any, name: str) -> Any:
            return path(pattern, cast(Any, self.admin_site.admin_view(view)), name=f"orders_order_{name}")

        return [
            make_route("find/", self.find_view, "find"),
            make_route("<path:object_id>/report/preview/", self.preview_view, "preview"),
            make_route("<path:object_id>/report/", self.report_view, "report"),
            make_route("<path:object_id>/attachments/<str:attachment_id>/", self.attachment_view, "attachment"),
            *super().get_urls(),
        ]

    @csrf_protect_m
    def find_view(self, request: HttpRequest) -> HttpResponse:
        """Search by POST, because a candidate's email must not appear in a URL. Redirects to the orders' ids."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = request.POST.get("q", "").strip()
        changelist = reverse("admin:orders_order_changelist")
        if "@" not in query:
            return redirect(f"{changelist}?{urlencode({'q': query})}" if query else changelist)
        if not can_see_personal(request):
            raise PermissionDenied
        ids = list(Order.objects.filter(candidate_email__iexact=query).values_list("pk", flat=True)[:MAX_FOUND])
        self.record_audit(request, "order.searched", "candidate's address", found=len(ids), orders=ids)
        if not ids:
            messages.warning(request, "No order has this email address. Enter the complete address, as in the order.")
            return redirect(changelist)
        return redirect(f"{changelist}?{urlencode({'id__in': ','.join(ids)})}")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self._render_page(request, self._get_order(request, object_id))

    @csrf_protect_m
    def report_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Report a result manually. Without JavaScript, a button shows the preview."""
        order = self._get_order(request, object_id)
        if not self.can_act(request):
            raise PermissionDenied
        if request.method != "POST":
            return redirect(self.get_change_url(order))
        form = ReportForm(order, cast(User, request.user), request.POST, request.FILES)
        is_valid, event_count = form.is_valid(), order.events.count()
        if "look" in request.POST:
            return self._render_page(request, order, form, **_preview_context(order, form))
        if is_valid:
            try:
                form.save()
            except results.CorrectionRequiredError:
                form.add_error("correction", "This change is a correction: enter the reason.")
            except APIException as error:
                form.add_error(None, flatten_errors(error.detail)[0]["message"])
            else:
                self.record_audit(request, "order.reported", order.pk)
                messages.success(request, _describe_report(order, is_new=order.events.count() > event_count))
                return redirect(self.get_change_url(order))
        return self._render_page(request, order, form)

    @csrf_protect_m
    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Render the recruiter's panel for a form that is being filled in, together with the stored result."""
        order = self._get_order(request, object_id)
        if not self.can_act(request):
            raise PermissionDenied
        if request.method != "POST":
            return redirect(self.get_change_url(order))
        actor, period = Actor.from_request(request), access_log.PREVIEW_PERIOD_SECONDS
        access_log.record_once("order.previewed", order.pk, actor.name, actor=actor, seconds=period)
        context = {**_preview_context(order, ReportForm(order, cast(User, request.user), request.POST)), "order": order}
        return TemplateResponse(request, "admin/orders/order/panel.html", context)

    def attachment_view(self, request: HttpRequest, object_id: str, attachment_id: str) -> HttpResponse:
        """Download a report without its public link."""
        order = self._get_order(request, object_id)
        if not can_see_personal(request):
            raise PermissionDenied
        attachment = Attachment.objects.filter(order=order, pk=attachment_id).exclude(file="").first()
        if attachment is None:
            raise Http404
        try:
            content = files.read(attachment)
        except files.DamagedFileError as error:
            messages.error(request, f"This file is not available: {error}.")
            return redirect(self.get_change_url(order))
        self.record_audit(request, "order.report_opened", order.pk, attachment=attachment.pk)
        return files.build_download(attachment, content)

    def _get_order(self, request: HttpRequest, object_id: str) -> Order:
        """Return the order if the user may view it. Raises Http404, PermissionDenied."""
        order = self.get_object(request, object_id)
        if order is None:
            raise Http404
        if not self.has_view_permission(request, order):
            raise PermissionDenied
        return cast(Order, order)

    def _render_page(
        self, request: HttpRequest, order: Order, form: ReportForm | None = None, **previewed: Any
    ) -> HttpResponse:
        self.record_audit(request, "order.viewed", order.pk)
        context = {
            **self.admin_site.each_context(request),
            **page.build_context(order),
            "opts": self.opts,
            "title": f"Order {order.pk}",
            "object_actions": self.get_available_actions(request, order),
            "can_see_personal": can_see_personal(request),
            "may_report": self.can_act(request) and order.erased_at is None,
            "can_act": request.user.has_perm("outbox.change_delivery"),
            "form": form or ReportForm(order, cast(User, request.user)),
            "is_previewed": bool(previewed),
            **previewed,
        }
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        return TemplateResponse(request, "admin/orders/order/change_form.html", context)

    def get_object_actions(self) -> Sequence[ObjectAction]:
        return (
            ObjectAction(
                "accept",
                "Accept",
                self._accept_order,
                lambda order: [
                    "You accept the order: no engine can lease it any more.",
                    "SmartRecruiters and the candidate are not notified.",
                ],
                lambda order: order.accepted_at is None and not order.is_final and order.erased_at is None,
            ),
            ObjectAction(
                "export",
                "Export the candidate’s data",
                self._export_candidate,
                lambda order: [
                    *_export_scope(order),
                    "Give it to the candidate only. The export is recorded with your name and your reason.",
                ],
                lambda order: order.erased_at is None,
                is_grave=True,
                requires_reason=True,
            ),
            ObjectAction(
                "erase",
                "Erase the candidate",
                self._erase_candidate,
                self._erasure_consequences,
                lambda order: order.erased_at is None,
                is_destructive=True,
                is_grave=True,
                permission="erase",
            ),
        )

    def _erasure_consequences(self, order: Order) -> list[str]:
        ids = erasure.find_order_ids(order.candidate_email)
        return [
            f"The candidate is erased from every order with this email address: {len(ids)}."
            if ids
            else "The order has no email address: the candidate is erased from this order only.",
            "Name, email address, results, reports, and everything sent and received about them are deleted here.",
            "The candidate’s link and links to reports stop working, and the engine cannot read the order any more.",
            "SmartRecruiters and the engine keep their own data: erase it there, too.",
            "The order’s ids, status and times stay. The erasure is recorded with your name.",
            "This cannot be undone.",
        ]

    def _export_candidate(self, request: HttpRequest, order: Order) -> FileResponse:
        target = TemporaryFile()  # noqa: SIM115  # the response closes it
        actor = Actor.from_request(request)
        done = export.export_candidate_of(order, target, actor=actor, reason=get_reason(request))
        target.seek(0)
        return FileResponse(target, as_attachment=True, filename=f"candidate-{done.pseudonym[:12]}.zip")

    def _erase_candidate(self, request: HttpRequest, order: Order) -> str:
        actor = Actor.from_request(request)
        try:
            done = erasure.erase_candidate_of(order, actor=actor, wait_seconds=ERASURE_WAIT_SECONDS)
        except erasure.DeliveryInFlightError as error:
            raise ActionError(str(error)) from None
        return f"Erased: {format_count(done.orders, 'order')}, {format_count(done.files, 'file')}."

    def _accept_order(self, request: HttpRequest, order: Order) -> str:
        try:
            leases.accept_order(order.pk, by=cast(User, request.user).email)
        except APIException as refusal:
            raise ActionError(str(refusal.detail)) from None
        self.record_audit(request, "order.accepted", order.pk)
        return "Accepted."

    @admin.display(description="status", ordering="status")
    def order_status(self, order: Order) -> SafeString:
        return render_status_badge(order.reported_status)

    @admin.display(description="customer", ordering="connection__customer__name")
    def customer_name(self, order: Order) -> str:
        return order.connection.customer.name

    @admin.display(description="delivery", ordering="newest_result_state")
    def delivery_status(self, order: Any) -> SafeString:
        return render_status_badge(order.newest_result_state or ("erased" if order.erased_at else "none"))

    @admin.display(description="order", ordering="pk")
    def order_ids(self, order: Order) -> SafeString:
        return format_html('{}<span class="second">{}</span>', order.pk, order.smartrecruiters_order_id)

    @admin.display(description="ordered", ordering="created_at")
    def created_time(self, order: Order) -> SafeString | str:
        return relative_time(order.created_at)


def _export_scope(order: Order) -> list[str]:
    archive = "You get a ZIP file with all data about the candidate"
    if not fold_email(order.candidate_email):
        return [f"{archive} from this order only: it has no email address."]
    return [f"{archive}, from every order with this email address.", "It covers all customers."]


def _describe_report(order: Order, *, is_new: bool) -> str:
    """Return the outcome of a report that was just made; `order` is as it was before."""
    if not is_new:
        return "Nothing was changed: this had been reported already."
    newest = Delivery.objects.filter(key=merge_patch.result_key(order)).order_by("-pk").first()
    if newest is None or newest.pk == cast(Any, order).newest_result_id:
        return "Saved. SmartRecruiters receives it with the first status that is reported."
    return f"Reported. {replay_preview.describe_queued(newest)}"


def _preview_context(order: Order, form: ReportForm) -> dict[str, Any]:
    columns = form.preview_columns()
    return page.build_preview(order, form.cleaned_data.get("part", ""), columns)
