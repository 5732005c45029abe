"""From an empty portal to the first live customer, step by step."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from assessments.models import DeliveredBy, Package
from integrations import partner
from integrations.models import Client, Connection, Customer, PartnerConfiguration


@dataclass(frozen=True)
class Step:
    """One step from an empty portal to the first live customer."""

    what: str
    is_done: bool
    how: str
    url: str


def steps() -> list[Step]:
    configuration = PartnerConfiguration.load()
    at_partner = reverse("admin:integrations_partnerconfiguration_change", args=[configuration.pk])
    offered = Package.objects.filter(retired_at=None)
    needs_engine = not offered.exists() or offered.filter(delivery=DeliveredBy.ENGINE).exists()
    has_engine = Client.objects.filter(connection=None, revoked_at=None).exists()
    return [
        Step(
            "The master pair is here",
            bool(settings.SMARTRECRUITERS_CLIENT_ID or configuration.master_client_secret_sealed),
            "SmartRecruiters' Partner Operations give it to you. Set it in the environment, or enter it.",
            at_partner,
        ),
        Step(
            "The configuration is published",
            partner.is_published(configuration),
            "It changed since it was published: publish it again."
            if configuration.published
            else "It tells SmartRecruiters where to find this portal.",
            at_partner,
        ),
        Step(
            "Packages are on offer",
            offered.exists(),
            "What customers can order. Your engine syncs them, or you write them here.",
            _list("assessments_package"),
        ),
        Step(
            "An engine has access",
            has_engine or not needs_engine,
            "Your own platform, which carries the assessments out. Not needed where staff do it by hand.",
            reverse("admin:integrations_client_add"),
        ),
        Step(
            "A customer can sign in",
            Customer.objects.filter(is_active=True, people__is_active=True).exists(),
            "Add the organisation, then a person of it.",
            _list("integrations_customer"),
        ),
        Step(
            "The first customer is live",
            Connection.objects.exclude(connected_at=None).exists(),
            "The customer connects from “Apps” in SmartRecruiters. Nothing to do here.",
            _list("integrations_connection"),
        ),
    ]


def _list(model: str) -> str:
    return reverse(f"admin:{model}_changelist")
