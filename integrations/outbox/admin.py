"""Streams and deliveries: what must reach the outside, why it does not, and how it is sent again."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.outbox import deliveries
from integrations.outbox.handlers import handler_of
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Stream
from integrations.shown import chip, switch, when
from integrations.staff import Act, ReadOnlyAdmin, ReadOnlyInline, Refusal, link

S = DeliveryState
AGAIN = (S.FAILED, S.UNKNOWN)
REPLAYED_AT_ONCE = 900  # a form of a thousand fields is refused
TWICE = "Nobody knows whether it had its effect. If it had, it happens twice."


def pretty(value: Any) -> SafeString | str:
    if value in ("", None, {}, []):
        return "–"
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre class="code">{}</pre>', text)


def folded(summary: str, value: Any) -> SafeString | str:
    return format_html("<details><summary>{}</summary>{}</details>", summary, pretty(value)) if value else "–"


def fate(delivery: Delivery) -> tuple[bool, str]:
    """Whether a replay would send this delivery, and in words what it would do: the dry run."""
    if delivery.state not in AGAIN:
        return False, f"stays as it is: {chipless(delivery)}"
    try:
        unwanted = handler_of(delivery).unwanted(delivery)
    except KeyError:
        unwanted = "nothing here sends this kind any more"
    if unwanted:
        return False, f"not sent: {unwanted}"
    if delivery.stream.held_reason:
        return True, f"waits with its stream: {delivery.stream.held_reason}"
    return True, TWICE if delivery.state == S.UNKNOWN else "sent again, at once"


def chipless(delivery: Delivery) -> str:
    return delivery.get_state_display().lower()


class AttemptInline(ReadOnlyInline):
    model = Attempt
    verbose_name_plural = "attempts, newest first"
    fields = ("number", "began", "took", "status", "came_to", "sent", "came_back")
    readonly_fields = fields

    def began(self, attempt: Attempt) -> SafeString | str:
        return when(attempt.started_at)

    def took(self, attempt: Attempt) -> str:
        return "–" if attempt.duration_ms is None else f"{attempt.duration_ms} ms"

    @admin.display(description="came to")
    def came_to(self, attempt: Attempt) -> str:
        return attempt.error or attempt.outcome.replace("_", " ") or "on its way"

    def sent(self, attempt: Attempt) -> SafeString | str:
        return folded(f"{attempt.request.get('method', '')} {attempt.request.get('url', 'request')}", attempt.request)

    @admin.display(description="came back")
    def came_back(self, attempt: Attempt) -> SafeString | str:
        return folded("answer", attempt.response)


class Trouble(admin.SimpleListFilter):
    title = "what it needs"
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("hand", "A hand: failed or unknown"), ("late", "Patience: waiting after a failure")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        if self.value() == "hand":
            return queryset.filter(state__in=AGAIN)
        if self.value() == "late":
            return queryset.filter(state=S.PENDING, attempts_made__gt=0)
        return queryset


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("what", "state_", "reason", "subject", "tries", "time_")
    list_filter = (Trouble, "state", "kind")
    list_select_related = ("stream",)
    search_fields = ("=subject", "=key", "=stream__name", "reason")
    search_help_text = "By what it is about (an order's or a company's id), by stream, or by a word of the reason."
    date_hierarchy = "created_at"
    show_full_result_count = False
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("what", "state_", "reason", "due_", "about", "stream_", "key", "lane")}),
        ("Payload", {"classes": ("collapse",), "fields": ("payload_",)}),
        ("Dates", {"classes": ("collapse",), "fields": ("created_at", "started_at", "due_at", "finished_at")}),
    )
    readonly_fields = ("what", "state_", "about", "due_", "payload_", "stream_")
    inlines = (AttemptInline,)
    actions = ("replay",)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What was sent may tell of a candidate, so who looks at it is written down."""
        delivery = self.get_object(request, object_id)
        if delivery is not None and self.has_view_permission(request, delivery):
            self.record(request, "delivery.viewed", self.subject_of(delivery), delivery=delivery.pk)
        return super().change_view(request, object_id, form_url, extra_context)

    def subject_of(self, delivery: Any) -> str:
        return str(delivery.subject or delivery.key)

    def acts(self) -> Sequence[Act]:
        return (
            Act(
                "replay",
                "Send again",
                self._replay_one,
                lambda delivery: (
                    [f"This delivery is {fate(delivery)[1]}.", "The replay is recorded, with your name."]
                    if delivery.state != S.UNKNOWN
                    else [TWICE, "The replay is recorded, with your name."]
                ),
                lambda delivery: delivery.state in AGAIN,
            ),
            Act(
                "settle",
                "It has arrived",
                self._settle_one,
                lambda delivery: [
                    "You have seen at the other side that it had its effect: it counts as delivered.",
                    "It is not sent again. That is recorded, with your name.",
                ],
                lambda delivery: delivery.state == S.UNKNOWN,
            ),
        )

    def _replay_one(self, request: HttpRequest, delivery: Delivery) -> str:
        try:
            deliveries.replay(delivery)
        except deliveries.NotReplayable as error:
            raise Refusal(str(error)) from None
        self.record(request, "delivery.replayed", self.subject_of(delivery), delivery=delivery.pk)
        return "It is sent again now."

    def _settle_one(self, request: HttpRequest, delivery: Delivery) -> str:
        if not deliveries.settle(delivery):
            raise Refusal("It is not unknown any more.")
        self.record(request, "delivery.settled", self.subject_of(delivery), delivery=delivery.pk)
        return "It counts as delivered."

    @admin.action(description="Send again …", permissions=["act"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponse | None:
        """First a page that says of each what would happen; then, by its button, the replay."""
        chosen = list(queryset.select_related("stream")[:REPLAYED_AT_ONCE])
        fates = [(delivery, *fate(delivery)) for delivery in chosen]
        if "confirmed" not in request.POST:
            return TemplateResponse(request, "admin/outbox/delivery/replay.html", self._dry_run(request, fates))
        sent = sum(self._replay_quietly(request, delivery) for delivery, is_sent, _ in fates if is_sent)
        messages.success(request, f"{sent} sent again, {len(fates) - sent} left as they were.")
        return None

    def _replay_quietly(self, request: HttpRequest, delivery: Delivery) -> bool:
        try:
            self._replay_one(request, delivery)
        except Refusal:
            return False
        return True

    def _dry_run(self, request: HttpRequest, fates: list[tuple[Delivery, bool, str]]) -> dict[str, Any]:
        sent = [(delivery, said) for delivery, is_sent, said in fates if is_sent]
        left = [(delivery, said) for delivery, is_sent, said in fates if not is_sent]
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Send again: what will happen",
            "sent": sent,
            "left": left,
            "limit": REPLAYED_AT_ONCE,
            "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        }

    def has_act_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request)

    @admin.display(description="what", ordering="kind")
    def what(self, delivery: Delivery) -> str:
        return delivery.kind.replace("_", " ")

    @admin.display(description="state", ordering="state")
    def state_(self, delivery: Delivery) -> SafeString:
        return chip(delivery.state)

    @admin.display(description="about")
    def about(self, delivery: Delivery) -> SafeString | str:
        page = self.desk.page_of(delivery.subject)
        return format_html('<a href="{}">{}</a>', page, delivery.subject) if page else delivery.subject or "–"

    @admin.display(description="tries", ordering="attempts_made")
    def tries(self, delivery: Delivery) -> int:
        return delivery.attempts_made

    @admin.display(description="when", ordering="created_at")
    def time_(self, delivery: Delivery) -> SafeString:
        waits = delivery.state == S.PENDING
        return format_html("{} {}", "due" if waits else "from", when(delivery.due_at if waits else delivery.created_at))

    @admin.display(description="next try")
    def due_(self, delivery: Delivery) -> SafeString | str:
        return when(delivery.due_at) if delivery.state == S.PENDING else "–"

    @admin.display(description="stream")
    def stream_(self, delivery: Delivery) -> SafeString:
        return link(delivery.stream)

    @admin.display(description="as it was decided")
    def payload_(self, delivery: Delivery) -> SafeString | str:
        return pretty(delivery.payload)


@admin.register(Stream)
class StreamAdmin(ReadOnlyAdmin):
    list_display = ("name", "state_", "why", "waiting_", "oldest_", "paused_until_")
    search_fields = ("name",)
    fields = ("name", "state_", "why", "paused_until", "lease_expires_at", "pause_seconds", "next_calls")
    readonly_fields = ("state_", "why")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stream]:
        waits = Q(deliveries__state__in=[S.PENDING, S.HELD, S.IN_FLIGHT])
        streams: QuerySet[Stream] = super().get_queryset(request)
        return streams.annotate(
            waiting=Count("deliveries", filter=waits), oldest=Min("deliveries__created_at", filter=waits)
        )

    def acts(self) -> Sequence[Act]:
        return (
            Act(
                "release",
                "Send what is held",
                self._release,
                lambda stream: ["Everything that is held in this stream is sent now.", f"It was held: {why(stream)}"],
                # What belongs to a connection or a webhook is released by what is done to that.
                lambda stream: bool(stream.held_reason) and not stream.owner_id,
            ),
        )

    def subject_of(self, stream: Stream) -> str:
        return stream.name

    def _release(self, request: HttpRequest, stream: Stream) -> str:
        count = deliveries.release(stream.name)
        self.record(request, "stream.released", stream.name, deliveries=count)
        return f"{count} deliveries are sent now."

    @admin.display(description="state")
    def state_(self, stream: Stream) -> SafeString:
        return switch(not stream.held_reason, "Open", "Held")

    @admin.display(description="why")
    def why(self, stream: Stream) -> str:
        return why(stream) or "–"

    @admin.display(description="waiting", ordering="waiting")
    def waiting_(self, stream: Any) -> int:
        return int(stream.waiting)

    @admin.display(description="oldest", ordering="oldest")
    def oldest_(self, stream: Any) -> SafeString | str:
        oldest: datetime | None = stream.oldest
        return when(oldest)

    @admin.display(description="paused until", ordering="paused_until")
    def paused_until_(self, stream: Stream) -> SafeString | str:
        return when(stream.paused_until)


def why(stream: Stream) -> str:
    return stream.held_reason or ("The other side asked us to slow down." if stream.paused_until else "")
