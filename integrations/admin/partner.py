"""The partner configuration: one row, edited here, published by a button, compared by another."""

import json
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.options import csrf_protect_m
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
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


class FieldInline(EditableInline):
    model = PartnerField
    max_num = 5
    verbose_name_plural = "fields that customers may map to SmartRecruiters' own (at most five)"

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
            "What is published",
            {"fields": ("published_text", "supported_types", "display_mode", "offers_inline", "url_style")},
        ),
        ("Reports", {"fields": ("report_delivery",)}),
        ("The consent page", {"fields": ("consent_scope", "consent_limits")}),
        (
            "The master pair",
            {
                "description": "SmartRecruiters' Partner Operations give it to you once. It needs the scopes "
                "partner_configuration_manage and client_credentials_write.",
                "fields": ("master_state", "master_client_id", "master_client_secret"),
            },
        ),
        (
            "What nobody has published",
            {
                "description": "SmartRecruiters' documents leave these open. The defaults are the likely answers; "
                "change one when SmartRecruiters tells you otherwise.",
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
        """Who may only look sees that the pair is there: Django would show a read-only secret in clear."""
        if self.has_change_permission(request, obj):
            return self.fieldsets
        pair = {"description": "", "fields": ("master_state",)}
        return [(name, pair if name == "The master pair" else options) for name, options in self.fieldsets]

    def get_audit_subject(self, row: PartnerConfiguration) -> str:
        return "partner configuration"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect(self.get_change_url(PartnerConfiguration.load()))

    def get_urls(self) -> list[URLPattern]:
        publish, compare = (self.admin_site.admin_view(view) for view in (self.publish_view, self.compare_view))
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
            "document": format_json(
                partner_configuration.redact_key(partner_configuration.build_document(row), row.disable_key)
            ),
            "unreachable_url": settings.PUBLIC_URL if partner_configuration.is_unreachable() else "",
        }
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def save_model(self, request: HttpRequest, obj: PartnerConfiguration, form: Any, change: bool) -> None:
        if secret := form.cleaned_data["master_client_secret"]:
            obj.master_client_secret = secret
        if form.has_new_credentials:
            obj.master_token, obj.master_token_expires_at = "", None
        super().save_model(request, obj, form, change)
        if form.has_new_credentials:
            deliveries.release_stream(MASTER_STREAM)

    def response_change(self, request: HttpRequest, obj: PartnerConfiguration) -> HttpResponse:
        """Saving is half of it, so the message says what the other half is."""
        saved = PartnerConfiguration.load()
        if partner_configuration.is_published(saved):
            said = "SmartRecruiters has it as it stands here."
        elif saved.published:
            said = "SmartRecruiters still has what was published before: publish it again."
        else:
            said = "SmartRecruiters knows nothing of it yet: publish it."
        messages.success(request, f"Saved. {said}")
        return redirect(self.get_change_url(obj))

    @csrf_protect_m
    def publish_view(self, request: HttpRequest) -> HttpResponse:
        return self._run_action(request, "publish")

    @csrf_protect_m
    def compare_view(self, request: HttpRequest) -> HttpResponse:
        return self._run_action(request, "compare")

    def _run_action(self, request: HttpRequest, action: str) -> HttpResponse:
        """Both talk to SmartRecruiters, so both are POSTs; a GET leads back to the form."""
        row = PartnerConfiguration.load()
        if not self.can_act(request):
            raise PermissionDenied
        if request.method != "POST":
            return redirect(self.get_change_url(row))
        try:
            return (
                self._publish_configuration(request, row)
                if action == "publish"
                else self._compare_configuration(request, row)
            )
        except partner_configuration.PartnerError as error:
            messages.error(request, str(error))
            return redirect(self.get_change_url(row))

    def _publish_configuration(self, request: HttpRequest, row: PartnerConfiguration) -> HttpResponse:
        partner_configuration.publish_configuration(actor=Actor(cast(User, request.user)))
        messages.success(request, "Published. SmartRecruiters' answer is what was sent.")
        return redirect(self.get_change_url(row))

    def _compare_configuration(self, request: HttpRequest, row: PartnerConfiguration) -> HttpResponse:
        lines = partner_configuration.find_drift()
        self.record_audit(request, "configuration.compared", "partner configuration", differences=len(lines))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": "Compared with SmartRecruiters",
            "differences": [parse_difference(line) for line in lines],
            "back_url": self.get_change_url(row),
        }
        return TemplateResponse(request, "admin/integrations/partnerconfiguration/drift.html", context)

    @admin.display(description="published")
    def published_text(self, row: PartnerConfiguration) -> SafeString | str:
        if row.published is None:
            return "Never. SmartRecruiters does not know where to find us."
        said = (
            ", as it stands here."
            if partner_configuration.is_published(row)
            else ". It was changed here since: publish it again."
        )
        return format_html("{}{}", relative_time(row.published_at), said)

    @admin.display(description="state")
    def master_state(self, row: PartnerConfiguration) -> str:
        if settings.SMARTRECRUITERS_CLIENT_ID:
            return "Present, from the environment."
        return "Present, stored encrypted." if row.master_client_secret_sealed else "Missing. Enter it below."


def format_json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def parse_difference(line: str) -> dict[str, str]:
    """`key: here …, at SmartRecruiters …` taken apart, for a table; a line of another form stands alone."""
    key, found, values = line.partition(": here ")
    here, _, there = values.partition(", at SmartRecruiters ")
    return {"key": key, "here": here, "there": there} if found else {"key": line}
