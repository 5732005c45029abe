"""OAuth clients of the vendor's engines: create, rotate the secret, revoke."""

from django.db import transaction
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from integrations import audit
from integrations.models import Client
from integrations.models.clients import make_client_secret


@transaction.atomic
def create_client(name: str, *, actor: audit.Actor = audit.SYSTEM) -> tuple[Client, str]:
    """Create a client and return it with its secret in clear. Only a hash is stored."""
    client, secret = Client.issue(name)
    audit.record("client.created", client.client_id, actor=actor, name=name)
    return client, secret


@transaction.atomic
def rotate_secret(client: Client, *, actor: audit.Actor = audit.SYSTEM) -> str:
    """Replace the secret and return the new one. The former secret and its tokens stop working at once."""
    secret = client.client_secret = make_client_secret()
    client.save(update_fields=["client_secret", "updated"])
    get_access_token_model().objects.filter(application=client).delete()
    audit.record("client.secret_renewed", client.client_id, actor=actor)
    return secret


@transaction.atomic
def revoke_client(client: Client, *, actor: audit.Actor = audit.SYSTEM) -> bool:
    """Revoke the client and its tokens. Returns False if it was revoked before."""
    if not Client.objects.filter(pk=client.pk, revoked_at=None).update(revoked_at=timezone.now()):
        return False
    get_access_token_model().objects.filter(application=client).delete()
    audit.record("client.revoked", client.client_id, actor=actor)
    return True
