"""Rotation of the encryption keys (tests/reliability/README.md, S6 and S7)."""

import io
import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from integrations import checks, encryption, key_rotation
from integrations.models import Connection, PartnerConfiguration, User
from tests import rows

FORMER, NEWEST, FOREIGN = (Fernet.generate_key().decode() for _ in range(3))
COLUMNS = {
    "integrations.connection.their_client_secret_sealed",
    "integrations.connection.access_token_sealed",
    "integrations.connectattempt.client_secret_sealed",
    "integrations.idempotencyrecord.body_sealed",
    "integrations.partnerconfiguration.master_client_secret_sealed",
    "integrations.partnerconfiguration.master_token_sealed",
    "integrations.partnerconfiguration.disable_key_sealed",
    "integrations.webhook.secret_sealed",
    "integrations.formersecret.secret_sealed",
    "integrations.invitation.link_token_sealed",
    "orders.order.link_token_sealed",
    "orders.attachment.link_token_sealed",
    "orders.upload.url_sealed",
    "mfa.authenticator.data.secret",
    "mfa.authenticator.data.seed",
}
SECRETS = key_rotation.SealedColumn(Connection, "their_client_secret_sealed")


@pytest.fixture
def sealed(settings: Any, db: None) -> list[Connection]:
    """Three connections with secrets under the former key."""
    settings.ENCRYPTION_KEYS = [FORMER]
    customer = rows.make_customer()
    made = [rows.make_connection(customer, f"company-{number}") for number in range(3)]
    settings.ENCRYPTION_KEYS = [NEWEST, FORMER]
    return made


def run(*options: str) -> str:
    out = io.StringIO()
    call_command("rotate_encryption_keys", *options, stdout=out)
    return out.getvalue()


def line(text: str) -> str:
    return next(each for each in text.splitlines() if each.startswith(f"{SECRETS}:"))


def test_columns_are_found_by_their_class() -> None:
    assert {str(column) for column in key_rotation.find_sealed_columns()} == COLUMNS


def test_rotation_leaves_nothing_that_needs_the_former_key(sealed: list[Connection], settings: Any) -> None:
    with pytest.raises(CommandError, match=r"^3 values still need a former key") as refusal:
        run("--check")
    assert refusal.value.returncode == 1
    assert line(run()) == f"{SECRETS}: 0 with the newest key already, 3 re-encrypted"
    settings.ENCRYPTION_KEYS = [NEWEST]
    assert line(run("--check")) == f"{SECRETS}: 3 with the newest key already, 0 with a former key"
    assert [each.their_client_secret for each in Connection.objects.all()] == [
        f"their-secret-company-{number}" for number in range(3)
    ]


