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

FORMAT = "%Y-%m-%dT%H:%M"


def _instant(label: str) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "class": "vTextField"}, format=FORMAT)
    return forms.DateTimeField(label=f"{label} (UTC)", widget=widget)


class StretchForm(forms.Form):
    since = _instant("From")
    until = _instant("Until")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if {"since", "until"} <= cleaned.keys() and cleaned["since"] >= cleaned["until"]:
            self.add_error("until", "This is not after the beginning: choose a later time.")
        return cleaned


class Replay(ReadOnlyAdmin):
    def get_urls(self) -> list[URLPattern]:
        view: Any = self.admin_site.admin_view(self.replay_view)
        return [path("<path:object_id>/replay/", view, name="integrations_webhook_replay"), *super().get_urls()]

    @csrf_protect_m
    def replay_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET says what would go again, POST does it."""
        webhook = cast(Webhook | None, self.get_object(request, object_id))
        if webhook is None:
            raise Http404
        if not self.may_act(request):
            raise PermissionDenied
        form = StretchForm(request.POST or request.GET or None, initial=_last_day())
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            stretch = form.cleaned_data
            try:
                if request.method == "POST":
                    return self._done(request, webhook, replay.replay(webhook, **stretch))
                context["plan"] = replay.plan(webhook, **stretch)
            except replay.TooMany as refusal:
                form.add_error(None, str(refusal))
        about = {"opts": self.opts, "original": webhook, "title": f"Send again: {webhook}"}
        context |= self.admin_site.each_context(request) | about | {"back_url": self.url_of(webhook)}
        return TemplateResponse(request, "admin/integrations/webhook/replay.html", context)

    def _done(self, request: HttpRequest, webhook: Webhook, done: replay.Plan) -> HttpResponse:
        stretch = {name: request.POST[name] for name in ("since", "until")}
        self.record(request, "webhook.replayed", webhook.pk, **stretch, sent=len(done.again), waiting=done.waiting)
        messages.success(request, f"{len(done.again):,} sent again, {done.waiting:,} were on their way already.")
        return redirect(self.url_of(webhook))


def _last_day() -> dict[str, Any]:
    now = timezone.now()
    return {"since": now - timedelta(days=1), "until": now + timedelta(minutes=1)}
