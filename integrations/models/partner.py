"""Partner configuration: the document published to SmartRecruiters, and settings for undocumented parts of its API."""

import secrets
from typing import Self

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from integrations.encryption import Sealed, SealedField
from integrations.models.connections import DisplayMode, ReportDelivery

RESERVED_FIELD_IDS = ("country-code", "region-abbr", "city", "address", "postal-code", "remote")


class AssessmentType(models.TextChoices):
    BACKGROUND_CHECK = "BACKGROUND_CHECK", "Background check"
    BEHAVIORAL_ASSESSMENT = "BEHAVIORAL_ASSESSMENT", "Behavioural assessment"
    INLINE_ASSESSMENT = "INLINE_ASSESSMENT", "Inline assessment"
    REFERENCE_CHECK = "REFERENCE_CHECK", "Reference check"
    SKILL_TEST = "SKILL_TEST", "Skill test"
    VIDEO_INTERVIEW = "VIDEO_INTERVIEW", "Video interview"


class UrlStyle(models.TextChoices):
    TEMPLATE = "template", "Placeholder, like …/packages/{assessmentPackageId}"
    PREFIX = "prefix", "Plain prefix, to which SmartRecruiters appends the id"


class CompanyConfirmation(models.TextChoices):
    AUTOMATIC = "automatic", "Once there are two customers"
    ALWAYS = "always", "Always"
    NEVER = "never", "Never: who approves first has the company"


def all_types() -> list[str]:
    return list(AssessmentType.values)


class PartnerConfiguration(models.Model):
    """The partner configuration, a single row.

    Settings for undocumented parts of the API: integrations/smartrecruiters/README.md, "Unknowns and the settings".
    """

    display_mode = models.CharField(
        "consent page opens as",
        max_length=10,
        choices=DisplayMode.choices,
        default=DisplayMode.REDIRECT,
        help_text="REDIRECT leaves SmartRecruiters and returns to it. POPUP opens over it.",
    )
    offers_inline = models.BooleanField(
        "offers inline assessments", default=True, help_text="Candidates can take an assessment while they apply."
    )
    supported_types = models.JSONField(default=all_types)
    url_style = models.CharField(
        max_length=10,
        choices=UrlStyle.choices,
        default=UrlStyle.TEMPLATE,
        help_text="How the URLs of a single package and of the disable call are published. Both work.",
    )
    report_delivery = models.CharField(
        "reports reach recruiters as",
        max_length=10,
        choices=ReportDelivery.choices,
        default=ReportDelivery.HOSTED,
        help_text="A connection can override this. Inline orders always use links: SmartRecruiters accepts no upload.",
    )
    upload_part_name = models.CharField(max_length=40, default="file")
    patch_content_type = models.CharField(
        max_length=60,
        default="application/json",
        choices=[(kind, kind) for kind in ("application/json", "application/merge-patch+json")],
    )
    assessment_api_path = models.CharField(max_length=100, default="/assessment-api/v202010")
    token_path = models.CharField(max_length=100, default="/identity/oauth/token")
    candidates_path = models.CharField(max_length=100, default="/candidates")
    jobs_path = models.CharField(max_length=100, default="/jobs")
    company_confirmation = models.CharField(
        "staff confirm a company’s first connection",
        max_length=10,
        choices=CompanyConfirmation.choices,
        default=CompanyConfirmation.AUTOMATIC,
        help_text="SmartRecruiters’ link to the consent page is not signed. Without confirmation, one customer could "
        "connect the company of another. Companies that you assign to a customer need none.",
    )
    consent_scope = models.TextField(
        "what the consent page says they may do",
        default="See the list of assessment packages you may order\nPlace orders for your candidates",
        help_text="One sentence per line.",
    )
    consent_limits = models.TextField(
        "what the consent page says they may not do",
        default="Change your packages or your account\nSee results of candidates from other systems",
        help_text="One sentence per line.",
    )
    master_client_id = models.CharField(
        max_length=255, blank=True, help_text="Used if SMARTRECRUITERS_CLIENT_ID is not set."
    )
    master_client_secret_sealed = SealedField()
    master_client_secret = Sealed("master_client_secret_sealed", owner="pk")
    master_token_sealed = SealedField()
    master_token = Sealed("master_token_sealed", owner="pk")
    master_token_expires_at = models.DateTimeField(null=True, editable=False)
    disable_key_sealed = SealedField(help_text="128 random bits in the disable URL: its only authentication.")
    disable_key = Sealed("disable_key_sealed", owner="pk")
    published = models.JSONField(null=True, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "partner configuration"
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="partner_configuration_is_one_row")]

    def __str__(self) -> str:
        return "Partner configuration"

    @property
    def opens_popup(self) -> bool:
        """Return True if SmartRecruiters opens the consent page over its own, by this or by the published row."""
        published = self.published.get("consentDisplayMode") if isinstance(self.published, dict) else None
        return DisplayMode.POPUP in (self.display_mode, published)

    @classmethod
    def load(cls) -> Self:
        """Return the row. Create it at first use."""
        row = cls.objects.filter(pk=1).first()
        if row is None:
            draft = cls(pk=1)
            draft.disable_key = secrets.token_urlsafe(16)
            row, _ = cls.objects.get_or_create(pk=1, defaults={"disable_key_sealed": draft.disable_key_sealed})
        return row


def validate_field_id(value: str) -> None:
    if value in RESERVED_FIELD_IDS:
        raise ValidationError(f"SmartRecruiters uses “{value}” itself; choose another id.")


class PartnerField(models.Model):
    """Field that a customer may map to a SmartRecruiters field. Its id becomes the name of a query parameter."""

    configuration = models.ForeignKey(PartnerConfiguration, models.CASCADE, default=1, related_name="fields")
    field_id = models.CharField(
        "id",
        max_length=40,
        unique=True,
        validators=[
            RegexValidator(r"\A[A-Za-z0-9][A-Za-z0-9_-]*\Z", "Use letters, digits, - and _ only."),
            validate_field_id,
        ],
    )
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=300)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name
