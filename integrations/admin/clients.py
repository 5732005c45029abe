"""Engine clients. A secret is shown once, on the page that answers its making: never stored, never shown again."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from integrations.audit import Actor
from integrations.models import Client
from integrations.oauth import engine_clients
from integrations.staff.display import relative_time, render_boolean_badge
from integrations.staff.model_admin import ObjectAction, StaffAdmin


@admin.register(Client)
class EngineClientAdmin(StaffAdmin):
    plural = "Engines"
    audits_itself = True
    empty_list_text = "Add an engine, and copy its two credentials into your platform: it fetches orders with them."
    view_on_site = False
    list_display = ("name", "client_id", "state_badge", "created_time", "revoked_time")
    search_fields = ("name", "=client_id")
    search_help_text = "By name or client id."
    fields = ("name", "client_id", "state_badge", "created", "revoked_at")
    readonly_fields = ("client_id", "state_badge", "created", "revoked_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Client]:
        """SmartRecruiters' clients belong to their connections and are not engines."""
        return super().get_queryset(request).filter(connection=None)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields if obj else ("name",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "name" in form.base_fields:
            form.base_fields["name"].required = True
            form.base_fields["name"].help_text = "Which of your systems uses it, like “production”."
        return form

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Revoked, not deleted: what it did stays attributed."""
        return False

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["name", "updated"])
            return
        client, secret = engine_clients.create_client(obj.name, actor=Actor.from_request(request))
        obj.__dict__.update(client.__dict__, shown_once=secret)

    def response_add(self, request: HttpRequest, obj: Client, post_url_continue: str | None = None) -> HttpResponse:
        return self._render_secret(request, obj, obj.__dict__.pop("shown_once"))

    def _render_secret(self, request: HttpRequest, client: Client, secret: str) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "original": client,
            "secret": secret,
            "title": f"The secret of “{client.name}”",
            "back_url": self.get_change_url(client),
        }
        return TemplateResponse(request, "admin/integrations/client/secret.html", context)

    def _renew_secret(self, request: HttpRequest, client: Client) -> HttpResponse:
        secret = engine_clients.rotate_secret(client, actor=Actor.from_request(request))
        return self._render_secret(request, client, secret)

    def _revoke_client(self, request: HttpRequest, client: Client) -> str:
        engine_clients.revoke_client(client, actor=Actor.from_request(request))
        return f"“{client.name}” is revoked."

    def get_audit_subject(self, client: Client) -> str:
        return str(client.client_id)

    def get_object_actions(self) -> Sequence[ObjectAction]:
        return (
            ObjectAction(
                "renew",
                "New secret",
                self._renew_secret,
                lambda client: [
                    "The present secret and its tokens stop working at once.",
                    "A new secret is shown to you, this one time. Put it into the engine right away.",
                ],
                lambda client: client.revoked_at is None,
            ),
            ObjectAction(
                "revoke",
                "Revoke",
                self._revoke_client,
                lambda client: [
                    "The engine that uses this client is cut off at once: it takes no orders and reports no results.",
                    "Orders and results stay as they are. A revoked client never comes back; make a new one instead.",
                ],
                lambda client: client.revoked_at is None,
                is_destructive=True,
            ),
        )

    @admin.display(description="state", ordering="revoked_at")
    def state_badge(self, client: Client) -> SafeString:
        return render_boolean_badge(client.revoked_at is None, "Active", "Revoked")

    @admin.display(description="made", ordering="created")
    def created_time(self, client: Client) -> SafeString | str:
        return relative_time(client.created)

    @admin.display(description="revoked", ordering="revoked_at")
    def revoked_time(self, client: Client) -> SafeString | str:
        return relative_time(client.revoked_at)
