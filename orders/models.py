"""Orders, their results and reports, and their timeline."""

import secrets
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Concat
from django.utils.crypto import get_random_string

from assessments.models import Package
from integrations.encryption import Sealed, SealedField
from integrations.http.trusted_origins import MAX_URL_LENGTH
from integrations.models import Client, Connection
from integrations.outbox.models import Delivery, DeliveryState
from integrations.text import isolate_direction

ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def make_order_id() -> str:
    return "ord_" + get_random_string(20, ID_ALPHABET)


def make_attachment_id() -> str:
    return "att_" + get_random_string(20, ID_ALPHABET)


def make_link_token() -> str:
    """Return a bearer token of 192 random bits for a candidate's or a report's link."""
    return secrets.token_urlsafe(24)


class Status(models.TextChoices):
    PENDING = "PENDING", "Pending"
    IN_PROGRESS = "IN_PROGRESS", "In progress"
    COMPLETED = "COMPLETED", "Completed"
    REJECTED = "REJECTED", "Rejected"
    EXPIRED = "EXPIRED", "Expired"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Read the empty status of an order without a report as PENDING."""
        return cls("PENDING") if value == "" else None


FINAL_STATUSES = (Status.COMPLETED, Status.REJECTED, Status.EXPIRED)


class OrderQuerySet(models.QuerySet["Order"]):
    def with_newest_result(self) -> Self:
        """Annotate `newest_result_id` and `newest_result_state`: of the delivery of the newest result, or None.

        A superseded delivery does not count: SmartRecruiters has the one before it.
        """
        sent = Delivery.objects.filter(key=Concat(OuterRef("pk"), Value(":result")))
        newest = sent.exclude(state=DeliveryState.SUPERSEDED).order_by("-pk")
        return self.annotate(
            newest_result_id=Subquery(newest.values("pk")[:1]), newest_result_state=Subquery(newest.values("state")[:1])
        )

    def with_status(self, status: str) -> Self:
        """Filter by `reported_status`: orders without a report are PENDING."""
        return self.filter(status__in=["", status] if status == Status.PENDING else [status])

    def with_term_started_before(self, end: datetime) -> Self:
        return self.filter(Q(reopened_at=None) | Q(reopened_at__lt=end), created_at__lt=end)

    def with_term_started_since(self, start: datetime) -> Self:
        return self.filter(Q(created_at__gte=start) | Q(reopened_at__gte=start))


class Order(models.Model):
    """An assessment of one candidate, ordered by SmartRecruiters.

    Written by `intake` (creation), `results`, `leases`, `launch` and `privacy.erasure` only.
    """

    # Emptied by an erasure, part of an export; tests/orders/privacy/personal_data.py accounts for all other columns.
    CANDIDATE_FIELDS = (
        *("candidate_id", "candidate_email", "candidate_first_name", "candidate_last_name", "candidate_language"),
        *("requester_user_id", "requester_email", "job_id", "fields", "unknown"),
        *("completed_callback_url", "launch_url"),
    )

    id = models.CharField(primary_key=True, max_length=40, default=make_order_id, editable=False)
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="orders")
    package = models.ForeignKey(Package, models.PROTECT, related_name="orders")
    smartrecruiters_order_id = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the known content, to recognise a repeat.")
    result_callback_url = models.CharField(max_length=500)
    is_inline = models.BooleanField(default=False)
    completed_callback_url = models.CharField(max_length=MAX_URL_LENGTH, blank=True)
    candidate_id = models.CharField(max_length=200, blank=True)
    candidate_email = models.CharField(max_length=320, blank=True)
    candidate_first_name = models.CharField(max_length=200, blank=True)
    candidate_last_name = models.CharField(max_length=200, blank=True)
    candidate_language = models.CharField(max_length=35, blank=True)
    requester_user_id = models.CharField(max_length=200, blank=True)
    requester_email = models.CharField(max_length=320, blank=True)
    job_id = models.CharField(max_length=200, blank=True)
    fields = models.JSONField(default=dict)
    unknown = models.JSONField(default=dict, help_text="Unknown keys and changed values, as they came, up to 8 KB.")
    status = models.CharField(
        max_length=12, choices=Status.choices, blank=True, help_text="Reported last; empty before the first report."
    )
    accepted_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    leased_by = models.ForeignKey(Client, models.SET_NULL, null=True, related_name="+")
    launch_url = models.CharField(max_length=2000, blank=True)
    link_token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the candidate's link token.")
    link_token_sealed = SealedField()
    link_token = Sealed("link_token_sealed", owner="pk")
    visited_at = models.DateTimeField(null=True, help_text="When the candidate first continued to the assessment.")
    reminded_at = models.DateTimeField(null=True, help_text="When the reminder was queued.")
    reopened_at = models.DateTimeField(
        null=True, help_text="When a correction last set the status back to pending, which starts a new term."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    erased_at = models.DateTimeField(null=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            # Over all connections: a company must not get at the order of another one by repeating its id.
            models.UniqueConstraint(fields=["smartrecruiters_order_id"], name="order_once")
        ]
        indexes = [
            models.Index(fields=["updated_at", "id"], name="order_updated"),
            models.Index(fields=["created_at", "id"], name="order_created"),
            models.Index(fields=["created_at"], name="order_to_lease", condition=Q(accepted_at=None, erased_at=None)),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def reported_status(self) -> Status:
        """The status as it is shown everywhere: PENDING before the first report."""
        return Status(self.status)

    @property
    def term_started_at(self) -> datetime:
        """The instant from which the package's days until the reminder and until expiry count."""
        return self.reopened_at or self.created_at

    @property
    def take_url(self) -> str:
        """The candidate's link, which never changes."""
        return f"{settings.PUBLIC_URL}/take/{self.link_token}"

    @property
    def return_url(self) -> str:
        return f"{self.take_url}/done"

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES

    @property
    def candidate_name(self) -> str:
        """The name for people, as part of a sentence."""
        return isolate_direction(f"{self.candidate_first_name} {self.candidate_last_name}".strip())


