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
from integrations.accounts import reauthentication
from integrations.accounts.adapter import AccountAdapter
from integrations.models import AuditEntry, Connection
from integrations.staff.model_admin import StreamLabel
from orders.models import Order

OWN_APPS = ("config", "integrations", "assessments", "orders")
ENTRIES_SHOWN = 200
ALLOWED_METHODS = ("GET", "HEAD", "POST")
APP_ORDER = ("orders", "outbox", "integrations", "assessments")
MODEL_ORDER = (
    *("Delivery", "Stream", "Customer", "User", "Invitation", "CompanyClaim", "Connection", "Consent", "Incident"),
    *("RefusedCall", "Client", "Webhook", "PartnerConfiguration", "AuditEntry"),
)


class PortalAdminSite(AdminSite):
    """Django's admin site behind the portal's own sign-in, with multi-factor authentication and rate limits."""

    site_header = site_title = "Partner portal"
    index_title = "Overview"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register only the portal's own admins: those of libraries show tokens and let staff set secrets."""
        if admin_class is not None and admin_class.__module__.partition(".")[0] in OWN_APPS:
            super().register(model_or_iterable, admin_class, **options)

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Redirect to the portal's sign-in, or to the page in `next`."""
        next_url = request.GET.get("next", "")
        if not AccountAdapter(request).is_safe_url(next_url):
            next_url = reverse("admin:index")
        if self.has_permission(request):
            return HttpResponseRedirect(next_url)
        if request.user.is_authenticated:
            messages.warning(
                request,
                f"That page is for staff only. You are signed in as {request.user}; sign out, then sign in as staff.",
            )
            return redirect("home")
        return redirect(f"{reverse('account_login')}?{urlencode({'next': next_url})}")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Show admin pages in English, the language of the portal's own admin texts, and reject unusual methods."""
        # Django's admin views answer TRACE like GET.

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
        may_act = request.user.has_perm("integrations.change_companyclaim")
        return super().index(request, {**overview.build_overview(), "may_act": may_act, **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        return [
            path("emails/", self.admin_view(self.emails_view), name="emails"),
            path("emails/<slug:kind>/<slug:language>/", self.admin_view(email_previews.render_frame), name="email"),
            *super().get_urls(),
        ]

    def emails_view(self, request: HttpRequest) -> HttpResponse:
        return email_previews.render_previews(request, self.each_context(request))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Order apps and models by how often staff need them."""
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
        """Return an entry for the email previews, which have no model."""
        url = reverse("admin:emails")
        return {
            "name": "Email templates",
            "object_name": "Emails",
            "admin_url": url,
            "add_url": None,
            "view_only": True,
        }

    def require_reauthentication(self, request: HttpRequest) -> None:
        """Interrupt the view unless the user authenticated recently."""
        reauthentication.require_recent(request)

    def record_audit(self, request: HttpRequest, action: str, subject: object, **detail: Any) -> None:
        """Write an audit log entry for an action of the signed-in staff."""
        audit.record(action, subject, actor=audit.Actor.from_request(request), **detail)

    def get_audit_entries(self, subject: str) -> QuerySet[AuditEntry]:
        return AuditEntry.objects.filter(subject=subject)[:ENTRIES_SHOWN]

    def get_customer_names(self, subjects: Sequence[str]) -> dict[str, str]:
        """Map order ids and company ids to the names of their customers."""
        companies = Connection.objects.filter(company_id__in=subjects, released_at=None).values_list(
            "company_id", "customer__name"
        )
        orders = Order.objects.filter(pk__in=subjects).values_list("pk", "connection__customer__name")
        return dict(companies) | dict(orders)

    def get_subject_url(self, subject: str) -> str:
        """Return the URL of the order's or the connection's page, by an order id or a company id."""
        if Order.objects.filter(pk=subject).exists():
            return reverse("admin:orders_order_change", args=[quote(subject)])
        connection = Connection.objects.filter(company_id=subject).order_by("-pk").first()
        return reverse("admin:integrations_connection_change", args=[connection.pk]) if connection else ""

    def get_stream_labels(self, streams: Iterable[str]) -> dict[str, StreamLabel]:
        return stream_labels.label_streams(streams)

    def search_streams(self, term: str) -> list[str]:
        return stream_labels.search_streams(term)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("account_change_password")

    def password_change_done(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("account_change_password")


def _sort_position(name: str, order: tuple[str, ...]) -> int:
    return order.index(name) if name in order else len(order)
