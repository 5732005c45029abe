"""Policy of second factors: the accounts that need one, and the recovery from a lost one."""

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef

from integrations import audit
from integrations.accounts import emails, sessions
from integrations.models import User


def has_second_factor(user_field: str) -> Exists:
    """Return a query's condition: the user in this column has an authenticator app or a passkey."""
    authenticators = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    return Exists(authenticators.filter(user=OuterRef(user_field)))


def remove_second_factor(user: User, *, actor: audit.Actor, reason: str) -> None:
    """Remove the lost factor and the recovery codes, end the user's sessions and notify the user.

    They sign in by password alone, and set up a new one where it is required. `reason` says how they were identified.
    """
    Authenticator.objects.filter(user=user).delete()
    sessions.end_all(user, actor=actor)
    audit.record("sign_in.second_factor_removed", user.pk, actor=actor, name=user.email, reason=reason)
    emails.notify_change("second_factor_removed", user)
