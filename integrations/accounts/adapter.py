"""Login rules: authentication backend, open redirect protection and rate limits for django-allauth."""

import re
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from integrations import audit
from integrations.accounts import emails, login_throttle, reauthentication, sessions, sso
from integrations.accounts.login_redirects import is_post_only
from integrations.http.ip_addresses import get_client_ip, get_client_network
from integrations.models import User

LOCAL_PATH = re.compile(r"/(?![/\\])[^\s\\\x00-\x1f\x7f]*")
DEFAULT_WAIT = 60  # seconds
SIGNED_IN = "signed in"  # counts the questions who acts of all browsers without a device cookie
AUTH_BACKEND = "integrations.accounts.adapter.ActiveCustomersBackend"


class ActiveCustomersBackend(AuthenticationBackend):
    """Authentication backend, used on each request, that rejects users without an active account or customer."""

    def user_can_authenticate(self, user: AbstractBaseUser | AnonymousUser | None) -> bool:
        if not isinstance(user, User) or not user.is_active:
            return False
        if user.is_staff:
            return True
        active = set(user.memberships.values_list("customer__is_active", flat=True))
        return not active or True in active


class AccountAdapter(DefaultAccountAdapter):
    """Account adapter: no sign-up, since users are invited, and brute force protection that locks no owner out."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "The email address or password is wrong.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Return True for a path on this site that answers GET.

        URLs with a host are rejected even if it is ours: parsers disagree about odd ones, and one of them raises.
        """
        return url is not None and LOCAL_PATH.fullmatch(url) is not None and not is_post_only(url)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("admin:index" if getattr(request.user, "is_staff", False) else "home")

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """Return the URL whose page says that they signed out, unless nobody was signed in. Called before sign-out."""
        was_signed_in = request.user.is_authenticated
        return str(super().get_logout_redirect_url(request)) if was_signed_in else reverse("account_login")

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> Any:
        # allauth checks `user.is_active` only.
        if not ActiveCustomersBackend().user_can_authenticate(user):
            return self.respond_user_inactive(request, user)
        return super().pre_login(request, user, **kwargs)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Apply the portal's own rule to allauth's pages. allauth's would not ask users of an identity provider."""
        reauthentication.require_recent(self.request)
        return False

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        """Return the ways to authenticate again, the default first: allauth's, and the identity provider."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if settings.OIDC_ISSUER and sso.is_linked(user):
            description, url = f"Sign in with {settings.OIDC_NAME} again", reverse("identity_confirm")
            methods.append({"id": "identity", "description": description, "url": url})
        return methods

    def set_password(self, user: User, password: str) -> None:
        super().set_password(user, password)
        sessions.end_others(user, self.request.session.session_key)

    def send_notification_mail(self, template_prefix: str, user: Any, *args: Any, **kwargs: Any) -> None:
        """Audit a change of a password or second factor, and notify the user. allauth has no other hook for it."""
        name = template_prefix.rpartition("/")[2]
        actor = audit.Actor(user, get_client_ip(self.request))
        audit.record(f"sign_in.{name}", user.pk, actor=actor, name=user.email)
        if name in emails.CHANGE_NAMES:
            emails.notify_change(name, user)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count failures per account and IP address, so that a guesser elsewhere does not lock the owner out."""
        login = str(credentials.get("email", "")).strip().lower()
        return f"{login}\n{ratelimit.get_ip(request)}"

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the key by which allauth's rate limits count."""
        return get_client_network(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Respond with 429, not with a form error, when a limit is reached, or during the delay of the account."""
        email, device = str(credentials.get("email", "")), login_throttle.read_device(request)
        is_known_device = login_throttle.is_known_device(device, email)
        self._is_known = is_known_device or request.user.is_authenticated
        if self._is_known:
            wait = self._count_known_attempt(request, email, device.id if is_known_device else SIGNED_IN)
        else:
            wait = self._count_attempt(request, email)
        if wait:
            request.retry_after = wait  # type: ignore[attr-defined]
            raise ImmediateHttpResponse(ratelimit.respond_429(request))

    def _count_known_attempt(self, request: HttpRequest, email: str, device_id: str) -> int:
        """Count an attempt from a browser in which the owner signed in before. Return the seconds to wait, or 0."""
        key, rates = f"{email.strip().lower()}\n{device_id}", login_throttle.DEVICE_RATES
        self._login_failed_rl_usage = ratelimit.consume(
            request, app="allauth.account", action="login_failed", config=rates, key=key
        )
        return 0 if self._login_failed_rl_usage else DEFAULT_WAIT

    def _count_attempt(self, request: HttpRequest, email: str) -> int:
        key = self._get_login_attempts_cache_key(request, email=email)
        self._login_failed_rl_usage = ratelimit.consume(request, app="allauth.account", action="login_failed", key=key)
        return login_throttle.count_attempt(email) if self._login_failed_rl_usage else DEFAULT_WAIT

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user and not self._is_known:
            login_throttle.take_attempt_back(str(credentials.get("email", "")))
        return user

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        login_throttle.remember_device(request, response, user.get_username())
        return response

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        actor = audit.Actor(ip=get_client_ip(request))
        audit.record("sign_in.failed", str(credentials.get("email", ""))[:200], actor=actor)
        login_throttle.sound_alarm()
