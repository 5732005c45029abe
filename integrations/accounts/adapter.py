"""How people sign in: what allauth asks us."""

import re
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse

from integrations import audit
from integrations.accounts import emails
from integrations.accounts.login_redirects import is_post_only
from integrations.http.ip_addresses import get_client_ip
from integrations.models import User

LOCAL_PATH = re.compile(r"/(?![/\\])[^\s\\\x00-\x1f\x7f]*")
AUTH_BACKEND = "integrations.accounts.adapter.ActiveCustomersBackend"


class ActiveCustomersBackend(AuthenticationBackend):
    """Asked at each request: who is switched off, or whose organisations all are, is out at once."""

    def user_can_authenticate(self, user: AbstractBaseUser | AnonymousUser | None) -> bool:
        if not isinstance(user, User) or not user.is_active:
            return False
        if user.is_staff:
            return True
        organisations = set(user.memberships.values_list("customer__is_active", flat=True))
        return True in organisations or not organisations


class AccountAdapter(DefaultAccountAdapter):
    """People are invited, they do not sign up; too many wrong passwords stop the guesser, never the owner."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "The e-mail address or the password is wrong.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """A path of ours, and nothing with a host: parsers disagree about odd ones, and one raises (A8)."""
        return url is not None and LOCAL_PATH.fullmatch(url) is not None and not is_post_only(url)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Where to go when nothing was asked for."""
        return reverse("admin:index" if getattr(request.user, "is_staff", False) else "home")

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> Any:
        """allauth looks at the user alone; here the customer counts too."""
        if not ActiveCustomersBackend().user_can_authenticate(user):
            return self.respond_user_inactive(request, user)
        return super().pre_login(request, user, **kwargs)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        name = template_prefix.rpartition("/")[2]
        if name in emails.EMAIL_TEMPLATES:
            emails.send_account_email(name, email, context.get("password_reset_url", ""), user=context.get("user"))
        else:
            super().send_mail(template_prefix, email, context)

    def send_notification_mail(self, template_prefix: str, user: Any, *args: Any, **kwargs: Any) -> None:
        """allauth says here that somebody's password or second factor has changed."""
        what = template_prefix.rpartition("/")[2]
        actor = audit.Actor(user, get_client_ip(self.request))
        audit.record(f"sign_in.{what}", user.pk, actor=actor, name=user.email)
        if what in emails.CHANGE_NAMES:
            emails.notify_change(what, user)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """The pair of account and address: a guesser elsewhere locks nobody out (RELIABILITY.md, A1)."""
        login = str(credentials.get("email", "")).strip().lower()
        return f"{login}\n{ratelimit.get_ip(request)}"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """A limit that is reached is 429, not a form error."""
        self._login_failed_rl_usage = ratelimit.consume(
            request,
            app="allauth.account",
            action="login_failed",
            key=self._get_login_attempts_cache_key(request, **credentials),
        )
        if not self._login_failed_rl_usage:
            raise ImmediateHttpResponse(ratelimit.respond_429(request))

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        actor = audit.Actor(ip=get_client_ip(request))
        audit.record("sign_in.failed", str(credentials.get("email", ""))[:200], actor=actor)