class Result(models.Model):
    """The current result of an order (`assessment_id` empty) or of one of its assessments."""

    CANDIDATE_FIELDS = ("name", "summary", "score_label")

    order = models.ForeignKey(Order, models.CASCADE, related_name="results")
    assessment_id = models.CharField(max_length=64, blank=True, help_text="Empty: the whole package.")
    status = models.CharField(max_length=12, choices=Status.choices, blank=True)
    assessment_date = models.DateTimeField(null=True, help_text="Sent as assessmentPackageDate for the package.")
    submission_date = models.DateTimeField(null=True)
    name = models.CharField(max_length=200, null=True)
    summary = models.CharField(max_length=4000, null=True)
    score_label = models.CharField(max_length=200, null=True)
    score_raw = models.BigIntegerField(null=True)
    score_min = models.BigIntegerField(null=True)
    score_max = models.BigIntegerField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["order", "assessment_id"], name="result_once_per_assessment"),
            models.CheckConstraint(
                condition=Q(score_raw=None, score_min=None, score_max=None)
                | Q(score_min__lt=F("score_max"), score_raw__gte=F("score_min"), score_raw__lte=F("score_max")),
                name="result_score_whole_and_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"result of {self.order_id} {self.assessment_id}".strip()

    @property
    def score(self) -> dict[str, int | None] | None:
        if self.score_raw is None:
            return None
        return {"raw": self.score_raw, "min": self.score_min, "max": self.score_max}


class AttachmentType(models.TextChoices):
    PDF_URL = "PDF_URL"
    VIDEO_URL = "VIDEO_URL"
    OTHER_URL = "OTHER_URL"


class Attachment(models.Model):
    """A report: a file that we host under a random link, or a URL of the engine."""

    CANDIDATE_FIELDS = ("name", "external_url", "file", "digest")

    id = models.CharField(primary_key=True, max_length=40, default=make_attachment_id, editable=False)
    order = models.ForeignKey(Order, models.CASCADE, related_name="attachments")
    assessment_id = models.CharField(max_length=64, blank=True)
    type = models.CharField(max_length=10, choices=AttachmentType.choices)
    name = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file or of the URL.")
    external_url = models.CharField(max_length=2000, blank=True)
    file = models.CharField(max_length=100, blank=True, help_text="Random file name in the files folder.")
    content_type = models.CharField(max_length=40, blank=True)
    size = models.PositiveIntegerField(default=0)
    link_token_hash = models.CharField(max_length=64, unique=True, null=True)
    link_token_sealed = SealedField()
    link_token = Sealed("link_token_sealed", owner="pk")
    opened_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["order", "assessment_id", "digest"], name="attachment_once_per_content"),
            models.CheckConstraint(
                condition=Q(file="") ^ Q(external_url=""), name="attachment_is_a_file_or_an_address"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.id

    @property
    def url(self) -> str:
        return self.external_url or f"{settings.PUBLIC_URL}/files/{self.link_token}"


class UploadState(models.TextChoices):
    PLANNED = "planned"
    SENT = "sent"
    REFUSED = "refused", "refused: the link is sent instead"
    DAMAGED = "damaged", "damaged: nothing is sent"
    REMOVED = "removed", "removed before it was sent"


class Upload(models.Model):
    """Ledger of uploads to SmartRecruiters: each content of an order is uploaded once, wherever it is attached.

    A planned upload may be on its way or have an unknown outcome; its delivery's state tells.
    """

    CANDIDATE_FIELDS = ("digest", "url_sealed", "reason")

    order = models.ForeignKey(Order, models.CASCADE, related_name="uploads")
    digest = models.CharField(max_length=64, help_text="Digest of the attachments with this content.")
    state = models.CharField(max_length=10, choices=UploadState.choices, default=UploadState.PLANNED)
    # Encrypted, because the URL may open the report without signing in, as our own links do.
    url_sealed = SealedField(help_text="URL of the report at SmartRecruiters.")
    url = Sealed("url_sealed", owner="pk")
    reason = models.CharField(max_length=500, blank=True, help_text="Why it was not uploaded.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["order", "digest"], name="upload_once_per_content")]

    def __str__(self) -> str:
        return f"upload {self.pk} of {self.order_id}"

    @property
    def delivery_key(self) -> str:
        """The sequence key of its delivery. Not the results' key, so that an upload delays no result."""
        return f"{self.order_id}:upload:{self.pk}"


class ResourceKind(models.TextChoices):
    CANDIDATE = "candidate"
    JOB = "job"
    HIRING_TEAM = "hiring_team", "Hiring team"


class ResourceState(models.TextChoices):
    AWAITED = "awaited"
    THERE = "there"
    NONE = "none"


class Resource(models.Model):
    """Our copy of an order's candidate, job or hiring team at SmartRecruiters, or the `reason` why there is none."""

    CANDIDATE_FIELDS = ("content", "reason")

    order = models.ForeignKey(Order, models.CASCADE, related_name="resources")
    kind = models.CharField(max_length=20, choices=ResourceKind.choices)
    state = models.CharField(max_length=10, choices=ResourceState.choices, default=ResourceState.AWAITED)
    content = models.JSONField(default=dict)
    reason = models.CharField(max_length=300, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "kind"], name="resource_once_per_order")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.order_id}"


class Hop(models.TextChoices):
    """A leg of the exchange: SmartRecruiters → us, engine ↔ us, candidate ↔ us, us → SmartRecruiters."""

    IN = "in"
    ENGINE = "engine"
    CANDIDATE = "candidate"
    OUT = "out"


class OrderEvent(models.Model):
    """An entry of an order's timeline. Holds no data of the candidate, except the reason of a correction."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    hop = models.CharField(max_length=10, choices=Hop.choices)
    what = models.CharField(max_length=200)
    by = models.CharField(max_length=254, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.what} ({self.order_id})"


class Reconciliation(models.Model):
    """One run of the reconciliation: the number of reported orders by the state of their delivery, and the gap."""

    at = models.DateTimeField(auto_now_add=True)
    reported = models.PositiveIntegerField(default=0)
    confirmed = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    gap = models.PositiveIntegerField(default=0, help_text="Reported, but in none of these states.")
    gaps = models.JSONField(default=dict, help_text="The first of these orders, with the reason.")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} UTC"
