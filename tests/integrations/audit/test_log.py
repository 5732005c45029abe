"""Each action of row S9 in tests/reliability/README.md adds one complete audit entry without a secret."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone

from integrations.connections import consents
from integrations.models import (
    AuditEntry,
    ConnectionState,
    Consent,
    DisplayMode,
    PartnerConfiguration,
)
from integrations.outbox.models import Delivery, DeliveryState
from tests import rows
from tests.integrations.accounts.test_sign_in import sign_in
from tests.integrations.admin.test_admin import changed
from tests.orders import bodies

pytestmark = pytest.mark.django_db
STELLA, ALICE = "stella@vendor.example", "alice@northwind.example"
HERE = "127.0.0.1"


class Stage:
    """Rows of every kind that the actions need."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request

    def __getattr__(self, name: str) -> Any:
        return self._request.getfixturevalue(name)

    def visit(self, browser: Browser, company: str = "northwind") -> Consent:
        consent = Consent.objects.create(
            company_id=company, mode=DisplayMode.REDIRECT, redirect="https://www.smartrecruiters.com/x"
        )
        session = browser.session
        session[consents.SESSION_KEY] = [consent.key]
        session.save()
        return consent

    def decide(self, decision: str) -> None:
        browser = Browser()
        browser.force_login(self.alice)
        consent = self.visit(browser)
        assert browser.post(f"/smartrecruiters/integration/{consent.key}/", {"decision": decision}).status_code < 400

    def failed(self) -> Delivery:
        rows.make_package()
        order = bodies.place_order(self.connection)
        delivery = Delivery.objects.filter(subject=order.pk).latest("pk")
        Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.FAILED)
        return delivery


def connect(stage: Stage) -> None:
    stage.decide("approve")


def reconnect(stage: Stage) -> None:
    rows.make_connection(stage.customer, "northwind", state=ConnectionState.DISABLED)
    stage.decide("approve")


def deny(stage: Stage) -> None:
    stage.decide("deny")


def disable_by_customer(stage: Stage) -> None:
    browser = Browser()
    browser.force_login(stage.alice)
    assert browser.post(f"/connections/{stage.connection.company_id}/disconnect").status_code == 302


def disable_by_smartrecruiters(stage: Stage) -> None:
    key = PartnerConfiguration.load().disable_key
    address = f"/smartrecruiters/{key}/integrations/companies/{stage.connection.company_id}"
    assert stage.api().delete(address).status_code == 204


def renew_engine_secret(stage: Stage) -> None:
    client, _ = rows.make_client()
    client.client_id = "engine-1"
    client.save()
    assert stage.staff_browser.post(f"/admin/integrations/client/{client.pk}/act/renew/").status_code == 200


def renew_webhook_secret(stage: Stage) -> None:
    hook = {"url": "https://engine.example/hook", "events": ["order.created"]}
    made = stage.engine.post("/api/vendor/v1/webhooks", hook).json()
    assert stage.engine.post(f"/api/vendor/v1/webhooks/{made['id']}/rotate").status_code == 200


def rotate_keys(stage: Stage) -> None:
    stage.connection  # noqa: B018 (whose secret is under the former key)
    stage.settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *stage.settings.ENCRYPTION_KEYS]
    call_command("rotate_encryption_keys")


def view(stage: Stage) -> None:
    rows.make_package()
    order = bodies.place_order(stage.connection)
    assert stage.staff_browser.get(f"/admin/orders/order/{order.pk}/change/").status_code == 200


def export(stage: Stage) -> None:
    rows.make_package()
    order = bodies.place_order(stage.connection)
    assert (
        stage.staff_browser.post(f"/admin/orders/order/{order.pk}/act/export/", {"reason": "Asked."}).status_code == 200
    )


def replay(stage: Stage) -> None:
    delivery = stage.failed()
    assert stage.staff_browser.post(f"/admin/outbox/delivery/{delivery.pk}/act/replay/").status_code == 302


def change_role(stage: Stage) -> None:
    form = changed(stage.bob, **{"memberships-0-role": "administrator"})
    assert stage.staff_browser.post(f"/admin/integrations/user/{stage.bob.pk}/change/", form).status_code == 302


def wrong_password(stage: Stage) -> None:
    assert sign_in(Browser(), stage.alice.email, "wrong").status_code == 200


def wrong_code(stage: Stage) -> None:
    TOTP.activate(stage.alice, generate_totp_secret())
    browser = Browser()
    sign_in(browser, stage.alice.email)
    assert browser.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200


def wrong_client_secret(stage: Stage) -> None:
    form = "grant_type=client_credentials&client_id=somebody&client_secret=wrong"
    for _ in range(3):
        answer = Browser().post("/oauth/token", form, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 401


ACTS: list[tuple[Callable[[Stage], None], str, str, str | None]] = [
    (connect, "connection.approved", ALICE, HERE),
    (reconnect, "connection.approved", ALICE, HERE),
    (deny, "connection.denied", ALICE, HERE),
    (disable_by_customer, "connection.disabled", ALICE, HERE),
    (disable_by_smartrecruiters, "connection.disabled", "", HERE),
    (renew_engine_secret, "client.secret_renewed", STELLA, HERE),
    (renew_webhook_secret, "webhook.secret_renewed", "", HERE),
    (rotate_keys, "encryption_keys.rotated", "", None),
    (view, "order.viewed", STELLA, HERE),
    (export, "candidate.exported", STELLA, HERE),
    (replay, "delivery.replayed", STELLA, HERE),
    (change_role, "user.changed", STELLA, HERE),
    (wrong_password, "sign_in.failed", "", HERE),
    (wrong_code, "sign_in.second_factor_failed", "", HERE),
    (wrong_client_secret, "token.refused", "", HERE),
]
SUBJECTS = {
    "connection.approved": "northwind",
    "connection.denied": "northwind",
    "connection.disabled": "northwind",
    "client.secret_renewed": "engine-1",
    "encryption_keys.rotated": "encryption keys",
    "sign_in.failed": ALICE,
    "sign_in.second_factor_failed": ALICE,
    "token.refused": "somebody",
}


@pytest.mark.parametrize(("act", "action", "who", "address"), ACTS, ids=[row[0].__name__ for row in ACTS])
def test_act_is_one_entry(
    request: pytest.FixtureRequest, act: Callable[[Stage], None], action: str, who: str, address: str | None
) -> None:
    act(Stage(request))
    entry = AuditEntry.objects.get(action=action)
    assert (entry.actor_name, entry.ip) == (who, address)
    assert entry.subject == SUBJECTS.get(action, entry.subject) != ""
    assert timedelta(0) <= timezone.now() - entry.at < timedelta(minutes=1)
    assert entry.at.utcoffset() == timedelta(0)
