from celery import shared_task
from django.core.management import call_command
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from integrations import events


@shared_task
def clear_expired() -> None:
    """Expired tokens and sessions go, so that their tables stay small."""
    get_access_token_model().objects.filter(expires__lt=timezone.now()).delete()
    call_command("clearsessions")


@shared_task
def number_events() -> None:
    events.number()
