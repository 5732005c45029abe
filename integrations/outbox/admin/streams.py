"""Admin of streams, which staff know as queues: pauses, holds and rate limits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from integrations.outbox import clock, deliveries
from integrations.outbox.models import DeliveryState, Stream
from integrations.staff.display import format_count, relative_time, render_boolean_badge
from integrations.staff.filters import ConditionFilter
from integrations.staff.model_admin import ObjectAction, ReadOnlyAdmin, StreamLabel

S = DeliveryState


class StopFilter(ConditionFilter):
    title = "state"
    parameter_name = "state"

    def get_conditions(self) -> dict[str, tuple[str, Q]]:
        return {
            "held": ("On hold", ~Q(held_reason="")),
            "paused": ("Paused", Q(held_reason="", paused_until__gt=clock.now())),
        }


@admin.register(Stream)
class StreamAdmin(ReadOnlyAdmin):
    empty_list_text = (
        "A queue appears here with its first delivery: one per connection and webhook endpoint, one per customer for "
        "emails to candidates, and one for other emails."
    )
    list_display = ("label_and_name", "state_badge", "waiting_count", "oldest_time")
    list_filter = (StopFilter,)
    search_fields = ("name",)
    search_help_text = "Search by customer, company id, engine or URL."
    fields = ("owner_link", "name", "state_badge", "paused_until_time", "last_pause", "next_calls_text", "lease_expiry")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stream]:
        waits = Q(deliveries__state__in=[S.PENDING, S.HELD, S.IN_FLIGHT])
        streams: QuerySet[Stream] = super().get_queryset(request)
        return streams.annotate(
            waiting=Count("deliveries", filter=waits), oldest=Min("deliveries__created_at", filter=waits)
        )

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        streams, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        if term := search_term.strip():
            streams |= queryset.filter(name__in=self.staff_site.search_streams(term))
        return streams, may_have_duplicates

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Load the labels for all rows of the page at once."""
        changelist = super().get_changelist_instance(request)
        labels = self.staff_site.get_stream_labels([stream.name for stream in changelist.result_list])
        for stream in changelist.result_list:
            vars(stream)["label"] = labels[stream.name].label
        return changelist

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        stream = self.get_object(request, object_id)
        title = {"title": self._get_label(stream).label} if isinstance(stream, Stream) else {}
        return super().change_view(request, object_id, form_url, title | (extra_context or {}))

    def _get_label(self, stream: Stream) -> StreamLabel:
        return self.staff_site.get_stream_labels([stream.name])[stream.name]

    def get_object_actions(self) -> Sequence[ObjectAction]:
        return (
            ObjectAction(
                "release",
                "Release",
                self._perform_release,
                lambda stream: [
                    "All deliveries on hold in this queue are sent now.",
                    f"Reason for the hold: {stop_reason(stream)}",
                ],
                _is_releasable,
            ),
            ObjectAction(
                "hold",
                "Put on hold",
                self._perform_hold,
                lambda stream: [
                    "Nothing of this queue is sent until it is released. New deliveries are on hold, too.",
                    "Calls that are running are completed. This is recorded with your name.",
                ],
                lambda stream: not stream.held_reason,
            ),
        )

    def get_audit_subject(self, stream: Stream) -> str:
        return stream.name

    def _perform_release(self, request: HttpRequest, stream: Stream) -> str:
        count = deliveries.release_stream(stream.name)
        self.record_audit(request, "stream.released", stream.name, deliveries=count)
        return f"{format_count(count, 'delivery is', 'deliveries are')} being sent."

    def _perform_hold(self, request: HttpRequest, stream: Stream) -> str:
        deliveries.hold_stream(stream.name, deliveries.HELD_BY_STAFF)
        self.record_audit(request, "stream.held", stream.name)
        return "The queue is on hold."

    @admin.display(description="queue", ordering="name")
    def label_and_name(self, stream: Any) -> SafeString:
        return format_html('{}<span class="second">{}</span>', stream.label, stream.name)

    @admin.display(description="belongs to")
    def owner_link(self, stream: Stream) -> SafeString | str:
        owner = self._get_label(stream)
        return format_html('<a href="{}">{}</a>', owner.url, owner.label) if owner.url else owner.label

    @admin.display(description="paused until")
    def paused_until_time(self, stream: Stream) -> SafeString | str:
        return relative_time(stream.paused_until)

    @admin.display(description="last pause")
    def last_pause(self, stream: Stream) -> str:
        return f"{stream.pause_seconds:g} s" if stream.pause_seconds else "–"

    @admin.display(description="next calls")
    def next_calls_text(self, stream: Stream) -> SafeString | str:
        """Return the endpoints that wait for the rate limiter."""
        now = clock.now().timestamp()
        waits = [(endpoint, f"{at - now:.1f}") for endpoint, at in sorted(stream.next_calls.items()) if at > now]
        return format_html_join(", ", "{}: in {} s", waits) or "–"

    @admin.display(description="lease until")
    def lease_expiry(self, stream: Stream) -> SafeString | str:
        until = stream.lease_expires_at
        return relative_time(until) if until and until > clock.now() else "–"

    @admin.display(description="state")
    def state_badge(self, stream: Stream) -> SafeString:
        word = "On hold" if stream.held_reason else "Paused"
        reason = stop_reason(stream)
        return format_html('{}<span class="second">{}</span>', render_boolean_badge(not reason, "Open", word), reason)

    @admin.display(description="waiting", ordering="waiting")
    def waiting_count(self, stream: Any) -> int:
        return int(stream.waiting)

    @admin.display(description="oldest", ordering="oldest")
    def oldest_time(self, stream: Any) -> SafeString | str:
        oldest: datetime | None = stream.oldest
        return relative_time(oldest)


def stop_reason(stream: Stream) -> str:
    """Return why the stream is not sent now, or an empty string."""
    until = stream.paused_until
    if stream.held_reason or until is None or not stream.is_paused:
        return stream.held_reason
    cause = stream.pause_reason.rstrip(".") or "The reason was not recorded"
    began = stream.paused_since and date_format(stream.paused_since, "j F, H:i")
    since = f" Since {began} UTC nothing got through." if began else ""
    return f"{cause}.{since} The next call is made at {date_format(until, 'H:i:s')} UTC."


def _is_releasable(stream: Stream) -> bool:
    """Return True for a hold by staff, or on a stream without an owner: others end with the owner's problem."""
    return bool(stream.held_reason) and (not stream.owner_id or stream.held_reason == deliveries.HELD_BY_STAFF)
