"""Admin of the partner configuration, a single row: edit, publish to SmartRecruiters, compare."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.admin.partner_form import PartnerConfigurationForm
from integrations.audit import Actor
from integrations.connections import partner_configuration
from integrations.models import PartnerConfiguration, PartnerField, User
from integrations.outbox import deliveries
from integrations.staff.display import relative_time
from integrations.staff.model_admin import EditableInline, StaffAdmin

MASTER_STREAM = "master"
MASTER_CREDENTIALS_TITLE = "Master credentials"


class FieldInline(EditableInline):
    model = PartnerField
    max_num = 5
    verbose_name_plural = "fields that customers can map to fields in SmartRecruiters (at most five)"

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return super().get_formset(request, obj, validate_max=True, **kwargs)


@admin.register(PartnerConfiguration)
class PartnerConfigurationAdmin(StaffAdmin):
    form = PartnerConfigurationForm
    change_form_template = "admin/integrations/partnerconfiguration/change_form.html"
    inlines = (FieldInline,)
    readonly_fields = ("published_text", "master_state")
    fieldsets = (
        (
            "Published configuration",
            {"fields": ("published_text", "supported_types", "display_mode", "offers_inline", "url_style")},
        ),
        ("Reports", {"fields": ("report_delivery",)}),
        ("Consent page", {"fields": ("company_confirmation", "consent_scope", "consent_limits")}),
        (
            MASTER_CREDENTIALS_TITLE,
            {
                "description": "You receive them once from SmartRecruiters’ Partner Operations. They need the scopes "
                "partner_configuration_manage and client_credentials_write.",
                "fields": ("master_state", "master_client_id", "master_client_secret"),
            },
        ),
        (
            "Undocumented details",
            {
                "description": "SmartRecruiters’ documentation does not specify these. The defaults are likely to be "
                "right; change them only if SmartRecruiters tells you to.",
                "fields": (
                    "upload_part_name",
                    "patch_content_type",
                    "assessment_api_path",
                    "token_path",
                    "candidates_path",
                    "jobs_path",
                ),
            },
        ),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Hide the credentials from users with view permission only: Django would show them the secret in clear."""
        if self.has_change_permission(request, obj):
            return self.fieldsets
        hidden = {"description": "", "fields": ("master_state",)}
        return [(title, hidden if title == MASTER_CREDENTIALS_TITLE else opts) for title, opts in self.fieldsets]

    def get_audit_subject(self, row: PartnerConfiguration) -> str:
        return "partner configuration"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect(self.get_change_url(PartnerConfiguration.load()))

    def get_urls(self) -> list[URLPattern]:
        actions = (self._publish_configuration, self._compare_configuration)
        publish, compare = (self.admin_site.admin_view(partial(self._run_action, action)) for action in actions)
        return [
            path("publish/", publish, name="integrations_partnerconfiguration_publish"),
            path("compare/", compare, name="integrations_partnerconfiguration_compare"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = PartnerConfiguration.load()
        context = {
            "document": partner_configuration.redact_key(partner_configuration.build_document(row), row.disable_key),
            "unreachable_url": settings.PUBLIC_URL if partner_configuration.is_unreachable() else "",
        }
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def save_model(self, request: HttpRequest, obj: PartnerConfiguration, form: Any, change: bool) -> None:
        if form.has_new_credentials:
            self.staff_site.require_reauthentication(request)
        if secret := form.cleaned_data["master_client_secret"]:
            obj.master_client_secret = secret
        if form.has_new_credentials:
            obj.master_token, obj.master_token_expires_at = "", None
        super().save_model(request, obj, form, change)
        if form.has_new_credentials:
            deliveries.release_stream(MASTER_STREAM)

    def response_change(self, request: HttpRequest, obj: PartnerConfiguration) -> HttpResponse:
        """Say whether the saved configuration still has to be published."""
        saved = PartnerConfiguration.load()
        if partner_configuration.is_published(saved):
            text = "It is the same as the published configuration."
        elif saved.published:
            text = "SmartRecruiters still has the former configuration: publish it again."
        else:
            text = "It has not been published yet: publish it."
        messages.success(request, f"Saved. {text}")
        return redirect(self.get_change_url(obj))

    def _run_action(
        self, action: Callable[[HttpRequest, PartnerConfiguration], HttpResponse], request: HttpRequest
    ) -> HttpResponse:
        """Run an action that calls SmartRecruiters, on POST only. A GET redirects to the form."""
        row = PartnerConfiguration.load()
        if not self.can_act(request):
            raise PermissionDenied
        if request.method != "POST":
            return redirect(self.get_change_url(row))
        try:
            return action(request, row)
        except partner_configuration.MasterCredentialsMissingError:
            messages.error(request, "The master credentials are missing. Enter them below and save first.")
            return redirect(f"{self.get_change_url(row)}#id_master_client_id")
        except partner_configuration.PartnerError as error:
            messages.error(request, str(error))
            return redirect(self.get_change_url(row))

    def _publish_configuration(self, request: HttpRequest, row: PartnerConfiguration) -> HttpResponse:
        partner_configuration.publish_configuration(actor=Actor(cast(User, request.user)))
        messages.success(request, "Published. SmartRecruiters has confirmed the configuration.")
        return redirect(self.get_change_url(row))

    def _compare_configuration(self, request: HttpRequest, row: PartnerConfiguration) -> HttpResponse:
        lines = partner_configuration.find_drift()
        self.record_audit(request, "configuration.compared", "partner configuration", differences=len(lines))
        template, title = "admin/integrations/partnerconfiguration/drift.html", "Comparison with SmartRecruiters"
        return self.render_object_page(
            request, row, template, title, differences=[parse_difference(line) for line in lines]
        )

    @admin.display(description="published")
    def published_text(self, row: PartnerConfiguration) -> SafeString | str:
        if row.published is None:
            return "Never by this installation."
        is_current = partner_configuration.is_published(row)
        text = ". It has not changed since." if is_current else ". It has changed since: publish it again."
        return format_html("{}{}", relative_time(row.published_at), text)

    @admin.display(description="state")
    def master_state(self, row: PartnerConfiguration) -> str:
        if settings.SMARTRECRUITERS_CLIENT_ID:
            return "Set, by the environment"
        return "Stored, encrypted" if row.master_client_secret_sealed else "Missing"


def parse_difference(line: str) -> dict[str, str]:
    """Split `key: here …, at SmartRecruiters …` for a table. Any other line becomes the key."""
    key, separator, values = line.partition(": here ")
    here, _, there = values.partition(", at SmartRecruiters ")
    return {"key": key, "here": here, "there": there} if separator else {"key": line}
