"""Single sign-on (SSO) with the vendor's identity provider by OpenID Connect, if OIDC_ISSUER is set.

The first login links an existing account by its verified email address. Later logins match the provider's id of the
person, so that a reassigned email address does not open the old account. Unknown people are rejected, unless
OIDC_STAFF_ROLE is set, which creates a staff account with that role for them.

Before a grave action (reauthentication.py) the provider is told to ask the person again. Its answer must be about the
same person, and as new as it says: a provider that does not say when it asked is trusted to have done as told.
"""

import time
from typing import Any

import jwt
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.internal.jwtkit import verify_jti
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from integrations import audit
from integrations.audit import Actor
from integrations.http import client
from integrations.http.ip_addresses import get_client_ip
from integrations.models import User

PROVIDER_ID = "vendor"
# Asymmetric ones: with a symmetric one, whoever knows the client's secret could sign.
SIGNATURE_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
ASK_AGAIN = {"prompt": "login", "max_age": "0"}  # OpenID Connect Core 1.0, section 3.1.2.1
MAX_ANSWER_AGE = 120  # seconds since the provider asked, with the difference between two clocks
# allauth raises these for a provider that is down, or that sends a response of an unexpected shape.
SSO_ERRORS = (*client.PROVIDER_ERRORS, OAuth2Error, jwt.PyJWTError, KeyError, TypeError, ValueError, AttributeError)


class UnknownIdentityError(Exception):
    """The identity has no account here. The message is for the audit log."""


