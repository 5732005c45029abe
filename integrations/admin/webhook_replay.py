"""Sending a stretch of time again, for the webhooks' admin: first how many, then the button."""

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.options import csrf_protect_m
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from integrations.models import Webhook
from integrations.staff.model_admin import ReadOnlyAdmin
from integrations.webhooks import replay

DATETIME_FORMAT = "%Y-%m-%dT%H:%M"


def _datetime_field(label: str) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "class": "vTextField"}, format=DATETIME_FORMAT)
    return forms.DateTimeField(label=f"{label} (UTC)", widget=widget)


class TimeRangeForm(forms.Form):
    since = _datetime_field("From")
    until = _datetime_field("Until")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if {"since", "until"} <= cleaned.keys() and cleaned["since"] >= cleaned["until"]:
            self.add_error("until", "This is not after the beginning: choose a later time.")
        return cleaned


class WebhookReplayAdmin(ReadOnlyAdmin):
    def get_urls(self) -> list[URLPattern]:
        view: Any = self.admin_site.admin_view(self.replay_view)
        return [path("<path:object_id>/replay/", view, name="integrations_webhook_replay"), *super().get_urls()]

    @csrf_protect_m
    def replay_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET says what would go again, POST does it."""
        webhook = cast(Webhook | None, self.get_object(request, object_id))
        if webhook is None:
            raise Http404
        if not self.can_act(request):
            raise PermissionDenied
        form = TimeRangeForm(request.POST or request.GET or None, initial=_default_range())
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            stretch = form.cleaned_data
            try:
                if request.method == "POST":
                    return self._report_replay(request, webhook, replay.replay_events(webhook, **stretch))
                context["plan"] = replay.plan_replay(webhook, **stretch)
            except replay.TooManyMessagesError as refusal:
                form.add_error(None, str(refusal))
        about = {"opts": self.opts, "original": webhook, "title": f"Send again: {webhook}"}
        context |= self.admin_site.each_context(request) | about | {"back_url": self.get_change_url(webhook)}
        return TemplateResponse(request, "admin/integrations/webhook/replay.html", context)

    def _report_replay(self, request: HttpRequest, webhook: Webhook, plan: replay.ReplayPlan) -> HttpResponse:
        stretch = {name: request.POST[name] for name in ("since", "until")}
        self.record_audit(
            request, "webhook.replayed", webhook.pk, **stretch, sent=len(plan.events), waiting=plan.waiting_count
        )
        messages.success(request, f"{len(plan.events):,} sent again, {plan.waiting_count:,} were on their way already.")
        return redirect(self.get_change_url(webhook))


def _default_range() -> dict[str, Any]:
    now = timezone.now()
    return {"since": now - timedelta(days=1), "until": now + timedelta(minutes=1)}
