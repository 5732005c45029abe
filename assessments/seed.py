"""Sample data of `seed_demo`: two customers, packages of all six types, staff and an engine client."""

import base64
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from assessments import catalogue
from assessments.catalogue import PackageDraft
from integrations import audit
from integrations.models import AssessmentType, Client, Customer, Membership, User
from integrations.roles import MemberRole, StaffRole

CLIENT_ID = "demo-engine"
ADMIN_EMAIL = "admin@demo.example"
T = AssessmentType


class DemoCustomer(NamedTuple):
    id: str
    name: str
    email: str
    person_name: str


CUSTOMERS = (
    DemoCustomer("cus_demo_northwind", "Northwind Retail", "ana@northwind.demo.example", "Ana Lindqvist"),
    DemoCustomer("cus_demo_harbour", "Harbour Clinics", "ben@harbour.demo.example", "Ben Okafor"),
)


def _build_draft(id: str, type: T, name: str, description: str, *parts: tuple[str, str, str]) -> PackageDraft:
    return {
        "id": f"demo-{id}",
        "type": type,
        "name": name,
        "description": description,
        "invite_candidate": type != T.INLINE_ASSESSMENT,
        "retired": False,
        "assessments": [{"id": pk, "type": type, "name": title, "description": about} for pk, title, about in parts],
        "rules": [{"customer_id": customer.id} for customer in CUSTOMERS],
    }


PACKAGES = (
    _build_draft(
        "spreadsheets",
        T.SKILL_TEST,
        "Spreadsheets for analysts",
        "Forty minutes of practical work in a spreadsheet, scored automatically. For analysts and controllers.",
        ("formulas", "Formulas and references", "Twelve tasks, from sums to nested lookups."),
        ("pivot-tables", "Pivot tables and charts", "One set of sales figures and five questions about it."),
    ),
    _build_draft(
        "customer-service",
        T.BEHAVIORAL_ASSESSMENT,
        "Customer service profile",
        "How a person deals with others under pressure. A questionnaire of 25 minutes; no preparation needed.",
        ("patience", "Patience and tone", "Reactions to difficult customers."),
        ("priorities", "Setting priorities", "What comes first when everything is urgent."),
        ("teamwork", "Working with others", "Handing over, asking for help, giving credit."),
    ),
    _build_draft(
        "first-interview",
        T.VIDEO_INTERVIEW,
        "First video interview",
        "Recorded answers in the candidate's own time: three minutes per answer, one retake.",
        ("motivation", "Motivation", "Three questions about the move and the role."),
        ("experience", "Experience", "Two questions about a project the candidate is proud of."),
    ),
    _build_draft(
        "identity-and-work",
        T.BACKGROUND_CHECK,
        "Identity and work history",
        "Documents and former employers, checked within five working days, with the candidate's consent.",
        ("identity", "Identity", "The document and the person belong together."),
        ("employment", "Work history", "The last two employers confirm role and dates."),
    ),
    _build_draft(
        "two-references",
        T.REFERENCE_CHECK,
        "Two references",
        "Two people named by the candidate answer a short online questionnaire.",
        ("manager", "Former manager", "Ten questions about results and reliability."),
        ("colleague", "Former colleague", "Eight questions about working together."),
    ),
    _build_draft(
        "shop-floor",
        T.INLINE_ASSESSMENT,
        "A day on the shop floor",
        "Eight minutes during the application: short scenes from a shop, one decision each.",
        ("scenes", "Scenes", "Six situations with customers and colleagues."),
        ("till", "At the till", "Quick sums and one mistake to find."),
    ),
    _build_draft(
        "typing",
        T.SKILL_TEST,
        "Typing speed",
        "Three minutes of copying text: characters per minute and error rate.",
    ),
)


@transaction.atomic
def seed_demo() -> dict[str, Any]:
    """Create or restore the sample rows, change no others, and return the JSON described in config/README.md."""
    customers = [_seed_customer(each) for each in CUSTOMERS]
    for draft in PACKAGES:
        catalogue.put_package(draft)
    packages = [{"id": draft["id"], "type": str(draft["type"])} for draft in PACKAGES]
    return {
        "admin": {
            "email": ADMIN_EMAIL,
            "password": _seed_user(ADMIN_EMAIL, "Stella Novak", staff_role=StaffRole.ADMINISTRATOR),
        },
        "customers": [{**customer, "packages": [package["id"] for package in packages]} for customer in customers],
        "engine": {"client_id": CLIENT_ID, "client_secret": _seed_engine()},
        "packages": packages,
    }


def _seed_customer(demo: DemoCustomer) -> dict[str, Any]:
    name = demo.name
    if Customer.objects.filter(name=name).exclude(pk=demo.id).exists():
        name = f"{name} (demo)"
    rights = {"is_active": True, "skips_confirmation": True}
    customer, _ = Customer.objects.update_or_create(pk=demo.id, defaults={"name": name, **rights})
    password = _seed_user(demo.email, demo.person_name)
    person = User.objects.get(email=demo.email)
    Membership.objects.update_or_create(person=person, customer=customer, defaults={"role": MemberRole.ADMINISTRATOR})
    return {"id": customer.pk, "name": customer.name, "email": demo.email, "password": password}


def _seed_user(email: str, name: str, *, staff_role: str = "") -> str:
    """Create or update the user. Return the password, in four groups of letters."""
    letters = base64.b32encode(_derive_bytes(f"password of {email}")).decode().lower()
    password = "-".join(letters[start : start + 4] for start in range(0, 16, 4))
    rights = {"name": name, "staff_role": staff_role, "is_active": True}
    user, _ = User.objects.update_or_create(email=email, defaults=rights)
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return password


def _seed_engine() -> str:
    """Create or update the engine's OAuth client. Return its secret of 256 bits."""
    secret = "srp_" + base64.urlsafe_b64encode(_derive_bytes("engine")).decode().rstrip("=")
    client, is_new = Client.objects.get_or_create(
        client_id=CLIENT_ID,
        defaults={
            "name": "Sample engine",
            "client_type": Client.CLIENT_CONFIDENTIAL,
            "authorization_grant_type": Client.GRANT_CLIENT_CREDENTIALS,
        },
    )
    client.client_secret, client.revoked_at = secret, None
    client.save(update_fields=["client_secret", "revoked_at", "updated"])
    if is_new:
        audit.record("client.created", CLIENT_ID, name=client.name)
    return secret


def list_active_accounts() -> list[str]:
    """Return the email addresses of sample people, and the id of the sample engine, that can sign in."""
    emails = (ADMIN_EMAIL, *(customer.email for customer in CUSTOMERS))
    people = User.objects.filter(email__in=emails, is_active=True).order_by("email").values_list("email", flat=True)
    clients = Client.objects.filter(client_id=CLIENT_ID, revoked_at=None).values_list("client_id", flat=True)
    return [*people, *clients]


def _derive_bytes(purpose: str) -> bytes:
    """Derive 256 bits from SECRET_KEY, the same on each call."""
    return salted_hmac("seed_demo", purpose, secret=settings.SECRET_KEY, algorithm="sha256").digest()
