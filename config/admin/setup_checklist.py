"""From an empty portal to the first live customer, step by step."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from assessments.models import DeliveredBy, Package
from integrations import mail
from integrations.connections import partner_configuration
from integrations.encryption import DecryptionError
from integrations.models import Client, Connection, Customer, PartnerConfiguration


@dataclass(frozen=True)
class SetupStep:
    """One step from an empty portal to the first live customer."""

    title: str
    is_done: bool
    instructions: str
    url: str


def list_steps() -> list[SetupStep]:
    configuration = PartnerConfiguration.load()
    at_partner = reverse("admin:integrations_partnerconfiguration_change", args=[configuration.pk])
    offered = Package.objects.filter(retired_at=None)
    needs_engine = not offered.exists() or offered.filter(delivery=DeliveredBy.ENGINE).exists()
    has_engine = Client.objects.filter(connection=None, revoked_at=None).exists()
    return [
        SetupStep(
            "Give the portal its public address",
            not partner_configuration.is_unreachable(),
            f"It calls itself {settings.PUBLIC_URL}, where SmartRecruiters cannot reach it. Set PUBLIC_URL to an https "
            "address before you publish.",
            at_partner,
        ),
        SetupStep(
            "Enter the master pair",
            bool(settings.SMARTRECRUITERS_CLIENT_ID or configuration.master_client_secret_sealed),
            "SmartRecruiters' Partner Operations give it to you. Set it in the environment, or enter it.",
            f"{at_partner}#id_master_client_id",
        ),
        SetupStep(
            "Publish the configuration",
            *_check_publication(configuration),
            at_partner,
        ),
        SetupStep(
            "Offer packages",
            offered.exists(),
            "What customers can order. Your engine syncs them, or you write them here.",
            _changelist_url("assessments_package"),
        ),
        SetupStep(
            "Give an engine access",
            has_engine or not needs_engine,
            "Your own platform, which carries the assessments out. Not needed where staff do it by hand.",
            reverse("admin:integrations_client_add"),
        ),
        SetupStep(
            "Set up e-mail",
            mail.is_email_enabled(),
            "EMAIL_URL is not set: candidates and customers are not written to. Set it to your mail server.",
            reverse("admin:letters"),
        ),
        SetupStep(
            "Let a customer sign in",
            Customer.objects.filter(is_active=True, people__is_active=True).exists(),
            "Add the organisation, then invite a person of it from its page.",
            _changelist_url("integrations_customer"),
        ),
        SetupStep(
            "Have the first customer connect",
            Connection.objects.exclude(connected_at=None).exists(),
            "The customer connects from “Apps” in SmartRecruiters. Nothing to do here.",
            _changelist_url("integrations_connection"),
        ),
    ]


def _check_publication(configuration: PartnerConfiguration) -> tuple[bool, str]:
    """Whether it is done, and how; on the page that staff see first, also where no key opens what was published."""
    try:
        is_done = partner_configuration.is_published(configuration)
    except DecryptionError as error:
        return False, f"This portal lacks a key: {error}. Set ENCRYPTION_KEYS and restart it."
    if configuration.published:
        return is_done, "It changed since it was published: publish it again."
    return is_done, "It tells SmartRecruiters where to find this portal."


def _changelist_url(model: str) -> str:
    return reverse(f"admin:{model}_changelist")
