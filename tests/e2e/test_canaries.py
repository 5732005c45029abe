"""S1, S2, S4, S11 in all processes at DEBUG: no secret in plain text, personal data only in its columns.

All roles act, correctly and incorrectly, with marks in every field. Then the logs of all processes, the broker's
traffic and contents, and the bytes of the database are searched.
"""

import re
import secrets
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time

from tests.e2e import canaries
from tests.e2e.canaries import BrokerMonitor
from tests.e2e.world import Json, Person, World, wait_for
from tests.integrations.simulator.process import MASTER

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-canaries")]
COMPANY = "nest"
MARK = "zqcanary"
EMAIL = f"{MARK}.lark@candidates.example"
CANDIDATE = {
    "id": f"{MARK}-id",
    "email": EMAIL,
    "firstName": f"{MARK}First",
    "lastName": f"{MARK}Last",
    "applicationLanguage": "en",
    "nickname": f"{MARK}-nickname",
}
# Data of the simulator's own candidate, which the portal fetches.
FETCHED = ("amara.okafor@nest-candidates.example", "+1 555 0100")
NOT_WANTED = "https://amara-okafor.example"
TYPED = {name: f"{MARK}-typed-{name}" for name in ("password", "secret", "token")}
SETTINGS = {
    "SECRET_KEY": secrets.token_urlsafe(48),
    "ENCRYPTION_KEYS": "ZmVhdGhlcnMtb2YtYS15ZWxsb3ctYmlyZC0wMTIzNDU=",
    "METRICS_TOKEN": secrets.token_urlsafe(24),
}
PDF = f"%PDF-1.4\n{MARK}-report\n%%EOF\n".encode()


