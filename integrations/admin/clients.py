"""Admin of engines, the OAuth clients of the vendor's platforms. A new secret is shown once and never stored."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from integrations.audit import Actor
from integrations.models import Client
from integrations.oauth import engine_clients
from integrations.staff.display import render_boolean_badge, time_column
from integrations.staff.model_admin import ObjectAction, StaffAdmin


@admin.register(Client)
class EngineClientAdmin(StaffAdmin):
    plural = "Engines"
    audits_itself = is_grave = True
    empty_list_text = (
        "Add an engine, and copy its client id and secret into your platform, which uses them to fetch orders."
    )
    view_on_site = False
    list_display = ("name", "client_id", "state_badge", "created_time", "revoked_time")
    search_fields = ("name", "=client_id")
    search_help_text = "By name or client id."
    fields = ("name", "client_id", "state_badge", "created", "revoked_at")
    readonly_fields = ("client_id", "state_badge", "created", "revoked_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Client]:
        """Leave out SmartRecruiters' clients, which belong to connections."""
        return super().get_queryset(request).filter(connection=None)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields if obj else ("name",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "name" in form.base_fields:
            form.base_fields["name"].required = True
            form.base_fields["name"].help_text = "The system that uses it, for example “production”."
        return form

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # engines are revoked instead, so that the audit log can refer to them

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["name", "updated"])
            return
        client, secret = engine_clients.create_client(obj.name, actor=Actor.from_request(request))
        obj.__dict__.update(client.__dict__, shown_once=secret)

    def response_add(self, request: HttpRequest, obj: Client, post_url_continue: str | None = None) -> HttpResponse:
        return self._render_secret(request, obj, obj.__dict__.pop("shown_once"))

    def _render_secret(self, request: HttpRequest, client: Client, secret: str) -> HttpResponse:
        template, title = "admin/integrations/client/secret.html", f"Secret of “{client}”"
        return self.render_object_page(request, client, template, title, secret=secret)

    def _renew_secret(self, request: HttpRequest, client: Client) -> HttpResponse:
        secret = engine_clients.rotate_secret(client, actor=Actor.from_request(request))
        return self._render_secret(request, client, secret)

    def _revoke_client(self, request: HttpRequest, client: Client) -> str:
        engine_clients.revoke_client(client, actor=Actor.from_request(request))
        return f"“{client}” was revoked."

    def get_audit_subject(self, client: Client) -> str:
        return str(client.client_id)

    def get_object_actions(self) -> Sequence[ObjectAction]:
        return (
            ObjectAction(
                "renew",
                "New secret",
                self._renew_secret,
                lambda client: [
                    "The current secret and its tokens stop working immediately.",
                    "You see the new secret once. Copy it into the engine immediately.",
                ],
                lambda client: client.revoked_at is None,
                is_grave=True,
            ),
            ObjectAction(
                "revoke",
                "Revoke",
                self._revoke_client,
                lambda client: [
                    "The engine loses access immediately: it can neither fetch orders nor report results.",
                    "Orders and results stay as they are. This cannot be undone; add a new engine instead.",
                ],
                lambda client: client.revoked_at is None,
                is_destructive=True,
                is_grave=True,
            ),
        )

    @admin.display(description="state", ordering="revoked_at")
    def state_badge(self, client: Client) -> SafeString:
        return render_boolean_badge(client.revoked_at is None, "Active", "Revoked")

    created_time = time_column("created", "added")
    revoked_time = time_column("revoked_at", "revoked")
