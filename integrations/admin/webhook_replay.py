"""Replay of webhook messages: choose a period, preview the number of messages, send them again."""

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
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
            self.add_error("until", "The end must be after the start: choose a later time.")
        return cleaned


class WebhookReplayAdmin(ReadOnlyAdmin):
    def get_urls(self) -> list[URLPattern]:
        view: Any = self.admin_site.admin_view(self.replay_view)
        return [path("<path:object_id>/replay/", view, name="integrations_webhook_replay"), *super().get_urls()]

    def replay_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Preview the replay on GET, start it on POST."""
        webhook = cast(Webhook | None, self.get_object(request, object_id))
        if webhook is None:
            raise Http404
        if not self.can_act(request):
            raise PermissionDenied
        form = TimeRangeForm(request.POST or request.GET or None, initial=_default_range())
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            period = form.cleaned_data
            try:
                if request.method == "POST":
                    return self._report_replay(request, webhook, replay.replay_events(webhook, **period))
                context["plan"] = replay.plan_replay(webhook, **period)
            except replay.TooManyMessagesError as error:
                form.add_error(None, str(error))
        template, title = "admin/integrations/webhook/replay.html", f"Send again: {webhook}"
        return self.render_object_page(request, webhook, template, title, **context)

    def _report_replay(self, request: HttpRequest, webhook: Webhook, plan: replay.ReplayPlan) -> HttpResponse:
        period = {name: request.POST[name] for name in ("since", "until")}
        sent, waiting = len(plan.events), plan.waiting_count
        self.record_audit(request, "webhook.replayed", webhook.pk, **period, sent=sent, waiting=waiting)
        messages.success(request, f"{sent:,} queued again, {waiting:,} were already queued.")
        return redirect(self.get_change_url(webhook))


def _default_range() -> dict[str, Any]:
    now = timezone.now()
    return {"since": now - timedelta(days=1), "until": now + timedelta(minutes=1)}
