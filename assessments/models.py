"""Models of the catalogue: packages, their assessments, their visibility rules, and the revision of it all."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import connection, models
from django.utils.crypto import get_random_string

from integrations.models import AssessmentType, Customer, User
from integrations.text import isolate_direction

RESERVED_IDS = ("orders", "inline")
MAX_DAYS = 3650
DAYS_VALIDATORS = (MinValueValidator(1), MaxValueValidator(MAX_DAYS))
PACKAGE_ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"


def validate_package_id(value: str) -> None:
    if value in RESERVED_IDS:
        raise ValidationError(f"“{value}” is reserved; choose another id.")


class DeliveredBy(models.TextChoices):
    ENGINE = "engine", "the engine"
    MANUAL = "manual", "staff, manually"


class CatalogueRevision(models.Model):
    """Revision of the catalogue, a single row. Each write changes it, so that a process can keep its compiled form.

    Random, not a number: a number that was rolled back would come again, for another catalogue.
    """

    value = models.CharField(max_length=32)

    def __str__(self) -> str:
        return self.value

    @classmethod
    def read(cls) -> str:
        with connection.cursor() as cursor:  # each order and each list reads it: the ORM would take five times as long
            cursor.execute(f"SELECT value FROM {cls._meta.db_table} WHERE id = 1")  # noqa: S608 (a constant)
            row = cursor.fetchone()
        return row[0] if row else ""

    @classmethod
    def renew(cls, **_: Any) -> None:
        """Change the revision, and so lock the catalogue until the transaction ends.

        Called before each write, also by signals: writers that take this lock first do not deadlock.
        """
        value = get_random_string(32)
        if not cls.objects.filter(pk=1).update(value=value):
            cls.objects.update_or_create(pk=1, defaults={"value": value})

    @classmethod
    def renew_unchanged(cls, known: str) -> bool:
        """Change the revision as `renew` does, unless it is not the known one any more. Return whether it was."""
        return cls.objects.filter(pk=1, value=known).update(value=get_random_string(32)) == 1


class CatalogueQuerySet(models.QuerySet[Any]):
    """Renews the revision at writes that send no signals."""

    def update(self, **columns: Any) -> int:
        CatalogueRevision.renew()
        return super().update(**columns)

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        CatalogueRevision.renew()
        return super().bulk_create(objs, *args, **kwargs)


class Package(models.Model):
    """Package that a customer can order. It is retired, never deleted: hiring steps store its id for years."""

    id = models.CharField(
        primary_key=True,
        max_length=64,
        validators=[
            RegexValidator(rf"\A{PACKAGE_ID_PATTERN}\Z", "Start with a letter or digit; after it also _ and -."),
            validate_package_id,
        ],
    )
    type = models.CharField(max_length=30, choices=AssessmentType.choices)
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=2000, blank=True)
    delivery = models.CharField("delivered by", max_length=10, choices=DeliveredBy.choices, default=DeliveredBy.ENGINE)
    invite_candidate = models.BooleanField(default=True, help_text="Email the candidate when an order arrives.")
    remind_after_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=DAYS_VALIDATORS,
        help_text="Send one reminder to an invited candidate who has not started by then. Empty: never.",
    )
    expires_after_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=DAYS_VALIDATORS,
        help_text="Report an order as expired if the candidate has not started by then. Empty: never.",
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CatalogueQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return isolate_direction(self.name)


class Assessment(models.Model):
    """Part of a package with a result of its own."""

    package = models.ForeignKey(Package, models.CASCADE, related_name="assessments")
    assessment_id = models.CharField(
        "id", max_length=64, validators=[RegexValidator(rf"\A{PACKAGE_ID_PATTERN}\Z", "Letters, digits, _ and -.")]
    )
    type = models.CharField(max_length=30, choices=AssessmentType.choices)
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=2000, blank=True)
    position = models.PositiveIntegerField(default=0)

    objects = CatalogueQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["package", "assessment_id"], name="assessment_id_unique_in_package")
        ]

    def __str__(self) -> str:
        return isolate_direction(self.name)


def cascade_unless_last(collector: Any, field: Any, rules: Any, using: str) -> None:
    """Delete a customer's rules, unless one is the last of its package, which every customer would then see."""
    packages = {rule.package_id for rule in rules}
    kept = Rule.objects.using(using).filter(package__in=packages).exclude(pk__in=[rule.pk for rule in rules])
    opened = packages - set(kept.values_list("package_id", flat=True))
    if last := {rule for rule in rules if rule.package_id in opened}:
        raise models.ProtectedError("Without these rules, every customer would see their packages.", last)
    models.CASCADE(collector, field, rules, using)


class Rule(models.Model):
    """Visibility rule of a package. It matches when all its filled keys match; one matching rule is enough."""

    package = models.ForeignKey(Package, models.CASCADE, related_name="rules")
    customer = models.ForeignKey(Customer, cascade_unless_last, null=True, blank=True, related_name="+")
    requester = models.CharField(max_length=254, blank=True, help_text="An email address, or @domain.example.")
    country = models.CharField(max_length=10, blank=True, help_text="Two letters, like DE.")
    region = models.CharField(max_length=20, blank=True, help_text="The region's abbreviation, like CA.")
    city = models.CharField(max_length=100, blank=True)
    remote = models.BooleanField(null=True, blank=True)
    fields = models.JSONField(default=dict, blank=True, help_text="Values of the mapped fields, by field id.")

    objects = CatalogueQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"rule {self.pk} of {self.package_id}"


def make_import_key() -> str:
    return get_random_string(20)


class ImportState(models.TextChoices):
    CHECKING = "checking"
    CHECKED = "checked"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"


class CatalogueImport(models.Model):
    """File to import into the catalogue. It is checked first, and applied once a person has confirmed the changes."""

    key = models.CharField(primary_key=True, max_length=20, default=make_import_key, editable=False)
    by = models.ForeignKey(User, models.CASCADE, related_name="+")
    content = models.BinaryField(help_text="The file. Emptied when the import is applied.")
    retire_missing = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=ImportState.choices, default=ImportState.CHECKING)
    done = models.PositiveIntegerField(default=0, help_text="Packages processed in this state.")
    total = models.PositiveIntegerField(default=0)
    shown = models.JSONField(default=dict, help_text="The changes as shown: counts and the first of them.")
    digest = models.CharField(max_length=64, blank=True, help_text="Digest of the plan that was shown.")
    reason = models.CharField(max_length=300, blank=True, help_text="Why the import failed or needs another look.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "key"]

    def __str__(self) -> str:
        return f"import of {self.created_at:%Y-%m-%d %H:%M}"
