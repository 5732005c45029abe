"""Sign-in by the vendor's own identity provider (OpenID Connect), where OIDC_ISSUER names one.

Who comes in that way: people whom the portal knows, by an address that the provider has verified; at the first time
the provider's id of the person is written down, and from then on that id counts, so that whoever inherits an address
inherits no account. Nobody else, unless OIDC_STAFF_ROLE gives a role to everybody whom the provider knows.
"""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render

from integrations import audit
from integrations.audit import Actor
from integrations.http import client
from integrations.http.ip_addresses import get_client_ip
from integrations.models import User

PROVIDER_ID = "vendor"
SSO_ERRORS = (*client.PROVIDER_ERRORS, OAuth2Error, KeyError, TypeError, ValueError, AttributeError)
"""What a provider that is down, or answers in another shape, comes to in allauth."""


class UnknownIdentityError(Exception):
    """Somebody whom the provider knows and the portal does not; the message is for the audit."""


class VendorOIDCAdapter(OpenIDConnectOAuth2Adapter):
    """Stricter than allauth: the document is the configured issuer's, and both answers are about the same person."""

    @property
    def openid_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().openid_config
        if str(config.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER.rstrip("/"):
            raise OAuth2Error("the provider's document names another issuer")
        return config

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> SocialLogin:
        login = super().complete_login(request, app, token, **kwargs)
        said = login.account.extra_data
        if not said.get("id_token") or said["id_token"]["sub"] != said.get("userinfo", said["id_token"])["sub"]:
            raise OAuth2Error("the provider's answers are not about the same person")
        return login


class SSOAccountAdapter(DefaultSocialAccountAdapter):
    def get_requests_session(self) -> Any:
        """All that allauth asks the provider goes through the one door."""
        return client.GuardedSession(is_http_allowed=settings.OIDC_ISSUER.startswith("http://"))

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        """The one of the settings, and none that somebody put into the database."""
        if not settings.OIDC_ISSUER:
            return []
        app = SocialApp(
            provider="openid_connect",
            provider_id=PROVIDER_ID,
            name=settings.OIDC_NAME,
            client_id=settings.OIDC_CLIENT_ID,
            secret=settings.OIDC_CLIENT_SECRET,
            settings={"server_url": settings.OIDC_ISSUER, "oauth_pkce_enabled": True},
        )
        return [app]

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Before anybody is signed in: whose account is it?"""
        try:
            if sociallogin.state.get("process") != "login":
                raise UnknownIdentityError("asked for something else than to sign in")
            _link_account(request, sociallogin)
        except UnknownIdentityError as refusal:
            actor = Actor(ip=get_client_ip(request))
            audit.record("sign_in.not_known", sociallogin.account.uid[:200], actor=actor, why=str(refusal))
            page = render(request, "socialaccount/not_known.html", status=403)
            raise ImmediateHttpResponse(page) from None


def get_verified_email(sociallogin: SocialLogin) -> str:
    """Empty where the provider names none, or does not say outright that it has verified it."""
    said = sociallogin.account.extra_data
    for claims in (said.get("userinfo") or {}, said.get("id_token") or {}):
        if claims.get("email"):
            return str(claims["email"]).strip().lower() if claims.get("email_verified") is True else ""
    return ""


@transaction.atomic
def _link_account(request: HttpRequest, sociallogin: SocialLogin) -> None:
    """Raises UnknownIdentityError. Of what the provider tells, nothing but the person's id is kept."""
    email = get_verified_email(sociallogin)
    name = str((sociallogin.account.extra_data.get("userinfo") or {}).get("name", ""))[:150]
    sociallogin.account.extra_data = {}
    if sociallogin.is_existing:
        SocialAccount.objects.filter(pk=sociallogin.account.pk).update(extra_data={})
        return
    if not email:
        raise UnknownIdentityError("the provider names no address that it has verified")
    person = User.objects.filter(email=email).first() or _create_staff_user(request, email, name)
    if SocialAccount.objects.filter(user=person, provider=PROVIDER_ID).exists():
        raise UnknownIdentityError("the address belongs to an account of somebody else there")
    sociallogin.user = person
    sociallogin.account = SocialAccount.objects.create(user=person, provider=PROVIDER_ID, uid=sociallogin.account.uid)
    audit.record("sign_in.provider_linked", person.pk, actor=Actor(person, get_client_ip(request)), name=person.email)


def _create_staff_user(request: HttpRequest, email: str, name: str) -> User:
    if not settings.OIDC_STAFF_ROLE:
        raise UnknownIdentityError("no account has this address")
    person = User.objects.create_user(email, None, name=name, staff_role=settings.OIDC_STAFF_ROLE)
    actor = Actor(person, get_client_ip(request))
    audit.record("user.joined", person.pk, actor=actor, name=email, role=person.staff_role)
    return person
