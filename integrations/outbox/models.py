"""Tables of the transactional outbox: deliveries, their attempts, and the streams that they share."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q

from integrations.outbox import clock


class DeliveryState(models.TextChoices):
    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    DELIVERED = "delivered"
    SUPERSEDED = "superseded"
    HELD = "held"
    UNKNOWN = "unknown"
    FAILED = "failed"


class Ending(models.TextChoices):
    """How a delivered delivery ended without reaching a recipient."""

    NO_ACCESS = "no_access"
    NOT_SENT = "not_sent"


class Priority(models.IntegerChoices):
    RESULT = 0
    ACT = 1
    FETCH = 2


class Stream(models.Model):
    """Deliveries that share a credential and a rate limit. `fence` and `lease_expires_at` are its lease (leases.py)."""

    name = models.CharField(max_length=100, unique=True, help_text="kind:id, like connection:7, or a kind alone")
    fence = models.PositiveBigIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True, help_text="When a courier was last woken for it and has not started.")
    paused_until = models.DateTimeField(null=True, help_text="Set after a 429, a 503, or too many failures in a row.")
    pause_seconds = models.FloatField(default=0, help_text="Length of the last pause, which the next one doubles.")
    paused_since = models.DateTimeField(null=True, help_text="When the first pause since the last success began.")
    pause_reason = models.CharField(max_length=300, blank=True, help_text="What caused the last pause, for people.")
    paused_by_key = models.CharField(
        max_length=100, blank=True, help_text="The sequence key of the call that caused the pause."
    )
    next_calls = models.JSONField(default=dict, help_text="Time of the next call per endpoint, in epoch seconds.")
    held_reason = models.CharField(
        max_length=300, blank=True, help_text="If not empty, deliveries are on hold for this reason."
    )
    unauthorized_keys = models.JSONField(
        default=list, help_text="Sequence keys refused in a row, also with a new token."
    )
    forbidden_in_a_row = models.PositiveIntegerField(default=0)
    failures_in_a_row = models.PositiveIntegerField(default=0, help_text="Calls without a usable response.")

    class Meta:
        ordering = ["name"]
        verbose_name = "queue"

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> str:
        return self.name.partition(":")[0]

    @property
    def owner_id(self) -> str:
        """The primary key of the connection or webhook; empty for a stream without one."""
        return self.name.partition(":")[2]

    @property
    def is_paused(self) -> bool:
        return self.paused_until is not None and self.paused_until > clock.now()

    @property
    def is_probing(self) -> bool:
        """True after a pause, until a call succeeds: calls are made one at a time."""
        return bool(self.pause_seconds)


class Delivery(models.Model):
    """An outgoing call or message. Its state changes through `transitions.transition` only."""

    kind = models.CharField(max_length=40)
    stream = models.ForeignKey(Stream, models.PROTECT, related_name="deliveries")
    key = models.CharField(max_length=120, help_text="Sequence key: its deliveries are sent in order.")
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.ACT)
    subject = models.CharField(max_length=100, blank=True, help_text="Id of the order or company that it is about.")
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    ending = models.CharField(
        max_length=10, choices=Ending.choices, blank=True, help_text="How it ended, if its state does not tell that."
    )
    reason = models.CharField(max_length=500, blank=True)
    due_at = models.DateTimeField()
    attempts_made = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0, help_text="Failures since it was created or last replayed.")
    has_new_token = models.BooleanField(default=False, help_text="Sent again with a new token after a 401.")
    variant = models.PositiveSmallIntegerField(default=0, help_text="1 for the other content type, after a 415.")
    is_ambiguous = models.BooleanField(
        default=False, help_text="A call without a known outcome may have been processed."
    )
    fence = models.PositiveBigIntegerField(default=0, help_text="The stream's fence when it was claimed.")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, help_text="Start of the retry schedule.")
    finished_at = models.DateTimeField(null=True)

    context: Any = None  # not stored: the rows that its handler prefetched

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(
                fields=["stream", "priority", "due_at"],
                name="delivery_due",
                condition=Q(state=DeliveryState.PENDING),
            ),
            models.Index(fields=["due_at"], name="delivery_due_at", condition=Q(state=DeliveryState.PENDING)),
            models.Index(fields=["stream"], name="delivery_in_flight", condition=Q(state=DeliveryState.IN_FLIGHT)),
            models.Index(fields=["stream"], name="delivery_held", condition=Q(state=DeliveryState.HELD)),
            models.Index(fields=["key", "id"], name="delivery_key"),
            models.Index(fields=["subject"], name="delivery_subject"),
            models.Index(fields=["state", "finished_at"], name="delivery_state"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(state=DeliveryState.IN_FLIGHT),
                name="delivery_one_in_flight_per_key",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject or self.key}"

    @property
    def shown_state(self) -> str:
        """The key of its badge: its state, or a more exact ending."""
        return self.ending or self.state

    @property
    def next_attempt_at(self) -> datetime:
        """When a pending delivery is attempted: when it is due, or when the pause of its stream ends."""
        return max(self.due_at, self.stream.paused_until or self.due_at)


class Attempt(models.Model):
    """One attempt of a delivery. Written before the call starts and completed when its outcome is known."""

    CANDIDATE_FIELDS = ("request", "response", "error")  # see tests/orders/privacy/personal_data.py

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField(null=True)
    status = models.PositiveIntegerField(null=True, help_text="HTTP status of the response, if any.")
    outcome = models.CharField(max_length=20, blank=True, help_text="Empty while the call is running.")
    error = models.CharField(max_length=500, blank=True)
    request = models.JSONField(default=dict, help_text="Method, URL and body; redacted and truncated.")
    response = models.TextField(blank=True, help_text="Body of the response; redacted and truncated.")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.delivery_id}"


class Heartbeat(models.Model):
    """When a worker last reported that it is alive."""

    worker = models.CharField(max_length=100, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["worker"]

    def __str__(self) -> str:
        return self.worker
