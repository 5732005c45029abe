"""The catalogue: packages, the assessments in them, and the rules that say who sees which."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from integrations.models import AssessmentType, Customer

RESERVED_IDS = ("orders", "inline")
MOST_DAYS = 3650
PACKAGE_ID = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"


def validate_package_id(value: str) -> None:
    if value in RESERVED_IDS:
        raise ValidationError(f"“{value}” is the name of one of our own addresses; choose another id.")


class DeliveredBy(models.TextChoices):
    ENGINE = "engine", "the engine"
    MANUAL = "manual", "staff, by hand"


class Package(models.Model):
    """What a customer orders. Never deleted: hiring steps store its id for years, so it only retires."""

    id = models.CharField(
        primary_key=True,
        max_length=64,
        validators=[
            RegexValidator(rf"\A{PACKAGE_ID}\Z", "Begin with a letter or digit; then letters, digits, _ and -."),
            validate_package_id,
        ],
    )
    type = models.CharField(max_length=30, choices=AssessmentType.choices)
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=2000, blank=True)
    delivery = models.CharField(
        "carried out by", max_length=10, choices=DeliveredBy.choices, default=DeliveredBy.ENGINE
    )
    invite_candidate = models.BooleanField(default=True, help_text="Write to the candidate when an order comes in.")
    remind_after_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)],
        help_text="Write again, once, to a candidate who was invited and has not begun. Empty: never.",
    )
    expires_after_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)],
        help_text="Report an order as EXPIRED that nobody has begun by then. Empty: never.",
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Assessment(models.Model):
    """One part of a package, with a result of its own."""

    package = models.ForeignKey(Package, models.CASCADE, related_name="assessments")
    assessment_id = models.CharField(
        "id", max_length=64, validators=[RegexValidator(rf"\A{PACKAGE_ID}\Z", "Letters, digits, _ and -.")]
    )
    type = models.CharField(max_length=30, choices=AssessmentType.choices)
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=2000, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["package", "assessment_id"], name="assessment_id_unique_in_package")
        ]

    def __str__(self) -> str:
        return self.name


class Rule(models.Model):
    """A package with rules is seen by whom one of them matches; a rule matches when all its filled keys match."""

    package = models.ForeignKey(Package, models.CASCADE, related_name="rules")
    customer = models.ForeignKey(Customer, models.CASCADE, null=True, blank=True, related_name="+")
    requester = models.CharField(max_length=254, blank=True, help_text="An address, or @domain.example.")
    country = models.CharField(max_length=10, blank=True, help_text="Two letters, like DE.")
    region = models.CharField(max_length=20, blank=True, help_text="The region's abbreviation, like CA.")
    city = models.CharField(max_length=100, blank=True)
    remote = models.BooleanField(null=True, blank=True)
    fields = models.JSONField(default=dict, blank=True, help_text="Values of the mapped fields, by field id.")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"rule {self.pk} of {self.package_id}"
