from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.outbox import clock, deliveries
from integrations.outbox.models import DeliveryState, Stream
from integrations.shown import counted, switch, when
from integrations.staff import Act, ReadOnlyAdmin

S = DeliveryState
HELD_BY_STAFF = "Held by staff."


@admin.register(Stream)
class StreamAdmin(ReadOnlyAdmin):
    nothing_yet = "Each way out will stand here once something went over it: a connection, an endpoint, e-mail."
    list_display = ("name", "state_", "waiting_", "oldest_")
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
                _may_be_released,
            ),
            Act(
                "hold",
                "Hold",
                self._hold,
                lambda stream: [
                    "Nothing of this stream is sent until somebody sends what is held; what comes in waits, too.",
                    "Calls on their way end. That is recorded, with your name.",
                ],
                lambda stream: not stream.held_reason,
            ),
        )

    def subject_of(self, stream: Stream) -> str:
        return stream.name

    def _release(self, request: HttpRequest, stream: Stream) -> str:
        count = deliveries.release(stream.name)
        self.record(request, "stream.released", stream.name, deliveries=count)
        return f"{counted(count, 'delivery is', 'deliveries are')} sent now."

    def _hold(self, request: HttpRequest, stream: Stream) -> str:
        deliveries.hold(stream.name, HELD_BY_STAFF)
        self.record(request, "stream.held", stream.name)
        return "Nothing of this stream is sent any more."

    @admin.display(description="state")
    def state_(self, stream: Stream) -> SafeString:
        """With why, where it is held or paused."""
        word = "Held" if stream.held_reason else "Paused"
        reason = why(stream)
        return format_html('{}<span class="second">{}</span>', switch(not reason, "Open", word), reason)

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


def why(stream: Stream) -> str:
    """Empty where it is open."""
    until = stream.paused_until
    if stream.held_reason or until is None or until <= clock.now():
        return stream.held_reason
    return f"The other side asked us to slow down. It goes on at {date_format(until, 'H:i:s')} UTC."


def _may_be_released(stream: Stream) -> bool:
    """What belongs to a connection or a webhook is released by what is done to that, unless staff held it."""
    return bool(stream.held_reason) and (not stream.owner_id or stream.held_reason == HELD_BY_STAFF)
