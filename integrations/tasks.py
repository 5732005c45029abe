from celery import shared_task
from django.core.management import call_command
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from integrations.api import idempotency, refusals
from integrations.audit import chain
from integrations.connections import consents
from integrations.connections.claims import decisions
from integrations.customers import invitations
from integrations.webhooks import endpoints, events


@shared_task
def clear_expired() -> None:
    """Delete expired tokens, sessions, idempotency records, consents, claims, invitations, calls and secrets."""
    get_access_token_model().objects.filter(expires__lt=timezone.now()).delete()
    call_command("clearsessions")
    consents.delete_abandoned()
    decisions.expire_claims()
    invitations.delete_expired()
    idempotency.delete_expired()
    refusals.delete_expired()
    endpoints.delete_expired_secrets()


@shared_task
def number_events() -> None:
    events.assign_numbers()


@shared_task
def chain_audit() -> None:
    chain.append_pending()