class Nest:
    """World, with the secrets and people that occurred in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wire = BrokerMonitor(world.folder / "portal" / "run" / "broker.sock")
        self.secrets = {"master": MASTER[1], **SETTINGS, **TYPED}
        self.people: set[str] = set()

    @property
    def database(self) -> Path:
        return self.world.folder / "portal" / "portal.sqlite3"

    def person(self, account: Json) -> Person:
        """Sign a person in, and add their cookies and password to the secrets."""
        person = Person(self.world, account["email"], account["password"])
        page = person.session.get(f"{self.world.url}/accounts/login/")
        assert person.submit_form(page, login=person.email, password=f"{TYPED['password']}").status_code == 200
        assert person.submit_form(page, login=person.email, password=person.password).status_code == 200
        self.people.add(person.email)
        self.secrets[f"password of {person.email}"] = person.password
        self.remember_cookies(person)
        return person

    def remember_cookies(self, person: Person) -> None:
        for cookie in person.session.cookies:
            self.secrets[f"{cookie.name} of {person.email} {len(self.secrets)}"] = str(cookie.value)

    def engine(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.secrets['engine token']}", **options.pop("headers", {})}
        return requests.request(method, f"{self.world.url}/api/vendor/v1{path}", headers=headers, timeout=20, **options)


@pytest.fixture(scope="module")
def nest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nest]:
    """Start a portal in which every role acts once."""
    with World(
        tmp_path_factory.mktemp("canaries"), engine=False, LOG_LEVEL="DEBUG", WEBHOOKS_ALLOW_PRIVATE="1", **SETTINGS
    ) as world:
        nest = Nest(world)
        world.connect_company(COMPANY)
        set_up_engine(nest)
        place_orders_in_smartrecruiters(nest)
        visit_as_candidate(nest)
        report_as_engine(nest)
        visit_as_customer(nest)
        visit_as_staff(nest)
        visit_as_stranger(nest)
        wait_for("an attempt of every delivery", lambda: has_attempted_all(nest))
        collect_secrets(nest)
        yield nest


def set_up_engine(nest: Nest) -> None:
    nest.secrets["engine secret"] = nest.world.seeded["engine"]["client_secret"]
    nest.secrets["engine token"] = nest.world.engine_token()
    hook = nest.engine("POST", "/webhooks", json={"url": "http://127.0.0.1:9/hook", "events": ["order.created"]}).json()
    nest.secrets["webhook secret"] = hook["secret"].removeprefix("whsec_")
    rotated = nest.engine("POST", f"/webhooks/{hook['id']}/rotate").json()["secret"]
    nest.secrets["webhook secret, rotated"] = rotated.removeprefix("whsec_")


def place_orders_in_smartrecruiters(nest: Nest) -> None:
    control, package = nest.world.control, nest.world.package_ids("SKILL_TEST")[0]
    overrides = {"candidate": CANDIDATE, "fields": {"team": f"{MARK}-field"}, "somethingNew": {"deep": f"{MARK}-new"}}
    overrides["requester"] = {"userId": f"{MARK}-user", "email": f"{MARK}.ruth@nest.example"}
    [order] = control.place_orders(COMPANY, package, overrides=overrides)
    [fetched] = control.place_orders(COMPANY, package, candidates=[0])
    inline = nest.world.package_ids("INLINE_ASSESSMENT")[0]
    [placed] = control.place_orders(
        COMPANY, inline, inline=True, overrides={"candidate": {**CANDIDATE, "email": EMAIL.upper()}}
    )
    assert [each["accepted"] for each in (order, fetched, placed)] == [True] * 3
    nest.secrets["inline link"] = placed["url"].rpartition("/")[2]
    wrong = {"candidate": {**CANDIDATE, "email": f"{MARK}-no-address\r\nBcc: x"}, "companyId": "another-company"}
    assert [each["accepted"] for each in control.place_orders(COMPANY, package, overrides=wrong)] == [False]
    control.set_fault("status", status=400, route="result", company=COMPANY, count=1)


def report_as_engine(nest: Nest) -> None:
    orders = nest.engine("POST", "/orders/lease", json={"max": 10}, headers={"Idempotency-Key": "all"}).json()["orders"]
    assert len(orders) == 3
    for order in orders:
        at = f"/orders/{order['id']}"
        launch = {"launch_url": f"https://engine.example/{MARK}-launch"}
        assert nest.engine("POST", f"{at}/accept", json=launch, headers={"Idempotency-Key": at}).status_code == 200
        report = {"status": "COMPLETED", "summary": f"{MARK}-summary", "score": {"raw": 28, "min": 20, "max": 80}}
        assert nest.engine("POST", f"{at}/attachments", files={"file": (f"{MARK}.pdf", PDF)}).status_code == 201
        assert nest.engine("PATCH", f"{at}/result", json=report).status_code == 200
        better = {"score_label": f"{MARK}-label", "correction": f"{MARK}-correction"}
        assert nest.engine("PATCH", f"{at}/result", json=better).status_code == 200
        assert nest.engine("PATCH", f"{at}/result", json={f"{MARK}-key": f"{MARK}-value"}).status_code == 422
        assert nest.engine("PATCH", f"{at}/result", data=f'{{"summary": "{MARK}-broken').status_code in (400, 415)
        assert nest.engine("POST", f"{at}/attachments", files={"file": (f"{MARK}.html", b"<html>")}).status_code == 422
        assert nest.engine("GET", f"{at}?email={EMAIL}").status_code == 200


def visit_as_candidate(nest: Nest) -> None:
    mails = nest.world.folder / "mail"
    wait_for("the invitations", lambda: len(canaries.find_tokens(mails.glob("*"))) >= 2)
    for number, token in enumerate(canaries.find_tokens(mails.glob("*"))):
        nest.secrets[f"mailed link {number}"] = token
        link = f"{nest.world.url}/take/{token}"
        requests.get(link, timeout=10)
        requests.post(link, timeout=10, allow_redirects=False)
        requests.get(f"{link}x", timeout=10)
        requests.get(f"{link}/done?email={EMAIL}", timeout=10)


def visit_as_customer(nest: Nest) -> None:
    alice = nest.person(nest.world.seeded["customers"][0])
    for path in ("/", "/accounts/password/change/", f"/?q={EMAIL}"):
        assert alice.session.get(f"{nest.world.url}{path}").status_code == 200
    page = alice.session.get(f"{nest.world.url}/accounts/password/reset/")
    assert alice.submit_form(page, email=alice.email).status_code == 200
    nest.remember_cookies(alice)


def visit_as_staff(nest: Nest) -> None:
    admin, url = nest.person(nest.world.seeded["admin"]), nest.world.url
    second_factor(nest, admin)
    found = admin.session.get(f"{url}/admin/orders/order/").text
    for path in set(re.findall(r"/admin/orders/order/ord_5F\w+/change/", found)):
        page = admin.session.get(url + path)
        assert page.status_code == 200
        admin.session.get(f"{url}{path.removesuffix('change/')}act/export/")
        exported = f"{url}{path.removesuffix('change/')}act/export/"
        assert (
            admin.submit_form(admin.session.get(exported), reason="Asked.").headers["Content-Type"] == "application/zip"
        )
    home = admin.session.get(f"{url}/admin/")
    admin.session.post(
        f"{url}/admin/orders/order/find/",
        {"q": EMAIL, "csrfmiddlewaretoken": re.findall('csrfmiddlewaretoken" value="([^"]+)', home.text)[0]},
        headers={"Origin": url},
    )
    for path in ("outbox/delivery/", "integrations/auditentry/", "integrations/connection/", "integrations/consent/"):
        assert admin.session.get(f"{url}/admin/{path}").status_code == 200
    nest.remember_cookies(admin)


def second_factor(nest: Nest, person: Person) -> None:
    again = person.session.get(f"{nest.world.url}/accounts/2fa/totp/activate/")
    page = person.submit_form(again, password=person.password)
    nest.secrets["second factor"] = re.findall(r'id="authenticator_secret"[^>]*>(\w+)<', page.text)[0]
    counter = next(iter(yield_hotp_counters_from_time()))
    done = person.submit_form(page, code=format_hotp_value(hotp_value(nest.secrets["second factor"], counter)))
    assert (done.status_code, "This code is wrong" in done.text) == (200, False)


def visit_as_stranger(nest: Nest) -> None:
    """Enter secrets in the wrong places, where they must not leak either."""
    url, secret, token = nest.world.url, TYPED["secret"], TYPED["token"]
    for path in (f"/oauth/token?client_secret={secret}", f"/smartrecruiters/packages?access_token={token}", "/metrics"):
        requests.get(url + path, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    form = {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": secret}
    assert requests.post(f"{url}/oauth/token", form, timeout=10).status_code == 401
    assert requests.post(f"{url}/oauth/token", form, auth=("nobody", secret), timeout=10).status_code == 400
    requests.get(f"{url}/metrics", headers={"Authorization": f"Bearer {SETTINGS['METRICS_TOKEN']}"}, timeout=10)
    requests.delete(f"{url}/smartrecruiters/{secret}/integrations/companies/{COMPANY}", timeout=10)
    requests.post(f"{url}/smartrecruiters/packages/orders", data=f'{{"candidate": "{EMAIL}"', timeout=10)
    requests.get(f"{url}/nope/{EMAIL}?who={EMAIL}", timeout=10)


def has_attempted_all(nest: Nest) -> bool:
    script = "from integrations.outbox.models import Delivery; print('left', Delivery.objects.filter("
    script += "attempts_made=0, state__in=['pending', 'in_flight']).count())"
    return "left 0" in nest.world.run_manage("shell", "-c", script)


def collect_secrets(nest: Nest) -> None:
    """Collect the secrets that the portal or the simulator generated."""
    for number, token in enumerate(sorted(canaries.find_tokens((nest.world.folder / "mail").glob("*")))):
        nest.secrets[f"link in a mail {number}"] = token
    nest.secrets |= canaries.parse_secrets(nest.world.run_manage("shell", "-c", canaries.SECRETS_SCRIPT))
    journal = (nest.world.folder / "simulator" / "journal.jsonl").read_text()
    for number, secret in enumerate(sorted(set(re.findall(r'"client_secret":"([^"]+)"', journal)))):
        nest.secrets[f"secret of a pair {number}"] = secret
    nest.secrets["disable key"] = re.findall(r"/smartrecruiters/([\w-]+)/integrations/", journal)[0]
    time.sleep(0.5)  # the supervisor still writes the processes' last output to the log


def find_secret_names(nest: Nest, content: bytes) -> list[str]:
    """Return the names of the secrets in `content`: a failing test must not print the secrets."""
    return [name for name, secret in nest.secrets.items() if canaries.find_marks([secret], content)]


def find_lines(marks: list[str], log: bytes) -> list[bytes]:
    return [line for line in log.lower().splitlines() if canaries.find_marks(marks, line)]


def test_there_were_secrets_to_look_for(nest: Nest) -> None:
    sealed = {name.partition(" of ")[0] for name in nest.secrets}
    assert sealed >= {
        "integrations.connection.their_client_secret_sealed",
        "integrations.connection.access_token_sealed",
        "integrations.webhook.secret_sealed",
        "integrations.partnerconfiguration.disable_key_sealed",
        "mfa.authenticator.data.secret",
        "orders.order.link_token_sealed",
        "orders.attachment.link_token_sealed",
    }
    assert [name for name, secret in nest.secrets.items() if len(secret) < 8] == []


def test_logs_hold_no_secret_and_nobody(nest: Nest) -> None:
    log = (nest.world.folder / "portal.log").read_bytes()
    assert b"[debug" in log
    assert find_secret_names(nest, log) == []
    assert find_lines([MARK, *FETCHED, *nest.people], log) == []


def test_broker_hears_of_nothing(nest: Nest) -> None:
    traffic = nest.wire.captured_bytes()
    assert b"integrations.outbox.tasks.carry" in traffic
    assert find_secret_names(nest, traffic) == []
    assert canaries.find_marks([MARK, *FETCHED, *nest.people], traffic.lower()) == []


def test_database_holds_no_secret_in_clear(nest: Nest) -> None:
    content = b"".join(Path(f"{nest.database}{end}").read_bytes() for end in ("", "-wal"))
    assert find_secret_names(nest, content) == []


def test_people_stand_in_the_columns_that_are_listed_as_theirs(nest: Nest) -> None:
    found = canaries.find_columns([MARK, *FETCHED, *nest.people, NOT_WANTED], nest.database)
    assert found.pop(NOT_WANTED) == set(), "more candidate data is stored than needed"
    for mark, columns in found.items():
        assert columns, f"{mark} is not stored anywhere"
        assert columns - (canaries.PERSONAL_COLUMNS if mark in nest.people else canaries.CANDIDATE_COLUMNS) == set()


def test_audit_is_whole_and_guarded_in_a_database_that_migrations_made(nest: Nest) -> None:
    """Migrations that recreate the table, as on SQLite, must recreate its triggers."""
    assert nest.world.run_manage("audit_verify").startswith("The audit log is intact.")
    with sqlite3.connect(nest.database, timeout=20) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="the audit is append-only"):
            connection.execute("DELETE FROM integrations_auditentry")
        with pytest.raises(sqlite3.IntegrityError, match="the audit is append-only"):
            connection.execute("UPDATE integrations_auditentry SET subject = 'another'")
        connection.rollback()


def test_erased_candidates_leave_neither_rows_nor_lines(nest: Nest) -> None:
    """Erase the candidates. Must be the last test, as it removes what the others search for."""
    for email in (EMAIL, FETCHED[0]):
        assert nest.world.run_manage("erase_candidate", email).startswith("Erased from ")
    content = b"".join(Path(f"{nest.database}{end}").read_bytes() for end in ("", "-wal"))
    files = b"".join(path.read_bytes() for path in (nest.world.folder / "portal" / "files").glob("*"))
    assert canaries.find_marks([MARK, *FETCHED], (content + files).lower()) == []
    assert find_lines([MARK, *FETCHED], (nest.world.folder / "portal.log").read_bytes()) == []
