import re
from io import StringIO
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from integrations.models import AuditEntry, Client

pytestmark = pytest.mark.django_db


def create(name: str) -> tuple[str, str]:
    out = StringIO()
    call_command("create_engine_client", name, stdout=out)
    found = re.fullmatch(r"client_id: (\S+)\nclient_secret: (srp_\S{43})\n", out.getvalue())
    assert found
    return found[1], found[2]


def test_create_engine_client_prints_a_pair_that_gets_a_token() -> None:
    client_id, secret = create("Scoring engine")
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    answer = Browser().post("/oauth/token", urlencode(form), content_type="application/x-www-form-urlencoded")
    body = answer.json()
    assert len(body.pop("access_token")) > 20
    assert (answer.status_code, body) == (200, {"expires_in": 1800, "token_type": "Bearer", "scope": "vendor"})


def test_create_engine_client_keeps_a_hash_and_an_audit_entry() -> None:
    client_id, secret = create("  Scoring engine ")
    client = Client.objects.get(client_id=client_id)
    assert (client.name, client.connection, client.client_type, client.authorization_grant_type) == (
        "Scoring engine",
        None,
        "confidential",
        "client-credentials",
    )
    assert client.client_secret.startswith("sha256_random$")
    assert secret not in client.client_secret
    audited = [*AuditEntry.objects.values_list("action", "subject", "detail")]
    assert audited == [("client.created", client_id, {"name": "Scoring engine"})]


def test_create_engine_client_makes_another_each_time() -> None:
    assert len({*create("One"), *create("One")}) == 4


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "a\nb", "x" * 256])
def test_create_engine_client_without_a_good_name(name: str) -> None:
    with pytest.raises(CommandError, match="NAME"):
        create(name)
    assert not Client.objects.exists()
