"""Engine clients. A secret is shown once, on the page that answers its making: never stored, never shown again."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from integrations.http.ip_addresses import address_of
from integrations.models import Client, User
from integrations.oauth import engine_clients
from integrations.staff.display import switch, when
from integrations.staff.model_admin import Act, StaffAdmin


@admin.register(Client)
class EngineClientAdmin(StaffAdmin):
    plural = "Engines"
    verbs_audit = True
    nothing_yet = "Add an engine, and copy its two credentials into your platform: it fetches orders with them."
    view_on_site = False
    list_display = ("name", "client_id", "state_", "created_", "revoked_at_")
    search_fields = ("name", "=client_id")
    search_help_text = "By name or client id."
    fields = ("name", "client_id", "state_", "created", "revoked_at")
    readonly_fields = ("client_id", "state_", "created", "revoked_at")

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
        client, secret = engine_clients.create(obj.name, by=cast(User, request.user), address=address_of(request))
        obj.__dict__.update(client.__dict__, shown_once=secret)

    def response_add(self, request: HttpRequest, obj: Client, post_url_continue: str | None = None) -> HttpResponse:
        return self._shown_once(request, obj, obj.__dict__.pop("shown_once"))

    def _shown_once(self, request: HttpRequest, client: Client, secret: str) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "original": client,
            "secret": secret,
            "title": f"The secret of “{client.name}”",
            "back_url": self.url_of(client),
        }
        return TemplateResponse(request, "admin/integrations/client/secret.html", context)

    def _renew(self, request: HttpRequest, client: Client) -> HttpResponse:
        secret = engine_clients.renew_secret(client, by=cast(User, request.user), address=address_of(request))
        return self._shown_once(request, client, secret)

    def _revoke(self, request: HttpRequest, client: Client) -> str:
        engine_clients.revoke(client, by=cast(User, request.user), address=address_of(request))
        return f"“{client.name}” is revoked."

    def subject_of(self, client: Client) -> str:
        return str(client.client_id)

    def acts(self) -> Sequence[Act]:
        return (
            Act(
                "renew",
                "New secret",
                self._renew,
                lambda client: [
                    "The present secret and its tokens stop working at once.",
                    "A new secret is shown to you, this one time. Put it into the engine right away.",
                ],
                lambda client: client.revoked_at is None,
            ),
            Act(
                "revoke",
                "Revoke",
                self._revoke,
                lambda client: [
                    "The engine that uses this client is cut off at once: it takes no orders and reports no results.",
                    "Orders and results stay as they are. A revoked client never comes back; make a new one instead.",
                ],
                lambda client: client.revoked_at is None,
                is_grave=True,
            ),
        )

    @admin.display(description="state", ordering="revoked_at")
    def state_(self, client: Client) -> SafeString:
        return switch(client.revoked_at is None, "Active", "Revoked")

    @admin.display(description="made", ordering="created")
    def created_(self, client: Client) -> SafeString | str:
        return when(client.created)

    @admin.display(description="revoked", ordering="revoked_at")
    def revoked_at_(self, client: Client) -> SafeString | str:
        return when(client.revoked_at)
