"""What allauth wants mailed: a way to a new password, that there is no account, or that a password or a second factor
has changed. By the courier, as every e-mail: the page that asks answers at once, and the same, whether there is an
account, and whether the mail server is up.
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
EMAIL_TEMPLATES = {"password_reset_key": "password_reset", "unknown_account": "no_account"}
"""By the last part of allauth's names."""
CHANGE_NAMES = {
    **dict.fromkeys(("password_changed", "password_reset", "password_set"), "password"),
    "totp_activated": "app_added",
    "totp_deactivated": "app_removed",
    "webauthn_added": "passkey_added",
    "webauthn_removed": "passkey_removed",
    "recovery_codes_generated": "codes_made",
}
"""By allauth's names, too: what `templates/emails/account_changed_what.txt` calls it."""


def send_account_email(name: str, email: str, url: str, *, user: User | None) -> None:
    """Decide the e-mail. Its link opens an account, so it is kept sealed, and no longer than until it is sent."""
    _enqueue_email(
        AccountEmailHandler.kind, {"letter": EMAIL_TEMPLATES[name], "to": email, "path": urlsplit(url).path}, user
    )


def notify_change(name: str, user: User) -> None:
    """Somebody's password or second factor has changed: whoever it was, he hears of it where a thief does not read."""
    facts = {"letter": "account_changed", "to": user.email, "path": reverse("account_reset_password")}
    _enqueue_email(
        AccountNoticeHandler.kind, {**facts, "what": CHANGE_NAMES[name], "at": timezone.now().isoformat()}, user
    )


def _enqueue_email(kind: str, facts: dict[str, str], user: User | None) -> None:
    customer = user.customers.first() if user else None
    deliveries.enqueue(
        kind,
        stream="email",
        key=f"{kind}:{uuid4()}",
        subject="sign-in",
        payload={
            "sealed": seal(json.dumps(facts), owner=SEAL_OWNER),
            "language": customer.language if customer else settings.LANGUAGE_CODE,
        },
    )


class AccountEmailHandler(mail.EmailHandler):
    kind = "account"
    retry_for = timedelta(hours=1)  # as long as the link is good

    def build_email(self, delivery: Delivery) -> tuple[mail.EmailContent, str]:
        try:
            facts = json.loads(unseal(delivery.payload["sealed"], owner=SEAL_OWNER))
        except DecryptionError:
            raise handlers.UndeliverableError("No key opens it any more: whoever wanted it asks again.") from None
        language = mail.best_language(delivery.payload["language"])
        said = {"url": settings.PUBLIC_URL + facts["path"], "what": facts.get("what", "")}
        said["at"] = datetime.fromisoformat(facts["at"]) if "at" in facts else None
        return mail.render_email(facts["letter"], language, **said), facts["to"]

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
    retry_for = timedelta(days=3)  # late is better than never: it is about what somebody else may have done
