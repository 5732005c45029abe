"""Account emails: password reset, unknown account, and changes of a password or second factor.

They are deliveries, so the response time does not depend on the mail server. Whether the account exists is looked up
when the email is written, so that the response time does not depend on that either.
"""

import json
import time
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import uuid4

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from integrations import mail
from integrations.database.advisory_lock import lock_until_commit
from integrations.encryption import DecryptionError, seal, unseal
from integrations.models import User
from integrations.outbox import deliveries, handlers
from integrations.outbox.models import Delivery
from integrations.rate_limits import build_key

SEAL_OWNER = "account mail"
RESETS_AT_ONCE = 3
RESET_INTERVAL = timedelta(minutes=50)
DAY_SECONDS = 24 * 3600
# By the last part of allauth's template names; the names that `templates/emails/account_changed_event.txt` uses.
CHANGE_NAMES = {
    **dict.fromkeys(("password_changed", "password_reset", "password_set"), "password"),
    "totp_activated": "app_added",
    "totp_deactivated": "app_removed",
    "webauthn_added": "passkey_added",
    "webauthn_removed": "passkey_removed",
    "recovery_codes_generated": "codes_made",
    "second_factor_removed": "factor_removed",
    "email_changed": "email",
}


def send_reset_email(email: str) -> None:
    """Enqueue an email with a link for a new password or, if there is no such account, with that answer.

    The form is public. From the fourth in a day on there is one in RESET_INTERVAL, which is less
    than the hour for which a link is valid: whenever no email is sent, the link in the last one still works.
    """
    if _take_reset(email):
        _enqueue_email(AccountEmailHandler.kind, {"to": email})


@transaction.atomic
def _take_reset(email: str) -> bool:
    """Return True, and count it, if an email for a new password is due."""
    key = build_key("resets", email.strip().lower())
    lock_until_commit(key)
    now = time.time()
    sent = [at for at in cache.get(key, []) if at > now - DAY_SECONDS]
    if len(sent) >= RESETS_AT_ONCE and now - max(sent) < RESET_INTERVAL.total_seconds():
        return False
    cache.set(key, [*sent, now], DAY_SECONDS)
    return True


def build_reset_url(user: User) -> str:
    """Return the URL at which the user chooses a password. It opens the account (password_links.py says how long)."""
    key = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return settings.PUBLIC_URL + reverse("account_reset_password_from_key", kwargs=key)


def notify_change(name: str, user: User, *, to: str = "") -> None:
    """Notify the user by email, at the address `to` if it was theirs until now, in case an intruder changed it."""
    values = {"template": "account_changed", "to": to or user.email, "path": reverse("account_reset_password")}
    values |= {"what": CHANGE_NAMES[name], "at": timezone.now().isoformat()}
    _enqueue_email(AccountNoticeHandler.kind, values, get_language(user))


def get_language(user: User) -> str:
    customer = user.customers.first()
    return customer.language if customer else settings.LANGUAGE_CODE


def _enqueue_email(kind: str, values: dict[str, str], language: str = "") -> None:
    """Enqueue the email. Its values are personal, so they are stored encrypted and erased after sending."""
    deliveries.enqueue(
        kind,
        stream="email",
        key=f"{kind}:{uuid4()}",
        subject="sign-in",
        payload={
            "sealed": seal(json.dumps(values), owner=SEAL_OWNER),
            "language": language,
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
        if "template" not in values:
            return self._build_reset(values["to"]), values["to"]
        language = mail.best_language(delivery.payload["language"])
        context = {"url": settings.PUBLIC_URL + values["path"], "what": values.get("what", "")}
        context["at"] = datetime.fromisoformat(values["at"]) if "at" in values else None
        return mail.render_email(values["template"], language, **context), values["to"]

    def _build_reset(self, email: str) -> mail.EmailContent:
        user = User.objects.filter(email=email, is_active=True).first()
        if user is None:
            url = settings.PUBLIC_URL + reverse("account_login")
            return mail.render_email("no_account", settings.LANGUAGE_CODE, url=url)
        url = build_reset_url(user)
        return mail.render_email("password_reset", mail.best_language(get_language(user)), url=url)

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
            "To a user, each time their password, second factor or email address changes. In the customer’s language.",
        ),
    )
    retry_for = timedelta(days=3)  # even late, the user should learn of an intruder
