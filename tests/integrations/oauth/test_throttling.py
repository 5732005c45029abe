"""Rate limiting of failed token requests (tests/reliability/README.md, T5 and T7)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from integrations.models import Connection
from integrations.oauth import throttling
from integrations.oauth.hashers import RandomSecretHasher
from tests import rows
from tests.integrations.oauth.test_token import ask, basic, credentials

HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def pair(connection: Connection) -> tuple[str, str]:
    client, secret = rows.make_client(connection)
    return client.client_id, secret


def try_once(pair: tuple[str, str], address: str = HERE) -> Any:
    return ask(credentials(pair), Browser(REMOTE_ADDR=address))


def fail_often(client_id: str) -> None:
    for _ in range(throttling.MAX_FAILURES):
        assert try_once((client_id, "wrong")).status_code == 401


@pytest.mark.parametrize("is_known", [True, False])
def test_pair_that_failed_often_waits_and_nobody_else_does(
    pair: tuple[str, str], other_connection: Connection, is_known: bool, time_machine: Any
) -> None:
    time_machine.move_to("2026-11-24T10:00:00Z", tick=False)
    guessed = pair[0] if is_known else "f" * 32
    fail_often(guessed)
    for secret in ("wrong", pair[1]):
        refused = try_once((guessed, secret))
        assert (refused.status_code, refused["Retry-After"], refused["Cache-Control"]) == (429, "60", "no-store")
        assert refused.json() == {
            "error": "temporarily_unavailable",
            "error_description": "Too many failed attempts from this IP address: wait.",
        }
    assert try_once(pair, ELSEWHERE).status_code == 200
    other, secret = rows.make_client(other_connection)
    assert try_once((other.client_id, secret)).status_code == 200
    time_machine.move_to("2026-11-24T10:00:50Z", tick=False)
    assert try_once((guessed, "wrong"))["Retry-After"] == "10"
    time_machine.move_to("2026-11-24T10:01:01Z", tick=False)
    assert try_once((guessed, "wrong")).status_code == 401
    assert try_once(pair).status_code == 200


def test_both_ways_to_authenticate_are_counted_together(pair: tuple[str, str]) -> None:
    fail_often(pair[0])
    browser = Browser(REMOTE_ADDR=HERE)
    assert ask("grant_type=client_credentials", browser, HTTP_AUTHORIZATION=basic(*pair)).status_code == 429


def test_success_and_malformed_calls_are_not_counted(pair: tuple[str, str]) -> None:
    for _ in range(throttling.MAX_FAILURES + 1):
        assert try_once(pair).status_code == 200
        assert ask(credentials(pair, scope="admin"), Browser(REMOTE_ADDR=HERE)).status_code == 400
    assert try_once(pair).status_code == 200


def test_bearer_is_not_limited(pair: tuple[str, str], api: Any) -> None:
    token = try_once(pair).json()["access_token"]
    fail_often(pair[0])
    client: APIClient = api(token)
    assert client.get("/smartrecruiters/packages", REMOTE_ADDR=HERE).status_code in (200, 204)


@pytest.mark.django_db(transaction=True)
def test_failures_at_once_are_all_counted() -> None:
    def fail(_: int) -> None:
        throttling.FAILED_REQUESTS.count("guessed", HERE)
        connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(fail, range(24)))
    assert replace(throttling.FAILED_REQUESTS, amount=25).get_retry_after("guessed", HERE) == 0
    assert replace(throttling.FAILED_REQUESTS, amount=24).get_retry_after("guessed", HERE) > 0
    cache.clear()


def test_unknown_client_costs_the_same_work_as_a_wrong_secret(
    pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """T5: the same number of queries and hashes takes the same time."""
    hashed: list[str] = []
    true_encode = RandomSecretHasher.encode
    monkeypatch.setattr(
        RandomSecretHasher, "encode", lambda self, secret, salt="": hashed.append(secret) or true_encode(self, secret)
    )
    work = []
    try_once(("another", "wrong"))
    for client_id in (pair[0], "f" * 32):
        hashed.clear()
        with CaptureQueriesContext(connection) as queries:
            assert try_once((client_id, "wrong")).status_code == 401
        work.append((len(queries), len(hashed)))
    assert work[0] == work[1]
    assert work[0][1] == 1
