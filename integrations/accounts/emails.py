"""Account emails: password reset, unknown account, and changes of a password or second factor.

They are deliveries, so the response time does not depend on the mail server or on whether the account exists.
"""

import json
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from integrations import mail
from integrations.encryption import DecryptionError, seal, unseal
from integrations.models import User
from integrations.outbox import deliveries, handlers
from integrations.outbox.models import Delivery

SEAL_OWNER = "account mail"
# By the last part of allauth's template names.
EMAIL_TEMPLATES = {"password_reset_key": "password_reset", "unknown_account": "no_account"}
# The names that `templates/emails/account_changed_event.txt` uses.
CHANGE_NAMES = {
    **dict.fromkeys(("password_changed", "password_reset", "password_set"), "password"),
    "totp_activated": "app_added",
    "totp_deactivated": "app_removed",
    "webauthn_added": "passkey_added",
    "webauthn_removed": "passkey_removed",
    "recovery_codes_generated": "codes_made",
}


def send_account_email(name: str, email: str, url: str, *, user: User | None) -> None:
    """Enqueue the email. Its link opens the account, so it is stored encrypted and erased after sending."""
    values = {"template": EMAIL_TEMPLATES[name], "to": email, "path": urlsplit(url).path}
    _enqueue_email(AccountEmailHandler.kind, values, user)


def notify_change(name: str, user: User) -> None:
    """Notify the user by email that their password or second factor changed, in case an intruder changed it."""
    values = {"template": "account_changed", "to": user.email, "path": reverse("account_reset_password")}
    values |= {"what": CHANGE_NAMES[name], "at": timezone.now().isoformat()}
    _enqueue_email(AccountNoticeHandler.kind, values, user)


def _enqueue_email(kind: str, values: dict[str, str], user: User | None) -> None:
    customer = user.customers.first() if user else None
    deliveries.enqueue(
        kind,
        stream="email",
        key=f"{kind}:{uuid4()}",
        subject="sign-in",
        payload={
            "sealed": seal(json.dumps(values), owner=SEAL_OWNER),
            "language": customer.language if customer else settings.LANGUAGE_CODE,
        },
    )


class AccountEmailHandler(mail.EmailHandler):
    kind = "account"
    label = "Account email"
    previews: tuple[mail.EmailPreview, ...] = (
        mail.EmailPreview(
            "password_reset",
            "New password",
            "To a user who requests a new password at sign-in. In the customer’s language.",
        ),
        mail.EmailPreview(
            "no_account", "No account", "To an email address without an account, if a new password is requested."
        ),
    )
    retry_for = timedelta(hours=1)  # as long as the link is valid

    def build_email(self, delivery: Delivery) -> tuple[mail.EmailContent, str]:
        try:
            values = json.loads(unseal(delivery.payload["sealed"], owner=SEAL_OWNER))
        except DecryptionError:
            raise handlers.UndeliverableError(
                "The email can no longer be decrypted. The user can request a new one."
            ) from None
        language = mail.best_language(delivery.payload["language"])
        context = {"url": settings.PUBLIC_URL + values["path"], "what": values.get("what", "")}
        context["at"] = datetime.fromisoformat(values["at"]) if "at" in values else None
        return mail.render_email(values["template"], language, **context), values["to"]

    def on_delivered(self, delivery: Delivery, response: Any) -> None:
        super().on_delivered(delivery, response)
        self._erase_payload(delivery)

    def on_failed(self, delivery: Delivery, response: Any, reason: str) -> None:
        self._erase_payload(delivery)

    def _erase_payload(self, delivery: Delivery) -> None:
        payload = {**cast(dict[str, Any], delivery.payload), "sealed": ""}
        Delivery.objects.filter(pk=delivery.pk).update(payload=payload)


class AccountNoticeHandler(AccountEmailHandler):
    kind = "account_notice"
    label = "Account notice"
    previews = (
        mail.EmailPreview(
            "account_changed",
            "Account changed",
            "To a user, each time their password or second factor changes. In the customer’s language.",
        ),
    )
    retry_for = timedelta(days=3)  # even late, the user should learn of an intruder
