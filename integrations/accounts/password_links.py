"""Links by which people choose a password, from staff who add them or help them. Nobody else ever knows the password.

A link works once: a new password, a sign-in or a change of the email address ends it. The first one is valid for a
week, since somebody who was added need not read emails at once, and a later one for an hour, like one that they asked
for.
"""

from datetime import timedelta
from typing import Any

from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from django.conf import settings
from django.utils import timezone
from django.utils.http import base36_to_int

from integrations import audit, mail
from integrations.accounts import emails
from integrations.audit import Actor
from integrations.models import User
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery

LIFETIME = timedelta(hours=1)
FIRST_LIFETIME = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)


def get_lifetime(user: User) -> timedelta:
    """Return how long a link is valid for the person."""
    is_new = not user.has_usable_password() and user.last_login is None
    return FIRST_LIFETIME if is_new else LIFETIME


class LinkTokenGenerator(EmailAwarePasswordResetTokenGenerator):  # type: ignore[misc]
    """Token generator with the lifetime of the person's link. Django's has the longer one, for all."""

    def check_token(self, user: Any, token: str | None) -> bool:
        if not super().check_token(user, token) or token is None:
            return False
        age = self._num_seconds(self._now()) - base36_to_int(token.partition("-")[0])
        return user.is_active and timedelta(seconds=age) <= get_lifetime(user)


def send_link(user: User, *, actor: Actor) -> None:
    """Send the person an email with a link, and audit that. Call it in a transaction."""
    audit.record("user.password_link_sent", user.pk, actor=actor, name=user.email)
    deliveries.enqueue(
        PasswordLinkHandler.kind,
        stream=mail.ACCOUNT_STREAM,
        key=f"{PasswordLinkHandler.kind}:{user.pk}",
        subject=str(user.pk),
        payload={"user": user.pk},
    )


def reveal_link(user: User, *, actor: Actor) -> str:
    """Return a link, to be passed on manually, and audit that."""
    audit.record("user.password_link_shown", user.pk, actor=actor, name=user.email)
    return emails.build_reset_url(user)


class PasswordLinkHandler(mail.EmailHandler):
    """The email with a link. The link is made when the email is written, and stored nowhere."""

    kind = "password_link"
    label = "Link to choose a password"
    retry_for = timedelta(days=1)
    previews = (
        mail.EmailPreview(
            "account_added",
            "New account",
            "To a person whom an administrator of your staff adds. In the customer’s language.",
        ),
        mail.EmailPreview(
            "password_link",
            "Link to choose a password",
            "To a person for whom an administrator of your staff asks for a new password. In the customer’s language.",
        ),
    )

    def skip_reason(self, delivery: Delivery) -> str:
        has_reader = User.objects.filter(pk=delivery.payload["user"], is_active=True).exists()
        return "" if has_reader else "the recipient can no longer sign in"

    def build_email(self, delivery: Delivery) -> tuple[mail.EmailContent, str]:
        user = User.objects.get(pk=delivery.payload["user"])
        customer, lifetime = user.customers.first(), get_lifetime(user)
        content = mail.render_email(
            "account_added" if lifetime == FIRST_LIFETIME else "password_link",
            mail.best_language(emails.get_language(user)),
            customer=customer.name if customer else "",
            open_until=timezone.now() + lifetime,
            url=emails.build_reset_url(user),
        )
        return content, user.email
