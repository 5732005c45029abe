"""What must reach the outside. The database is the truth; the broker only wakes workers (DESIGN.md)."""

from django.db import models
from django.db.models import Q


class DeliveryState(models.TextChoices):
    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    DELIVERED = "delivered"
    SUPERSEDED = "superseded"
    HELD = "held"
    UNKNOWN = "unknown"
    FAILED = "failed"


S = DeliveryState
TRANSITIONS: dict[str, frozenset[str]] = {
    S.PENDING: frozenset({S.IN_FLIGHT, S.SUPERSEDED, S.HELD}),
    S.IN_FLIGHT: frozenset({S.DELIVERED, S.PENDING, S.SUPERSEDED, S.UNKNOWN, S.FAILED, S.HELD}),
    S.DELIVERED: frozenset(),
    S.SUPERSEDED: frozenset(),
    S.HELD: frozenset({S.PENDING, S.SUPERSEDED}),
    S.UNKNOWN: frozenset({S.DELIVERED, S.PENDING, S.FAILED}),
    S.FAILED: frozenset({S.PENDING, S.SUPERSEDED}),
}


class Priority(models.IntegerChoices):
    """What goes first within a stream."""

    RESULT = 0
    ACT = 1
    FETCH = 2


class Stream(models.Model):
    """What shares a pace and a credential. One holder at a time: a lease with an expiry and a fencing number."""

    name = models.CharField(max_length=100, unique=True, help_text="kind:id, like connection:7, or a kind alone")
    fence = models.PositiveBigIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True, help_text="When its id was last sent to a courier that has not begun.")
    paused_until = models.DateTimeField(null=True, help_text="429 or 503: the whole credential waits.")
    pause_seconds = models.FloatField(default=0, help_text="The last pause; the next one is twice as long.")
    paused_by_key = models.CharField(max_length=100, blank=True, help_text="The sequence key whose call was refused.")
    next_calls = models.JSONField(default=dict, help_text="Per endpoint the time, in epoch seconds, of the next call.")
    held_reason = models.CharField(max_length=300, blank=True, help_text="Not empty: nothing is sent until it is back.")
    unauthorized_keys = models.JSONField(
        default=list, help_text="Whose calls met a 401 in a row, also with a new token."
    )
    forbidden_in_a_row = models.PositiveIntegerField(default=0)
    failures_in_a_row = models.PositiveIntegerField(default=0, help_text="Calls without a usable answer.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> str:
        return self.name.partition(":")[0]

    @property
    def owner_id(self) -> str:
        """What stands behind the kind: the primary key of the connection or webhook."""
        return self.name.partition(":")[2]


class Delivery(models.Model):
    """One thing that must happen outside, as it was decided."""

    kind = models.CharField(max_length=40)
    stream = models.ForeignKey(Stream, models.PROTECT, related_name="deliveries")
    key = models.CharField(max_length=120, help_text="Sequence key: within it deliveries go in order.")
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.ACT)
    subject = models.CharField(max_length=100, blank=True, help_text="What it is about, like ord_…; for people.")
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    reason = models.CharField(max_length=500, blank=True)
    due_at = models.DateTimeField()
    attempts_made = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0, help_text="Since it was created or last replayed.")
    has_new_token = models.BooleanField(default=False, help_text="It met a 401 and goes again with a new token.")
    variant = models.PositiveSmallIntegerField(default=0, help_text="1: the other content type, after a 415.")
    is_ambiguous = models.BooleanField(default=False, help_text="A call may have had its effect unseen.")
    fence = models.PositiveBigIntegerField(default=0, help_text="The stream's fence when it was claimed.")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, help_text="Where the schedule counts from.")
    finished_at = models.DateTimeField(null=True)

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


class Attempt(models.Model):
    """One try of one delivery: written before the call goes out, completed when its outcome is known."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField(null=True)
    status = models.PositiveIntegerField(null=True, help_text="HTTP status, where there was an answer.")
    outcome = models.CharField(max_length=20, blank=True, help_text="Empty: it has not come back.")
    error = models.CharField(max_length=500, blank=True)
    request = models.JSONField(default=dict, help_text="Method, address and body; secrets masked, cut.")
    response = models.TextField(blank=True, help_text="The answer's body; secrets masked, cut.")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"try {self.number} of {self.delivery_id}"


class Heartbeat(models.Model):
    """When a worker was last seen alive, by its name."""

    worker = models.CharField(max_length=100, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["worker"]

    def __str__(self) -> str:
        return self.worker
