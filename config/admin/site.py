from collections.abc import Iterable, Sequence
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import translation
from django.utils.http import urlencode

from config.admin import email_previews, overview, stream_labels
from integrations import audit
from integrations.accounts.adapter import AccountAdapter
from integrations.models import AuditEntry, Connection
from integrations.staff.model_admin import StreamLabel
from orders.models import Order

OWN_APPS = ("config", "integrations", "assessments", "orders")
ENTRIES_SHOWN = 200
ALLOWED_METHODS = ("GET", "HEAD", "POST")
APP_ORDER = ("orders", "outbox", "integrations", "assessments")
MODEL_ORDER = (
    "Delivery",
    "Stream",
    "Customer",
    "User",
    "Invitation",
    "Connection",
    "Consent",
    "Client",
    "Webhook",
    "PartnerConfiguration",
    "AuditEntry",
)


class PortalAdminSite(AdminSite):
    """Django's admin, behind the portal's one sign-in (allauth: second factor, limits)."""

    site_header = site_title = "Partner portal"
    index_title = "Overview"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Takes only what this house wrote: other apps' admins show tokens, and let secrets be read or set."""
        if admin_class is not None and admin_class.__module__.partition(".")[0] in OWN_APPS:
            super().register(model_or_iterable, admin_class, **options)

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Comes here by its own address, or by Django's redirect with the page that was wanted as `next`."""
        wanted = request.GET.get("next", "")
        if not AccountAdapter(request).is_safe_url(wanted):
            wanted = reverse("admin:index")
        if self.has_permission(request):
            return HttpResponseRedirect(wanted)
        if request.user.is_authenticated:
            messages.warning(
                request, f"That page is for partner staff. To open it, sign out ({request.user}) and sign in as staff."
            )
            return redirect("home")
        return redirect(f"{reverse('account_login')}?{urlencode({'next': wanted})}")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Our words here are English, so Django's are too. Django's pages would answer TRACE as they do a GET."""

        @wraps(view)
        def check_method(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.method not in ALLOWED_METHODS:
                return HttpResponseNotAllowed(ALLOWED_METHODS)
            return view(request, *args, **kwargs)

        inner = super().admin_view(check_method, cacheable)

        def activate_english(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            translation.activate("en")
            return inner(request, *args, **kwargs)

        return activate_english

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {**overview.build_overview(), **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        return [
            path("emails/", self.admin_view(self.emails_view), name="letters"),
            path("emails/<slug:kind>/<slug:language>/", self.admin_view(email_previews.render_frame), name="letter"),
            *super().get_urls(),
        ]

    def emails_view(self, request: HttpRequest) -> HttpResponse:
        return email_previews.render_previews(request, self.each_context(request))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """What people come for stands first, under the name they know it by."""
        apps = super().get_app_list(request, app_label)
        for app in apps:
            for entry in app["models"]:
                entry["name"] = getattr(self._registry[entry["model"]], "plural", "") or entry["name"]
            app["models"].sort(key=lambda entry: _sort_position(entry["object_name"], MODEL_ORDER))
            if app["app_label"] == "outbox":
                app["models"].append(self._emails_entry())
        return sorted(apps, key=lambda app: _sort_position(app["app_label"], APP_ORDER))

    @staticmethod
    def _emails_entry() -> dict[str, Any]:
        """A page of no model's, among those that staff look for it."""
        url = reverse("admin:letters")
        return {"name": "E-mails", "object_name": "Letters", "admin_url": url, "add_url": None, "view_only": True}

    def record_audit(self, request: HttpRequest, action: str, subject: object, **detail: Any) -> None:
        """One audit entry for what a member of staff did or looked at."""
        audit.record(action, subject, actor=audit.Actor.from_request(request), **detail)

    def get_audit_entries(self, subject: str) -> QuerySet[AuditEntry]:
        """The newest audit entries of a subject, for its history."""
        return AuditEntry.objects.filter(subject=subject)[:ENTRIES_SHOWN]

    def get_customer_names(self, subjects: Sequence[str]) -> dict[str, str]:
        """The names of the customers whose orders or companies these are."""
        companies = Connection.objects.filter(company_id__in=subjects).values_list("company_id", "customer__name")
        orders = Order.objects.filter(pk__in=subjects).values_list("pk", "connection__customer__name")
        return dict(companies) | dict(orders)

    def get_subject_url(self, subject: str) -> str:
        """The page of the order or the company that a delivery is about."""
        if Order.objects.filter(pk=subject).exists():
            return reverse("admin:orders_order_change", args=[quote(subject)])
        connection = Connection.objects.filter(company_id=subject).first()
        return reverse("admin:integrations_connection_change", args=[connection.pk]) if connection else ""

    def get_stream_labels(self, streams: Iterable[str]) -> dict[str, StreamLabel]:
        return stream_labels.label_streams(streams)

    def search_streams(self, term: str) -> list[str]:
        return stream_labels.search_streams(term)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Where everybody else changes it, too."""
        return redirect("account_change_password")

    def password_change_done(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("account_change_password")


def _sort_position(name: str, order: tuple[str, ...]) -> int:
    return order.index(name) if name in order else len(order)
