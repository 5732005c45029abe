"""Audit entries of sign-ins, with their method, and of sign-outs.

Written by receivers of Django's signals, since they hear of every way in and out, of libraries' views too.
"""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from integrations import audit
from integrations.accounts import sessions
from integrations.audit import Actor
from integrations.http.ip_addresses import get_client_ip
from integrations.models import User

# By `type` of allauth's record of an authentication, or else by its `method`.
METHOD_NAMES = {
    "password": "password",
    "totp": "authenticator app",
    "recovery_codes": "recovery code",
    "webauthn": "passkey",
    "socialaccount": "identity provider",
    "invitation": "invitation",
}


def note_invitation(request: HttpRequest, user: User) -> None:
    """Note that the user that is about to be signed in has accepted an invitation."""
    record_authentication(request, user, "invitation")


@receiver(user_logged_in)
def record_sign_in(sender: object, request: HttpRequest, user: User, **_: Any) -> None:
    used = [each.get("type") or each["method"] for each in get_authentication_records(request, user)]
    names = dict.fromkeys(METHOD_NAMES.get(each, each) for each in used)
    actor = Actor(user, get_client_ip(request))
    sessions.touch(request)
    audit.record("sign_in.succeeded", user.pk, actor=actor, name=user.email, method=" + ".join(names) or "unknown")


@receiver(user_logged_out)
def record_sign_out(sender: object, request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        action = "sign_out.timed_out" if sessions.find_expiry_reason(request) else "sign_out.done"
        audit.record(action, user.pk, actor=Actor(user, get_client_ip(request)), name=user.email)
