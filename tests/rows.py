"""Factories of database rows, with defaults for all fields."""

from typing import Any

from django.test import Client as Browser
from django.utils import timezone

from assessments.models import Assessment, Package, Rule
from integrations.models import (
    ClaimState,
    Client,
    CompanyClaim,
    Connection,
    ConnectionState,
    Customer,
    Endpoint,
    Membership,
    PartnerConfiguration,
    RefusedCall,
    User,
)
from integrations.roles import MemberRole

PASSWORD = "correct horse battery staple"


def make_customer(name: str = "Northwind Retail", **fields: Any) -> Customer:
    return Customer.objects.create(name=name, **fields)


def make_user(customer: Customer | None, email: str, **fields: Any) -> User:
    """Create an administrator of a customer, or of staff without one, with PASSWORD; `role` overrides the role."""
    role = fields.pop("role", MemberRole.ADMINISTRATOR)
    if customer is None:
        return User.objects.create_user(email, PASSWORD, staff_role=role, **fields)
    person = User.objects.create_user(email, PASSWORD, **fields)
    make_member(person, customer, role)
    return person


def make_member(person: User, customer: Customer, role: str = MemberRole.ADMINISTRATOR) -> Membership:
    return Membership.objects.create(person=person, customer=customer, role=role)


def make_connection(customer: Customer, company_id: str = "northwind", **fields: Any) -> Connection:
    """Create a live connection with SmartRecruiters' credentials; `state` overrides the state."""
    connection = Connection(customer=customer, company_id=company_id)
    connection.state = fields.pop("state", ConnectionState.LIVE)
    connection.their_client_id = fields.pop("their_client_id", f"theirs-{company_id}")
    connection.their_client_secret = fields.pop("their_client_secret", f"their-secret-{company_id}")
    connection.connected_at = timezone.now()
    for name, value in fields.items():
        setattr(connection, name, value)
    connection.save()
    return connection


def make_claim(customer: Customer, company_id: str = "northwind", **fields: Any) -> CompanyClaim:
    """Create a claim that waits for staff; `fields` overrides its columns."""
    columns = {"state": ClaimState.WAITING, "requested_at": timezone.now()}
    return CompanyClaim.objects.create(customer=customer, company_id=company_id, **columns | fields)


def make_client(connection: Connection | None = None, name: str = "") -> tuple[Client, str]:
    """Create (client, plain secret): SmartRecruiters' client of a connection, or an engine's without one."""
    return Client.issue(name or (connection.company_id if connection else "engine"), connection=connection)


def make_token(connection: Connection | None = None, *, scope: str | None = None) -> str:
    """Fetch a bearer token for a new client of this connection, or for a new engine."""
    client, secret = make_client(connection)
    form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": secret}
    answer = Browser().post(
        "/oauth/token",
        "&".join(f"{key}={value}" for key, value in (form | ({"scope": scope} if scope else {})).items()),
        content_type="application/x-www-form-urlencoded",
    )
    token: str = answer.json()["access_token"]
    return token


def make_refused_call(**fields: Any) -> RefusedCall:
    """Create a row of refused calls, of an order of Northwind that came twice; `fields` overrides its columns."""
    now = timezone.now()
    columns = {
        "endpoint": Endpoint.ORDERS,
        "status": 400,
        "company_id": "northwind",
        "order_id": "order-1",
        "errors": "assessmentPackageId: required",
        "count": 2,
        "first_at": now,
        "last_at": now,
    }
    return RefusedCall.objects.create(**columns | fields)


def configure_partner(**fields: Any) -> None:
    configuration = PartnerConfiguration.load()
    for name, value in fields.items():
        setattr(configuration, name, value)
    configuration.save()


def make_package(
    id: str = "skills",
    type: str = "SKILL_TEST",
    *,
    assessments: tuple[str, ...] = (),
    rules: tuple[dict[str, Any], ...] = (),
    **fields: Any,
) -> Package:
    """Create a package with assessments of these ids and rules of these columns (`{"customer": …}`)."""
    package = Package.objects.create(id=id, type=type, **{"name": f"Package {id}", **fields})
    for position, each in enumerate(assessments):
        Assessment.objects.create(
            package=package, assessment_id=each, type=type, name=f"Assessment {each}", position=position
        )
    for rule in rules:
        Rule.objects.create(package=package, **rule)
    return package