class VendorOIDCAdapter(OpenIDConnectOAuth2Adapter):
    """OpenID Connect adapter that also checks issuer, signature, and that both sets of claims have one subject."""

    @property
    def openid_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().openid_config
        if str(config.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER.rstrip("/"):
            raise OAuth2Error("the provider's metadata names another issuer")
        return config

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        """Verify the signature, too: allauth leaves that to TLS when the token comes from the provider itself."""
        header = jwt.get_unverified_header(id_token)
        if header.get("alg") not in SIGNATURE_ALGORITHMS:
            raise OAuth2Error("the ID token is not signed by an accepted algorithm")
        with get_adapter().get_requests_session() as session:
            keys = jwt.PyJWKSet.from_dict(session.get(self.openid_config["jwks_uri"]).json()).keys
        fitting = [each for each in keys if each.public_key_use != "enc" and header.get("kid") in (None, each.key_id)]
        if len(fitting) != 1:
            raise OAuth2Error("the provider has no key, or several, for the ID token")
        claims: dict[str, Any] = jwt.decode(
            id_token,
            fitting[0].key,
            algorithms=[header["alg"]],
            audience=app.client_id,
            issuer=self.openid_config["issuer"],
            options={"require": ["exp", "sub"]},
        )
        verify_jti(claims)
        return claims

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> SocialLogin:
        login = super().complete_login(request, app, token, **kwargs)
        claims = login.account.extra_data
        id_token = claims.get("id_token")
        if not id_token or id_token["sub"] != claims.get("userinfo", id_token)["sub"]:
            raise OAuth2Error("the ID token and the user info have different subjects")
        return login


class SSOAccountAdapter(DefaultSocialAccountAdapter):
    def get_requests_session(self) -> Any:
        """Return a session of the one HTTP client, with its SSRF protection and deadlines."""
        return client.GuardedSession(is_http_allowed=settings.OIDC_ISSUER.startswith("http://"))

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        """Return the provider from the settings. Providers in the database are ignored."""
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
        """Find the account before the login, or respond with 403."""
        try:
            if sociallogin.state.get("process") == AuthProcess.REDIRECT:
                raise ImmediateHttpResponse(_confirm_user(request, sociallogin))
            if sociallogin.state.get("process") != AuthProcess.LOGIN:
                raise UnknownIdentityError("not a login")
            _link_account(request, sociallogin)
        except UnknownIdentityError as refusal:
            actor = Actor(ip=get_client_ip(request))
            audit.record("sign_in.not_known", sociallogin.account.uid[:200], actor=actor, why=str(refusal))
            page = render(request, "socialaccount/not_known.html", status=403)
            raise ImmediateHttpResponse(page) from None


def get_verified_email(sociallogin: SocialLogin) -> str:
    """Return the email address in lower case, or an empty string unless the provider says that it is verified."""
    extra_data = sociallogin.account.extra_data
    for claims in (extra_data.get("userinfo") or {}, extra_data.get("id_token") or {}):
        if claims.get("email"):
            return str(claims["email"]).strip().lower() if claims.get("email_verified") is True else ""
    return ""


def is_linked(user: object) -> bool:
    """Return True if the user can sign in with the provider."""
    return isinstance(user, User) and SocialAccount.objects.filter(user=user, provider=PROVIDER_ID).exists()


def redirect_to_confirm(request: HttpRequest) -> HttpResponse:
    """Redirect to the provider, which authenticates the signed-in user again."""
    provider = VendorOIDCAdapter(request, PROVIDER_ID).get_provider()
    response: HttpResponse = provider.redirect(
        request, AuthProcess.REDIRECT, next_url=get_next_redirect_url(request), auth_params=dict(ASK_AGAIN)
    )
    return response


def _confirm_user(request: HttpRequest, sociallogin: SocialLogin) -> HttpResponse:
    """Record that the provider asked the signed-in user again. Raises UnknownIdentityError."""
    id_token = sociallogin.account.extra_data["id_token"]
    SocialAccount.objects.filter(pk=sociallogin.account.pk).update(extra_data={})
    if not sociallogin.is_existing or sociallogin.user != request.user:
        raise UnknownIdentityError("not the person who is signed in here")
    if int(id_token.get("auth_time", time.time())) < time.time() - MAX_ANSWER_AGE:
        raise UnknownIdentityError("the provider did not ask again")
    method = {"provider": PROVIDER_ID, "uid": sociallogin.account.uid}
    record_authentication(request, sociallogin.user, "socialaccount", **method, reauthenticated=True)
    request.is_confirmation = True  # type: ignore[attr-defined]
    return redirect(sociallogin.get_redirect_url(request) or "home")


def is_confirmation(request: HttpRequest) -> bool:
    """Return True if the provider confirmed the signed-in user in this request."""
    return getattr(request, "is_confirmation", False)


@transaction.atomic
def _link_account(request: HttpRequest, sociallogin: SocialLogin) -> None:
    """Attach the account to the login. Only the provider's id of the person is stored. Raises UnknownIdentityError."""
    email = get_verified_email(sociallogin)
    name = str((sociallogin.account.extra_data.get("userinfo") or {}).get("name", ""))[:150]
    sociallogin.account.extra_data = {}
    if sociallogin.is_existing:
        SocialAccount.objects.filter(pk=sociallogin.account.pk).update(extra_data={})
        return
    if not email:
        raise UnknownIdentityError("the provider gives no verified email address")
    user = User.objects.filter(email=email).first() or _create_staff_user(request, email, name)
    if SocialAccount.objects.filter(user=user, provider=PROVIDER_ID).exists():
        raise UnknownIdentityError("the account is linked to another identity")
    sociallogin.user = user
    sociallogin.account = SocialAccount.objects.create(user=user, provider=PROVIDER_ID, uid=sociallogin.account.uid)
    audit.record("sign_in.provider_linked", user.pk, actor=Actor(user, get_client_ip(request)), name=user.email)


def _create_staff_user(request: HttpRequest, email: str, name: str) -> User:
    if not settings.OIDC_STAFF_ROLE:
        raise UnknownIdentityError("no account has this email address")
    user = User.objects.create_user(email, None, name=name, staff_role=settings.OIDC_STAFF_ROLE)
    actor = Actor(user, get_client_ip(request))
    audit.record("user.joined", user.pk, actor=actor, name=email, role=user.staff_role)
    return user
