"""What allauth wants mailed: a way to a new password, or that there is no account. By the courier, as every e-mail:
the page that asks answers at once, and the same, whether there is an account, and whether the mail server is up.
"""

import json
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings

from integrations import mail
from integrations.encryption import Unreadable, seal, unseal
from integrations.models import User
from integrations.outbox import deliveries, handlers
from integrations.outbox.models import Delivery

OWNER = "account mail"
LETTERS = {"password_reset_key": "password_reset", "unknown_account": "no_account"}
"""By the last part of allauth's names."""


def write(name: str, email: str, url: str, *, to: User | None) -> None:
    """Decide the e-mail. Its link opens an account, so it is kept sealed, and no longer than until it is sent."""
    customer = to.customers.first() if to else None
    facts = {"letter": LETTERS[name], "to": email, "path": urlsplit(url).path}
    deliveries.enqueue(
        AccountMail.kind,
        stream="email",
        key=f"{AccountMail.kind}:{uuid4()}",
        subject="sign-in",
        payload={
            "sealed": seal(json.dumps(facts), owner=OWNER),
            "language": customer.language if customer else settings.LANGUAGE_CODE,
        },
    )


class AccountMail(mail.MailHandler):
    kind = "account"
    gives_up_after = timedelta(hours=1)  # as long as the link is good

    def letter(self, delivery: Delivery) -> tuple[mail.Letter, str]:
        try:
            facts = json.loads(unseal(delivery.payload["sealed"], owner=OWNER))
        except Unreadable:
            raise handlers.Undeliverable("No key opens it any more: whoever wanted it asks again.") from None
        language = mail.nearest(delivery.payload["language"])
        return mail.write(facts["letter"], language, url=settings.PUBLIC_URL + facts["path"]), facts["to"]

    def delivered(self, delivery: Delivery, reply: Any) -> None:
        super().delivered(delivery, reply)
        self._forget(delivery)

    def failed(self, delivery: Delivery, reply: Any, reason: str) -> None:
        self._forget(delivery)

    def _forget(self, delivery: Delivery) -> None:
        payload = {**cast(dict[str, Any], delivery.payload), "sealed": ""}
        Delivery.objects.filter(pk=delivery.pk).update(payload=payload)
