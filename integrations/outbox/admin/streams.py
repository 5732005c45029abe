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
from integrations.staff.model_admin import ObjectAction, ReadOnlyAdmin, StreamLabel

S = DeliveryState
HELD_BY_STAFF = "Held by staff."


@admin.register(Stream)
class StreamAdmin(ReadOnlyAdmin):
    empty_list_text = "Each way out will stand here once something went over it: a connection, an endpoint, e-mail."
    list_display = ("label_and_name", "state_badge", "waiting_count", "oldest_time")
    search_fields = ("name",)
    search_help_text = "By a customer, a company's id, an engine or its address."
    fields = (
        "owner_link",
        "name",
        "state_badge",
        "stop_reason_text",
        "paused_until_time",
        "last_pause",
        "next_calls_text",
        "lease_expiry",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stream]:
        waits = Q(deliveries__state__in=[S.PENDING, S.HELD, S.IN_FLIGHT])
        streams: QuerySet[Stream] = super().get_queryset(request)
        return streams.annotate(
            waiting=Count("deliveries", filter=waits), oldest=Min("deliveries__created_at", filter=waits)
        )

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By the names that people know, too."""
        found, has_twice = super().get_search_results(request, queryset, search_term)
        if term := search_term.strip():
            found |= queryset.filter(name__in=self.staff_site.search_streams(term))
        return found, has_twice

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With whose they are, asked for all rows of the page at once."""
        shown = super().get_changelist_instance(request)
        ways = self.staff_site.get_stream_labels([stream.name for stream in shown.result_list])
        for stream in shown.result_list:
            vars(stream)["label"] = ways[stream.name].label
        return shown

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
                "Send what is held",
                self._perform_release,
                lambda stream: [
                    "Everything that is held in this stream is sent now.",
                    f"It was held: {stop_reason(stream)}",
                ],
                _is_releasable,
            ),
            ObjectAction(
                "hold",
                "Hold",
                self._perform_hold,
                lambda stream: [
                    "Nothing of this stream is sent until somebody sends what is held; what comes in waits, too.",
                    "Calls on their way end. That is recorded, with your name.",
                ],
                lambda stream: not stream.held_reason,
            ),
        )

    def get_audit_subject(self, stream: Stream) -> str:
        return stream.name

    def _perform_release(self, request: HttpRequest, stream: Stream) -> str:
        count = deliveries.release_stream(stream.name)
        self.record_audit(request, "stream.released", stream.name, deliveries=count)
        return f"{format_count(count, 'delivery is', 'deliveries are')} sent now."

    def _perform_hold(self, request: HttpRequest, stream: Stream) -> str:
        deliveries.hold_stream(stream.name, HELD_BY_STAFF)
        self.record_audit(request, "stream.held", stream.name)
        return "Nothing of this stream is sent any more."

    @admin.display(description="stream", ordering="name")
    def label_and_name(self, stream: Any) -> SafeString:
        return format_html('{}<span class="second">{}</span>', stream.label, stream.name)

    @admin.display(description="whose")
    def owner_link(self, stream: Stream) -> SafeString | str:
        way = self._get_label(stream)
        return format_html('<a href="{}">{}</a>', way.url, way.label) if way.url else way.label

    @admin.display(description="paused until")
    def paused_until_time(self, stream: Stream) -> SafeString | str:
        return relative_time(stream.paused_until)

    @admin.display(description="last pause")
    def last_pause(self, stream: Stream) -> str:
        """The next one would be twice as long."""
        return f"{stream.pause_seconds:g} s" if stream.pause_seconds else "–"

    @admin.display(description="next calls")
    def next_calls_text(self, stream: Stream) -> SafeString | str:
        """Of each endpoint, by its pace; those whose time has come wait for nothing."""
        now = clock.now().timestamp()
        waits = [(endpoint, at - now) for endpoint, at in sorted(stream.next_calls.items()) if at > now]
        return (
            format_html_join(", ", "{}: in {} s", ((endpoint, f"{seconds:.1f}") for endpoint, seconds in waits)) or "–"
        )

    @admin.display(description="carried by a courier until")
    def lease_expiry(self, stream: Stream) -> SafeString | str:
        until = stream.lease_expires_at
        return relative_time(until) if until and until > clock.now() else "–"

    @admin.display(description="state")
    def state_badge(self, stream: Stream) -> SafeString:
        """With why, where it is held or paused."""
        word = "Held" if stream.held_reason else "Paused"
        reason = stop_reason(stream)
        return format_html('{}<span class="second">{}</span>', render_boolean_badge(not reason, "Open", word), reason)

    @admin.display(description="why")
    def stop_reason_text(self, stream: Stream) -> str:
        return stop_reason(stream) or "–"

    @admin.display(description="waiting", ordering="waiting")
    def waiting_count(self, stream: Any) -> int:
        return int(stream.waiting)

    @admin.display(description="oldest", ordering="oldest")
    def oldest_time(self, stream: Any) -> SafeString | str:
        oldest: datetime | None = stream.oldest
        return relative_time(oldest)


def stop_reason(stream: Stream) -> str:
    """Empty where it is open."""
    until = stream.paused_until
    if stream.held_reason or until is None or until <= clock.now():
        return stream.held_reason
    return f"The other side asked us to slow down. It goes on at {date_format(until, 'H:i:s')} UTC."


def _is_releasable(stream: Stream) -> bool:
    """What belongs to a connection or a webhook is released by what is done to that, unless staff held it."""
    return bool(stream.held_reason) and (not stream.owner_id or stream.held_reason == HELD_BY_STAFF)