def test_rotation_takes_more_rows_than_a_batch_and_goes_on_where_it_was_stopped(
    sealed: list[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "BATCH_SIZE", 2)
    done = sealed[1]
    done.their_client_secret = "as new"
    done.save()
    assert line(run()) == f"{SECRETS}: 1 with the newest key already, 2 re-encrypted"


@pytest.mark.parametrize("writer_knows", [[NEWEST, FORMER], [FORMER]])
def test_value_that_changes_meanwhile_is_kept(
    sealed: list[Connection], settings: Any, monkeypatch: pytest.MonkeyPatch, writer_knows: list[str]
) -> None:
    """A courier stores a new secret between the read and the write of the rotation."""
    swap, others = key_rotation.SealedColumn.compare_and_set, iter([sealed[0]])

    def swap_after_somebody_else(column: key_rotation.SealedColumn, key: object, old: str, new: str) -> bool:
        if key == sealed[0].pk and (row := next(others, None)):
            settings.ENCRYPTION_KEYS = writer_knows
            row.their_client_secret = "of a moment ago"
            row.save()
            settings.ENCRYPTION_KEYS = [NEWEST, FORMER]
        return swap(column, key, old, new)

    monkeypatch.setattr(key_rotation.SealedColumn, "compare_and_set", swap_after_somebody_else)
    key_rotation.rotate_column(SECRETS)
    settings.ENCRYPTION_KEYS = [NEWEST]
    assert Connection.objects.get(pk=sealed[0].pk).their_client_secret == "of a moment ago"
    assert key_rotation.inspect_column(SECRETS).former == 0


@pytest.mark.parametrize("options", [[], ["--check"]])
def test_row_whose_key_is_missing_is_named_and_unchanged(
    sealed: list[Connection], settings: Any, options: list[str]
) -> None:
    settings.ENCRYPTION_KEYS = [FOREIGN]
    lost = sealed[1]
    lost.their_client_secret = "under a key that is gone"
    lost.save()
    settings.ENCRYPTION_KEYS = [NEWEST, FORMER]
    with pytest.raises(CommandError) as refusal:
        run(*options)
    assert (refusal.value.returncode, str(refusal.value)) == (
        1,
        "1 values are encrypted with a key that is not in ENCRYPTION_KEYS. They are unchanged. Add that key again, "
        f"after the newest one, and run this command again:\n{SECRETS} of row {lost.pk}",
    )
    kept = Connection.objects.get(pk=lost.pk)
    assert kept.their_client_secret_sealed == lost.their_client_secret_sealed
    settings.ENCRYPTION_KEYS = [NEWEST, FORMER, FOREIGN]
    assert kept.their_client_secret == "under a key that is gone"


def test_second_factor_is_sealed_and_outlives_a_rotation(settings: Any, staff: User) -> None:
    settings.ENCRYPTION_KEYS = [FORMER]
    secret = generate_totp_secret()
    TOTP.activate(staff, secret)
    codes = RecoveryCodes.activate(staff).get_unused_codes()
    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept
    settings.ENCRYPTION_KEYS = [NEWEST, FORMER]
    assert "mfa.authenticator.data.secret: 0 with the newest key already, 1 re-encrypted" in run()
    settings.ENCRYPTION_KEYS = [NEWEST]
    app, recovery = (Authenticator.objects.get(type=type).wrap() for type in ("totp", "recovery_codes"))
    counter = next(iter(yield_hotp_counters_from_time()))
    assert app.validate_code(format_hotp_value(hotp_value(secret, counter)))
    assert recovery.get_unused_codes() == codes
    key_rotation.check_keys()


def test_portal_is_not_ready_while_a_key_is_missing(sealed: list[Connection], settings: Any) -> None:
    PartnerConfiguration.load()
    assert Browser().get("/readyz").status_code == 200
    settings.ENCRYPTION_KEYS = [NEWEST]
    answer = Browser().get("/readyz")
    owner = "integrations.connection:company-0:their_client_secret_sealed"
    assert (answer.status_code, answer.json()) == (
        503,
        {
            "status": "unavailable",
            "reason": f"no key in ENCRYPTION_KEYS decrypts the secret of {owner}: add the former key again",
        },
    )
    settings.ENCRYPTION_KEYS = [NEWEST, FORMER]
    assert Browser().get("/readyz").status_code == 200


def test_start_says_which_key_is_missing(sealed: list[Connection], settings: Any) -> None:
    """`migrate`, the first process of a start, warns and continues, since orders can be accepted."""
    settings.ENCRYPTION_KEYS = [NEWEST]
    out, errors = io.StringIO(), io.StringIO()
    call_command("migrate", "--no-input", skip_checks=False, stdout=out, stderr=errors)
    assert "company-0:their_client_secret_sealed: add the former key again" in errors.getvalue()
    settings.ENCRYPTION_KEYS = [NEWEST, FORMER]
    assert checks.check_encryption_keys(["default"]) == []


def test_secret_of_another_row_is_seen(sealed: list[Connection]) -> None:
    """S5."""
    Connection.objects.filter(pk=sealed[0].pk).update(their_client_secret_sealed=sealed[1].their_client_secret_sealed)
    with pytest.raises(encryption.DecryptionError, match="was encrypted for another row"):
        key_rotation.check_keys()


def test_sample_asks_the_same_however_many_rows_there_are(
    sealed: list[Connection], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2 * len(COLUMNS)):
        key_rotation.check_keys()
