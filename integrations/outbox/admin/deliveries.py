"""Admin of deliveries: dead letters, their attempts, and replays."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.outbox import deliveries
from integrations.outbox.admin import replay_preview, replay_progress
from integrations.outbox.admin.attempts import AttemptInline, render_code
from integrations.outbox.admin.replay_preview import REPLAYABLE_STATES
from integrations.outbox.handlers import get_handler
from integrations.outbox.models import Delivery, DeliveryState
from integrations.outbox.sending import failure_messages
from integrations.staff.display import STATUS_BADGES, relative_time, render_status_badge
from integrations.staff.filters import ConditionFilter
from integrations.staff.model_admin import ActionError, ObjectAction, ReadOnlyAdmin, can_see_personal, render_admin_link

S = DeliveryState
RECORDED = "This is recorded with your name."


def _is_available(states: Sequence[DeliveryState], delivery: Delivery) -> bool:
    """Return True in one of the states. A pending delivery must have failed: others are sent soon anyway."""
    return delivery.state in states and (delivery.state != S.PENDING or delivery.failures > 0)


def _is_replayable(delivery: Delivery) -> bool:
    return delivery.state in REPLAYABLE_STATES and not _is_dismissable(delivery)


def _is_dismissable(delivery: Delivery) -> bool:
    """Return True if a replay would not send, so that only the alarm remains to be cleared."""
    return delivery.state in REPLAYABLE_STATES and replay_preview.find_skip_reason(delivery) != ""


def _describe_dismissal(delivery: Delivery) -> list[str]:
    reason = replay_preview.find_skip_reason(delivery)
    return [f"It cannot be sent again: {reason}.", "Nothing is sent. It no longer needs attention.", RECORDED]


def _unavailable_reason(delivery: Delivery) -> str:
    if _is_dismissable(delivery):
        return f"It cannot be sent again: {replay_preview.find_skip_reason(delivery)}. You can dismiss it."
    return {
        S.DELIVERED: "It has been delivered in the meantime, so nothing is left to do.",
        S.IN_FLIGHT: "It is being sent right now. The outcome appears here.",
    }.get(S(delivery.state), "")


def _describe_replay(delivery: Delivery) -> list[str]:
    return [f"This delivery {replay_preview.predict_replay(delivery)[1]}.", RECORDED]


def _describe_retry(delivery: Delivery) -> list[str]:
    due = date_format(delivery.due_at, "j F, H:i")
    end = delivery.stream.paused_until if delivery.stream.is_paused else None
    now = f"when the pause of its queue ends, at {date_format(end, 'H:i:s')} UTC," if end else "now"
    return [f"It is sent {now} instead of on {due} UTC. If it fails again, it is retried as usual.", RECORDED]


def _describe_mark_delivered(_: Delivery) -> list[str]:
    return ["You have checked that the other side has it. It counts as delivered and is not sent again.", RECORDED]


class AttentionFilter(ConditionFilter):
    title = "attention"
    parameter_name = "needs"

    def get_conditions(self) -> dict[str, tuple[str, Q]]:
        return {
            "hand": ("Needs attention: failed or unknown", Q(state__in=REPLAYABLE_STATES)),
            "late": ("Waiting for a retry", Q(state=S.PENDING, attempts_made__gt=0)),
        }


ALL = "all"


class StateFilter(admin.SimpleListFilter):
    """Leaves out superseded deliveries, which were never sent, unless they are selected or searched for."""

    title = "state"
    parameter_name = "state__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, STATUS_BADGES[state][0]) for state in S.values] + [(ALL, "All, also superseded")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        default, *others = super().choices(changelist)
        return iter(({**default, "display": "All but superseded"}, *others))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        if self.value() in S.values:
            return queryset.filter(state=self.value())
        is_everything = self.value() == ALL or bool(request.GET.get(SEARCH_VAR))
        return queryset if is_everything else queryset.exclude(state=S.SUPERSEDED)


SUMMARY_FIELDS = ("kind_label", "state_badge", "next_attempt_time", "subject_link", "stream_link")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    empty_list_text = (
        "Everything that is sent to SmartRecruiters, to engines and by email appears here, with every attempt."
    )
    list_display = ("kind_label", "state_badge", "subject_with_customer", "attempt_count", "relevant_time")
    list_filter = (AttentionFilter, StateFilter, "kind")
    list_select_related = ("stream",)
    search_fields = ("=subject", "=key", "=stream__name", "reason")
    search_help_text = "Search by order id, company id, queue, or a word of the reason."
    date_hierarchy = "created_at"
    show_full_result_count = False
    list_per_page = 50
    fieldsets = (
        (None, {"fields": SUMMARY_FIELDS}),
        ("Payload", {"classes": ("collapse",), "fields": ("payload_code",)}),
        ("Technical", {"classes": ("collapse",), "fields": ("key", "priority")}),
        ("Dates", {"classes": ("collapse",), "fields": ("created_at", "started_at", "due_at", "finished_at")}),
    )
    readonly_fields = (*SUMMARY_FIELDS, "payload_code")
    inlines = (AttemptInline,)
    linked_lookups = ("ending__exact",)
    actions = ("replay",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if can_see_personal(request) else [each for each in fieldsets if each[0] != "Payload"]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # A delivery may have personal data of a candidate, so each look at it is recorded.
        delivery = self.get_object(request, object_id)
        if delivery is not None and self.has_view_permission(request, delivery):
            self.record_audit(request, "delivery.viewed", self.get_audit_subject(delivery), delivery=delivery.pk)
        return super().change_view(request, object_id, form_url, extra_context)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Load the customers' names for all rows of the page at once."""
        changelist = super().get_changelist_instance(request)
        customers = self.staff_site.get_customer_names([delivery.subject for delivery in changelist.result_list])
        for delivery in changelist.result_list:
            vars(delivery)["customer_name"] = customers.get(delivery.subject, "")
        return changelist

    def get_audit_subject(self, delivery: Any) -> str:
        return str(delivery.subject or delivery.key)

    def get_object_actions(self) -> Sequence[ObjectAction]:
        actions = (
            ("replay", "Send again", self._perform_replay, _describe_replay, _is_replayable),
            ("dismiss", "Dismiss", self._perform_dismissal, _describe_dismissal, _is_dismissable),
            ("hurry", "Try again now", self._perform_retry_now, _describe_retry, partial(_is_available, (S.PENDING,))),
            (
                *("settle", "Mark as delivered", self._perform_mark_delivered, _describe_mark_delivered),
                partial(_is_available, (S.UNKNOWN,)),
            ),
        )
        return [
            ObjectAction(verb, label, perform, describe, is_available, unavailable_reason=_unavailable_reason)
            for verb, label, perform, describe, is_available in actions
        ]

    def _perform_replay(self, request: HttpRequest, delivery: Delivery) -> str | HttpResponse:
        self._replay_and_record(request, delivery)
        return self._redirect_to_subject(request, delivery, replay_preview.describe_queued(delivery, "sent again"))

    def _replay_and_record(self, request: HttpRequest, delivery: Delivery) -> None:
        try:
            deliveries.replay(delivery)
        except deliveries.NotReplayableError as error:
            raise ActionError(str(error)) from None
        self.record_audit(request, "delivery.replayed", self.get_audit_subject(delivery), delivery=delivery.pk)

    def _perform_retry_now(self, request: HttpRequest, delivery: Delivery) -> str | HttpResponse:
        if not deliveries.retry_now(delivery):
            delivery.refresh_from_db()
            raise ActionError(_unavailable_reason(delivery) or "It is not waiting for a retry any more.")
        self.record_audit(request, "delivery.hurried", self.get_audit_subject(delivery), delivery=delivery.pk)
        return self._redirect_to_subject(request, delivery, replay_preview.describe_queued(delivery, "sent now"))

    def _perform_mark_delivered(self, request: HttpRequest, delivery: Delivery) -> str | HttpResponse:
        if not deliveries.mark_delivered(delivery):
            raise ActionError("Its outcome is not unknown any more.")
        self.record_audit(request, "delivery.settled", self.get_audit_subject(delivery), delivery=delivery.pk)
        return self._redirect_to_subject(request, delivery, "It counts as delivered.")

    def _perform_dismissal(self, request: HttpRequest, delivery: Delivery) -> str | HttpResponse:
        if not deliveries.dismiss(delivery, replay_preview.find_skip_reason(delivery)):
            raise ActionError("It is not failed any more.")
        self.record_audit(request, "delivery.dismissed", self.get_audit_subject(delivery), delivery=delivery.pk)
        return self._redirect_to_subject(request, delivery, "It is dismissed.")

    def _redirect_to_subject(self, request: HttpRequest, delivery: Delivery, message: str) -> str | HttpResponse:
        """Redirect to the page of the order or company that it is about, if there is one."""
        page = self.staff_site.get_subject_url(delivery.subject)
        if not page:
            return message
        messages.success(request, message)
        return redirect(page)

    @admin.action(description="Send again …", permissions=["act"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponse | None:
        """Show a preview page first, and replay when it is confirmed."""
        batch = replay_preview.build_batch(queryset)
        if "confirmed" not in request.POST:
            return TemplateResponse(request, "admin/outbox/delivery/replay.html", self._preview_context(request, batch))
        sent = [delivery.pk for delivery, _ in batch.to_send if self._try_replay(request, delivery)]
        left = len(batch.to_send) + len(batch.skipped) - len(sent)
        messages.success(request, f"{len(sent)} queued again, {left} left unchanged.")
        self._warn_remaining(request)
        return redirect("admin:outbox_delivery_progress", key=replay_progress.track_replay(sent)) if sent else None

    def _warn_remaining(self, request: HttpRequest) -> None:
        """Link to the remaining deliveries: the form's URL is the list with its filter."""
        rest = request.POST.get("rest", "")
        if rest.isdecimal() and int(rest):
            text = '{} more were selected. <a href="{}">Continue: select them in the list</a>'
            messages.warning(request, format_html(text, rest, request.get_full_path()))

    def _try_replay(self, request: HttpRequest, delivery: Delivery) -> bool:
        try:
            self._replay_and_record(request, delivery)
        except ActionError:
            return False
        return True

    def progress_view(self, request: HttpRequest, key: str) -> HttpResponse:
        """Show the progress of a replay of many deliveries. The page reloads until all are done."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        progress = replay_progress.get_progress(key)
        if progress is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Queued again: {progress.delivered} of {progress.total} delivered",
            "progress": progress,
        }
        return TemplateResponse(request, "admin/outbox/delivery/progress.html", context)

    def get_urls(self) -> list[URLPattern]:
        view: Any = self.admin_site.admin_view(self.progress_view)
        return [path("progress/<slug:key>/", view, name="outbox_delivery_progress"), *super().get_urls()]

    def _preview_context(self, request: HttpRequest, batch: replay_preview.ReplayBatch) -> dict[str, Any]:
        chosen = [delivery for delivery, _ in (*batch.to_send, *batch.skipped)]
        labels = self.staff_site.get_stream_labels([delivery.stream.name for delivery in chosen])
        for delivery in chosen:
            vars(delivery)["stream_label"] = labels[delivery.stream.name].label
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Send again: preview",
            "sent": batch.to_send,
            "left": batch.skipped,
            "rest": batch.remaining,
            "limit": replay_preview.BATCH_SIZE,
            "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        }

    def has_act_permission(self, request: HttpRequest) -> bool:
        return self.can_act(request)

    @admin.display(description="kind", ordering="kind")
    def kind_label(self, delivery: Delivery) -> str:
        return get_handler(delivery).label

    @admin.display(description="state", ordering="state")
    def state_badge(self, delivery: Delivery) -> SafeString:
        badge = render_status_badge(delivery.shown_state)
        reason = failure_messages.translate_reason(delivery.reason, get_handler(delivery))
        return format_html('{}<span class="second">{}</span>', badge, reason)

    @admin.display(description="about")
    def subject_link(self, delivery: Delivery) -> SafeString | str:
        page = self.staff_site.get_subject_url(delivery.subject)
        return format_html('<a href="{}">{}</a>', page, delivery.subject) if page else delivery.subject or "–"

    @admin.display(description="about", ordering="subject")
    def subject_with_customer(self, delivery: Delivery) -> SafeString:
        customer = vars(delivery).get("customer_name", "")
        return format_html('{}<span class="second">{}</span>', delivery.subject or "–", customer)

    @admin.display(description="attempts", ordering="attempts_made")
    def attempt_count(self, delivery: Delivery) -> int:
        return delivery.attempts_made

    @admin.display(description="when", ordering="created_at")
    def relevant_time(self, delivery: Delivery) -> SafeString | str:
        waits = delivery.state == S.PENDING
        time = relative_time(delivery.next_attempt_at if waits else delivery.created_at)
        return format_html("due {}", time) if waits else time

    @admin.display(description="next attempt")
    def next_attempt_time(self, delivery: Delivery) -> SafeString | str:
        return relative_time(delivery.next_attempt_at) if delivery.state == S.PENDING else "–"

    @admin.display(description="stream")
    def stream_link(self, delivery: Delivery) -> SafeString:
        name = delivery.stream.name
        return render_admin_link(delivery.stream, self.staff_site.get_stream_labels([name])[name].label)

    @admin.display(description="payload")
    def payload_code(self, delivery: Delivery) -> SafeString | str:
        return render_code(delivery.payload)
