"""Orders, what was reported of them, and what happened to each."""

import secrets

from django.db import models
from django.db.models import F, Q
from django.utils.crypto import get_random_string

from assessments.models import Package
from integrations.encryption import Sealed, SealedField
from integrations.models import Client, Connection

ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def make_order_id() -> str:
    return "ord_" + get_random_string(20, ID_ALPHABET)


def make_attachment_id() -> str:
    return "att_" + get_random_string(20, ID_ALPHABET)


def make_link_token() -> str:
    """For links that are a right by themselves: 192 random bits."""
    return secrets.token_urlsafe(24)


class Status(models.TextChoices):
    PENDING = "PENDING", "Pending"
    IN_PROGRESS = "IN_PROGRESS", "In progress"
    COMPLETED = "COMPLETED", "Completed"
    REJECTED = "REJECTED", "Rejected"
    EXPIRED = "EXPIRED", "Expired"


FINAL_STATUSES = (Status.COMPLETED, Status.REJECTED, Status.EXPIRED)


class Order(models.Model):
    """What SmartRecruiters ordered. `intake.place` makes it; `results`, `leases` and `visits` carry it on."""

    id = models.CharField(primary_key=True, max_length=40, default=make_order_id, editable=False)
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="orders")
    package = models.ForeignKey(Package, models.PROTECT, related_name="orders")
    smartrecruiters_order_id = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the known content: the same order, or another one?")
    result_callback_url = models.CharField(max_length=500)
    is_inline = models.BooleanField(default=False)
    completed_callback_url = models.CharField(max_length=2000, blank=True)
    candidate_id = models.CharField(max_length=200, blank=True)
    candidate_email = models.CharField(max_length=320, blank=True)
    candidate_first_name = models.CharField(max_length=200, blank=True)
    candidate_last_name = models.CharField(max_length=200, blank=True)
    candidate_language = models.CharField(max_length=35, blank=True)
    requester_user_id = models.CharField(max_length=200, blank=True)
    requester_email = models.CharField(max_length=320, blank=True)
    job_id = models.CharField(max_length=200, blank=True)
    fields = models.JSONField(default=dict)
    unknown = models.JSONField(default=dict, help_text="Keys that came and that we do not know; kept, bounded.")
    status = models.CharField(
        max_length=12,
        choices=Status.choices,
        blank=True,
        help_text="What was reported last; empty: nothing yet.",
    )
    accepted_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    leased_by = models.ForeignKey(Client, models.SET_NULL, null=True, related_name="+")
    launch_url = models.CharField(max_length=2000, blank=True)
    link_token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the candidate's link token.")
    link_token_sealed = SealedField()
    link_token = Sealed("link_token_sealed", owner="pk")
    visited_at = models.DateTimeField(null=True, help_text="When the candidate first went on to the assessment.")
    reminded_at = models.DateTimeField(null=True, help_text="When it was decided to write to the candidate again.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            # Of all connections: another company's order must not be answered, let alone written to.
            models.UniqueConstraint(fields=["smartrecruiters_order_id"], name="order_once")
        ]
        indexes = [
            models.Index(fields=["updated_at", "id"], name="order_updated"),
            models.Index(fields=["created_at", "id"], name="order_created"),
            models.Index(
                fields=["created_at"],
                name="order_to_lease",
                condition=Q(accepted_at=None, erased_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES

    @property
    def candidate_name(self) -> str:
        return f"{self.candidate_first_name} {self.candidate_last_name}".strip()


class Result(models.Model):
    """What is reported of an order (`assessment_id` empty) or of one assessment in it: the state, not the history."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="results")
    assessment_id = models.CharField(max_length=64, blank=True, help_text="Empty: of the whole package.")
    status = models.CharField(max_length=12, choices=Status.choices, blank=True)
    assessment_date = models.DateTimeField(null=True, help_text="Of the package: assessmentPackageDate on the wire.")
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


class AttachmentType(models.TextChoices):
    PDF_URL = "PDF_URL"
    VIDEO_URL = "VIDEO_URL"
    OTHER_URL = "OTHER_URL"


class Attachment(models.Model):
    """A report: a file that we host under a random link, or an address of the engine's."""

    id = models.CharField(primary_key=True, max_length=40, default=make_attachment_id, editable=False)
    order = models.ForeignKey(Order, models.CASCADE, related_name="attachments")
    assessment_id = models.CharField(max_length=64, blank=True)
    type = models.CharField(max_length=10, choices=AttachmentType.choices)
    name = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file, or of the address.")
    external_url = models.CharField(max_length=2000, blank=True)
    file = models.CharField(max_length=100, blank=True, help_text="Its random key under the files folder.")
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


class UploadState(models.TextChoices):
    PLANNED = "planned"
    SENT = "sent"
    REFUSED = "refused", "refused: its link is sent instead"
    DAMAGED = "damaged", "damaged: nothing is sent of it"
    REMOVED = "removed", "removed before it was sent"


class Upload(models.Model):
    """The ledger of uploads: one content of one order goes to SmartRecruiters once, wherever it is attached.

    That a planned one is on its way, or that nobody knows what became of it, is the state of its delivery.
    """

    order = models.ForeignKey(Order, models.CASCADE, related_name="uploads")
    digest = models.CharField(max_length=64, help_text="As of the attachments that show it.")
    state = models.CharField(max_length=10, choices=UploadState.choices, default=UploadState.PLANNED)
    url_sealed = SealedField(help_text="Where SmartRecruiters keeps it: perhaps a right by itself, like our own links.")
    url = Sealed("url_sealed", owner="pk")
    reason = models.CharField(max_length=500, blank=True, help_text="Why it is not uploaded.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["order", "digest"], name="upload_once_per_content")]

    def __str__(self) -> str:
        return f"upload {self.pk} of {self.order_id}"

    @property
    def delivery_key(self) -> str:
        """The sequence key of its delivery: a lane of its own, which holds up no result."""
        return f"{self.order_id}:upload:{self.pk}"


class ResourceKind(models.TextChoices):
    CANDIDATE = "candidate"
    JOB = "job"
    HIRING_TEAM = "hiring_team"


class ResourceState(models.TextChoices):
    AWAITED = "awaited"
    THERE = "there"
    NONE = "none"


class Resource(models.Model):
    """Our copy of what SmartRecruiters tells of an order's candidate, job or hiring team; `reason` where none."""

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
    """Between whom: SmartRecruiters → us, engine ↔ us, candidate ↔ us, us → SmartRecruiters."""

    IN = "in"
    ENGINE = "engine"
    CANDIDATE = "candidate"
    OUT = "out"


class OrderEvent(models.Model):
    """One line of an order's timeline. Nothing personal in it: who reported, not of whom."""

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
    """One comparison of what was reported with what became of it: how many orders stand where, and the gap."""

    at = models.DateTimeField(auto_now_add=True)
    reported = models.PositiveIntegerField(default=0)
    confirmed = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    gap = models.PositiveIntegerField(default=0, help_text="Reported, and none of these.")
    gaps = models.JSONField(default=dict, help_text="The first of these orders, each with why.")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} UTC"
