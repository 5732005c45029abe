import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from assessments.models import Package
from integrations.models import AssessmentType, AuditEntry, Client, Connection, Customer, User
from tests import rows
from tests.conftest import Api

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PACKAGES = {
    "demo-spreadsheets": "SKILL_TEST",
    "demo-customer-service": "BEHAVIORAL_ASSESSMENT",
    "demo-first-interview": "VIDEO_INTERVIEW",
    "demo-identity-and-work": "BACKGROUND_CHECK",
    "demo-two-references": "REFERENCE_CHECK",
    "demo-shop-floor": "INLINE_ASSESSMENT",
    "demo-typing": "SKILL_TEST",
}


def run_seed_demo() -> Any:
    out = StringIO()
    call_command("seed_demo", "--json", stdout=out)
    return json.loads(out.getvalue())


def fetch_token(client_id: str, client_secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    answer = APIClient().post(
        "/oauth/token",
        "&".join(f"{key}={value}" for key, value in form.items()),
        content_type="application/x-www-form-urlencoded",
    )
    token: str = answer.json()["access_token"]
    return token


@pytest.mark.django_db
def test_seed_demo_prints_the_documented_json() -> None:
    seeded = run_seed_demo()
    passwords = [seeded["admin"].pop("password"), *(each.pop("password") for each in seeded["customers"])]
    secret = seeded["engine"].pop("client_secret")
    assert seeded == {
        "admin": {"email": "admin@demo.example"},
        "customers": [
            {
                "id": "cus_demo_northwind",
                "name": "Northwind Retail",
                "email": "ana@northwind.demo.example",
                "packages": [*PACKAGES],
            },
            {
                "id": "cus_demo_harbour",
                "name": "Harbour Clinics",
                "email": "ben@harbour.demo.example",
                "packages": [*PACKAGES],
            },
        ],
        "engine": {"client_id": "demo-engine"},
        "packages": [{"id": package, "type": type} for package, type in PACKAGES.items()],
    }
    assert len({*passwords, secret}) == 4
    assert secret.startswith("srp_")
    assert not Connection.objects.exists()


@pytest.mark.django_db
def test_seed_demo_people_can_sign_in() -> None:
    seeded = run_seed_demo()
    people = [
        (user.email, user.staff_role, [*user.memberships.values_list("customer", "role")])
        for person in (seeded["admin"], *seeded["customers"])
        if (user := User.objects.get(email=person["email"])).check_password(person["password"])
    ]
    assert people == [
        ("admin@demo.example", "administrator", []),
        ("ana@northwind.demo.example", "", [("cus_demo_northwind", "administrator")]),
        ("ben@harbour.demo.example", "", [("cus_demo_harbour", "administrator")]),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("customer_id", ["cus_demo_northwind", "cus_demo_harbour"])
def test_seed_demo_customers_see_all_six_types(api: Api, customer_id: str) -> None:
    run_seed_demo()
    connection = rows.make_connection(Customer.objects.get(pk=customer_id))
    listed = api(rows.make_token(connection)).get("/smartrecruiters/packages").json()
    assert {package["id"]: package["type"] for package in listed} == PACKAGES
    assert {package["type"] for package in listed} == {*AssessmentType.values}
    assert sorted(min(len(package["assessments"]), 2) for package in listed) == [0, 2, 2, 2, 2, 2, 2]
    assert all(all(each.values()) for package in listed for each in package["assessments"])


@pytest.mark.django_db
def test_seed_demo_engine_gets_a_token(api: Api) -> None:
    seeded = run_seed_demo()
    listed = api(fetch_token(**seeded["engine"])).get("/api/vendor/v1/packages").json()
    assert sorted(package["id"] for package in listed["results"]) == sorted(PACKAGES)


def test_seed_demo_touches_no_other_rows(api: Api, customer: Customer, token: str, alice: User) -> None:
    """The first customer has the same name as a demo customer."""
    rows.make_package("skills", assessments=("a",))
    before = [[*model.objects.order_by("pk").values()] for model in (Package, Customer, User, Client, Connection)]
    seeded = run_seed_demo()
    after = [
        [*model.objects.exclude(pk__in=own).order_by("pk").values()]
        for model, own in (
            (Package, PACKAGES),
            (Customer, [each["id"] for each in seeded["customers"]]),
            (User, User.objects.filter(email__endswith=".demo.example") | User.objects.exclude(staff_role="")),
            (Client, Client.objects.filter(client_id="demo-engine")),
            (Connection, []),
        )
    ]
    assert after == before
    assert [each["name"] for each in seeded["customers"]] == ["Northwind Retail (demo)", "Harbour Clinics"]
    assert [package["id"] for package in api(token).get("/smartrecruiters/packages").json()] == ["skills"]


def test_seed_demo_again_is_the_same(engine: APIClient) -> None:
    first = run_seed_demo()
    counts = [model.objects.count() for model in (Package, Customer, User, Client, AuditEntry)]
    assert run_seed_demo() == first
    assert [model.objects.count() for model in (Package, Customer, User, Client, AuditEntry)] == counts


def test_seed_demo_again_restores_changed_rows(api: Api, engine: APIClient) -> None:
    first = run_seed_demo()
    engine.put("/api/vendor/v1/packages", {"packages": []})
    Client.objects.filter(client_id="demo-engine").update(client_secret="", revoked_at="2026-01-01T00:00:00Z")
    for user in User.objects.all():
        user.set_password("changed")
        user.is_active = False
        user.save()
    assert run_seed_demo() == first
    assert Package.objects.filter(retired_at=None).count() == len(PACKAGES)
    assert api(fetch_token(**first["engine"])).get("/api/vendor/v1/packages").status_code == 200
    user = User.objects.get(email="admin@demo.example")
    assert (user.is_active, user.check_password(first["admin"]["password"])) == (True, True)


@pytest.mark.django_db
def test_seed_demo_secrets_are_the_installations_own(settings: Any) -> None:
    here = run_seed_demo()
    settings.SECRET_KEY = "another-installation-" * 3
    other = run_seed_demo()
    secrets = [
        {each["admin"]["password"], each["engine"]["client_secret"], *(one["password"] for one in each["customers"])}
        for each in (here, other)
    ]
    assert not secrets[0] & secrets[1]


@pytest.mark.django_db
def test_seed_demo_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    seeded = run_seed_demo()
    call_command("seed_demo")
    shown = capsys.readouterr().out.split()
    people = [seeded["admin"], *seeded["customers"]]
    expected = [
        *(person[key] for person in people for key in ("email", "password")),
        *seeded["engine"].values(),
        *PACKAGES,
    ]
    assert [text for text in expected if text not in shown] == []


@pytest.mark.e2e
def test_seed_demo_migrates_an_empty_database(tmp_path: Path) -> None:
    """Standard output contains only JSON, the same each time."""
    environment = {
        "PATH": os.environ["PATH"],
        "PORTAL_DATA_DIR": str(tmp_path),
        "PORTAL_ENV_FILE": "",
    }
    first, second = (
        subprocess.run(
            [sys.executable, "manage.py", "seed_demo", "--json"],
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            check=True,
            timeout=180,
        ).stdout
        for _ in range(2)
    )
    assert first == second
    assert [*json.loads(first)] == ["admin", "customers", "engine", "packages"]


@pytest.mark.django_db
def test_seed_demo_refuses_a_portal_that_others_reach(settings: Any) -> None:
    settings.IS_LOOPBACK, settings.PUBLIC_URL = False, "https://portal.vendor.example"
    with pytest.raises(CommandError) as refusal:
        run_seed_demo()
    assert str(refusal.value) == (
        "https://portal.vendor.example is not loopback, and seed_demo would add an administrator and sample customers "
        "to a portal that others reach. Nothing was changed. To add them, repeat the command with --i-know"
    )
    assert not User.objects.exists()
    call_command("seed_demo", "--i-know", stdout=StringIO())
    assert User.objects.count() == 3
