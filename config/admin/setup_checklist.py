"""Setup checklist: the steps from an empty portal to the first live customer."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode

from assessments import seed
from assessments.models import DeliveredBy, Package
from integrations import mail
from integrations.connections import partner_configuration
from integrations.encryption import DecryptionError
from integrations.models import Client, Connection, Customer, PartnerConfiguration


@dataclass(frozen=True)
class SetupStep:
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
        *_demo_account_steps(),
        SetupStep(
            "Set the portal's public URL",
            not partner_configuration.is_unreachable(),
            f"SmartRecruiters cannot reach {settings.PUBLIC_URL}. Set PUBLIC_URL to an https URL before you publish.",
            at_partner,
        ),
        SetupStep(
            "Enter the master credentials",
            bool(settings.SMARTRECRUITERS_CLIENT_ID or configuration.master_client_secret_sealed),
            "SmartRecruiters' Partner Operations send them to you. Set them in the environment, or enter them in the "
            "partner configuration.",
            f"{at_partner}#id_master_client_id",
        ),
        SetupStep("Publish the configuration", *_check_publication(configuration), at_partner),
        SetupStep(
            "Offer packages",
            offered.exists(),
            "Customers order packages. Your engine synchronises them, or you enter them here.",
            changelist_url("assessments_package"),
        ),
        SetupStep(
            "Give an engine access",
            has_engine or not needs_engine,
            "An engine is your assessment platform. Not needed if staff carry out all assessments manually.",
            reverse("admin:integrations_client_add"),
        ),
        SetupStep(
            "Set up email",
            mail.is_email_enabled(),
            f"Emails are {mail.get_unsent_note()}. Candidates and customers get none.",
            reverse("admin:emails"),
        ),
        SetupStep(
            "Let a customer sign in",
            Customer.objects.filter(is_active=True, people__is_active=True).exists(),
            "Add the customer, then invite a user from its page.",
            changelist_url("integrations_customer"),
        ),
        SetupStep(
            "Have the first customer connect",
            Connection.objects.exclude(connected_at=None).exists(),
            "The customer connects from “Apps” in SmartRecruiters. Nothing to do here.",
            changelist_url("integrations_connection"),
        ),
    ]


def _demo_account_steps() -> list[SetupStep]:
    """Return a step while a portal that others reach has accounts of `seed_demo`."""
    accounts = [] if settings.IS_LOOPBACK else seed.list_active_accounts()
    if not accounts:
        return []
    names = ", ".join(accounts)
    instructions = f"They can sign in: {names}. Deactivate these people, and revoke the engine’s access."
    return [SetupStep("Remove the demo accounts", False, instructions, changelist_url("integrations_user"))]


def _check_publication(configuration: PartnerConfiguration) -> tuple[bool, str]:
    """Return (is done, instructions). A missing encryption key is part of the instructions, not an error."""
    try:
        is_done = partner_configuration.is_published(configuration)
    except DecryptionError as error:
        return False, f"An encryption key is missing: {error}. Set ENCRYPTION_KEYS and restart the portal."
    if configuration.published:
        return is_done, "The configuration has changed since it was published. Publish it again."
    return is_done, "The configuration tells SmartRecruiters the portal’s URLs."


def changelist_url(model: str, **query: str) -> str:
    return reverse(f"admin:{model}_changelist") + (f"?{urlencode(query)}" if query else "")
