"""World for tests of all routes: one row of everything, a client per role, and URL and body of every route."""

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.test import Client as Browser
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLPattern, URLResolver

from integrations import incidents
from integrations.api.authentication import find_caller
from integrations.api.errors import PROBLEM_MEDIA_TYPE, is_api_path
from integrations.audit import Actor
from integrations.customers import invitations
from integrations.models import AuditEntry, Client, Consent, Customer, IncidentKind, PartnerConfiguration, User
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery, DeliveryState, Stream
from integrations.webhooks import endpoints
from orders import attachments, leases
from orders.models import Order
from tests import rows
from tests.orders.bodies import INLINE, order_body, place_order
from tests.routes import ROLES

PDF = b"%PDF-1.7\n%%EOF\n"
ROUTE_PARAMETER = re.compile(r"\(\?P<(\w+)>[^()]*\)|<(?:\w+:)?(\w+)>")


def iter_routes(resolver: URLResolver, prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """Yield (name, pattern) of every route; the name as `reverse` takes it, or the pattern if it has none."""
    for each in resolver.url_patterns:
        pattern = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from iter_routes(each, pattern, f"{each.namespace}:" if each.namespace else space)
        else:
            assert isinstance(each, URLPattern)
            yield (space + each.name if each.name else pattern), pattern


PATTERNS = dict(iter_routes(get_resolver()))


class World:
    """Rows, mostly of Northwind, and a browser or API client for each role."""

    def __init__(self) -> None:
        self.northwind, harbour = rows.make_customer("Northwind Retail"), rows.make_customer("Harbour Clinics")
        self.newcomer = rows.make_customer("Quayside Foods")
        self.connection = rows.make_connection(self.northwind, "northwind")
        other_connection = rows.make_connection(harbour, "harbour-clinics")
        self.package = rows.make_package("skills", assessments=("logic",), rules=({"customer": self.northwind},))
        self.order, self.inline, self.erased, self.waiting = self._make_orders()
        self.report, _ = attachments.add_file(self.order.pk, PDF, name="report.pdf", by="engine")
        self.tokens = {
            "engine": rows.make_token(),
            "another_engine": rows.make_token(),
            "theirs": rows.make_token(self.connection),
            "others": rows.make_token(other_connection),
        }
        self.users = self._make_users(harbour)
        self.invitation = invitations.send_invitation(
            self.northwind, "dora@northwind.example", "viewer", actor=Actor(self.users["alice"])
        )
        self.engine = self._find_engine()
        client, secret = rows.make_client(self.connection)
        self.credentials = {"client_id": client.client_id, "client_secret": secret}
        self.webhook = endpoints.register(self.engine, url="https://engine.example/hook", events=["order.created"])
        self.browsers = {role: self._make_browser(role) for role in ROLES}
        visit = self.browsers["alice"].get("/smartrecruiters/integration?companyId=northwind-2")
        self.consent = Consent.objects.get(key=visit["Location"].rpartition("/")[2])
        self.delivery = Delivery.objects.get(kind="invitation", subject=self.order.pk)
        Delivery.objects.filter(pk=self.delivery.pk).update(state=DeliveryState.FAILED)
        Stream.objects.filter(pk=self.delivery.stream_id).update(held_reason=deliveries.HELD_BY_STAFF)
        self.audit_entry = AuditEntry.objects.create(action="test.made", subject="a row of everything")
        self.refused_call = rows.make_refused_call()
        self.claim = rows.make_claim(self.northwind, "northwind-4")
        self.incident = incidents.record_incident(IncidentKind.COMPANY_CLASH, "northwind-4", self.northwind)
        self.configuration = PartnerConfiguration.load()
        self.cookies = {role: deepcopy(browser.cookies) for role, browser in self.browsers.items()}

    def _make_orders(self) -> tuple[Order, Order, Order, Order]:
        """Create an accepted, an inline, an erased and a waiting order."""
        order, inline, erased, waiting = (place_order(self.connection, **more) for more in ({}, INLINE, {}, {}))
        leases.accept_order(order.pk, launch_url="https://engine.example/take/1", by="engine")
        Order.objects.filter(pk=inline.pk).update(status="COMPLETED")
        Order.objects.filter(pk=erased.pk).update(erased_at=erased.created_at, candidate_email="")
        return order, inline, erased, waiting

    def _make_users(self, harbour: Customer) -> dict[str, User]:
        return {
            "charlie": rows.make_user(harbour, "charlie@harbour.example"),
            "bob": rows.make_user(self.northwind, "bob@northwind.example", role="viewer"),
            "alice": rows.make_user(self.northwind, "alice@northwind.example"),
            "viewer": rows.make_user(None, "victor@vendor.example", role="viewer"),
            "support": rows.make_user(None, "sam@vendor.example", role="support"),
            "administrator": rows.make_user(None, "stella@vendor.example"),
        }

    def _find_engine(self) -> Client:
        found = find_caller(self.tokens["engine"])
        assert found is not None
        return found.client

    def _make_browser(self, role: str) -> Browser:
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {self.tokens[role]}"} if role in self.tokens else {}
        browser = Browser(raise_request_exception=False, **bearer)
        if role in self.users:
            browser.force_login(self.users[role])
        return browser

    def send_request(self, role: str, method: str, url: str, content: bytes = b"", kind: str = "", **extra: Any) -> Any:
        """Send a request as a role, always with its original cookies, even after a response that ended the session."""
        browser = self.browsers[role]
        browser.cookies = deepcopy(self.cookies[role])
        return browser.generic(method, url, content, content_type=kind, **extra)

    def admin_rows(self) -> dict[str, Any]:
        """Return the rows for the admin's pages, by the model's part of the route's name."""
        return {
            "auditentry": self.audit_entry,
            "client": self.engine,
            "companyclaim": self.claim,
            "connection": self.connection,
            "consent": self.consent,
            "customer": self.newcomer,
            "delivery": self.delivery,
            "incident": self.incident,
            "invitation": self.invitation,
            "order": self.waiting,
            "package": self.package,
            "partnerconfiguration": self.configuration,
            "refusedcall": self.refused_call,
            "stream": self.delivery.stream,
            "user": self.users["alice"],
            "webhook": self.webhook,
        }


# The action that each model's row in tests/routes.py requests.
ADMIN_ACTIONS = {
    "client": "revoke",
    "companyclaim": "confirm",
    "connection": "disconnect",
    "delivery": "replay",
    "incident": "close",
    "invitation": "revoke",
    "order": "accept",
    "package": "retire",
    "stream": "release",
    "webhook": "test",
}


def route_arguments(world: World, name: str, variant: str) -> dict[str, object]:
    """Return the arguments of a route's URL."""
    arguments: dict[str, object] = {
        "app_label": "orders",
        "attachment_id": world.report.pk,
        "company_id": "northwind",
        "content_type_id": 1,
        "form": "json",
        "key": world.consent.key,
        "name": "nothing",
        "object_id": 1,
        "order_id": world.order.pk,
        "package_id": "skills",
        "pk": 1,
        "provider_id": "guessed",
        "rest": "nothing",
        "token": world.order.link_token,
        "uidb36": "1",
        "url": "nothing",
        "webhook_id": world.webhook.pk,
        "invitation_id": world.invitation.pk,
        "session_id": "0" * 40,
        "membership_id": world.users["bob"].memberships.get().pk,
    }
    for model, row in world.admin_rows().items():
        if re.search(rf"[_/]{model}[_/]", name):
            arguments |= {"object_id": quote(row.pk), "id": row.pk, "name": ADMIN_ACTIONS.get(model, "nothing")}
    for key in (("", variant), (name, ""), (name, variant)):
        if key in URL_ARGUMENTS:
            arguments |= URL_ARGUMENTS[key](world)
    return arguments


GUESSED_ARGUMENTS = {
    "attachment_id": "att_x",
    "company_id": "guessed",
    "key": "x" * 32,
    "order_id": "ord_x",
    "package_id": "guessed",
    "token": "x" * 32,
    "webhook_id": "wh_x",
    "invitation_id": "inv_xxxxxxxxxxxx",
    "membership_id": 999_999,
}
URL_ARGUMENTS: dict[tuple[str, str], Callable[[World], dict[str, object]]] = {
    ("", "guessed"): lambda world: GUESSED_ARGUMENTS,
    ("", "erased"): lambda world: {"order_id": world.erased.pk, "token": world.erased.link_token},
    ("", "inline"): lambda world: {"token": world.inline.link_token},
    ("invitation", ""): lambda world: {"token": world.invitation.link_token},
    ("invitation", "guessed"): lambda world: GUESSED_ARGUMENTS,
    ("report", ""): lambda world: {"token": world.report.link_token},
    ("report", "guessed"): lambda world: GUESSED_ARGUMENTS,
    ("company_integration", ""): lambda world: {"key": world.configuration.disable_key},
    ("company_integration", "guessed"): lambda world: {"key": "x" * 32, "company_id": "northwind"},
    ("company_integration", "unknown company"): lambda world: {"company_id": "guessed"},
    ("withdraw", "guessed"): lambda world: GUESSED_ARGUMENTS,
    ("withdraw", ""): lambda world: {"company_id": world.claim.company_id},
    ("account_confirm_email", ""): lambda world: {"key": "guessed"},
    ("account_reset_password_from_key", ""): lambda world: {"key": "guessed-1"},
    ("engine-package", "guessed"): lambda world: {"package_id": "-guessed"},
    ("admin:email", ""): lambda world: {"kind": "invitation", "language": "en"},
    ("admin:orders_order_attachment", ""): lambda world: {"object_id": quote(world.order.pk)},
}


def build_url(world: World, row: str) -> str:
    """Of the route of a row of tests/routes.py."""
    name, _, variant = row.partition(", ")
    pattern, known = PATTERNS[name], route_arguments(world, name, variant)
    if name == pattern:  # without a name
        url = "/" + ROUTE_PARAMETER.sub(lambda found: str(known[found[1] or found[2]]), name).rstrip("$")
    else:
        places = [one or other for one, other in ROUTE_PARAMETER.findall(pattern)]
        url = reverse(name, kwargs={place: known[place] for place in places})
    return url + QUERIES.get(row, "")


QUERIES = {"consent_begin": "?companyId=northwind-3"}
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def build_body(world: World, row: str, method: str) -> tuple[bytes, str]:
    """(content, its type) that makes the call a good one, for those whom it is for."""
    if (row, method) in FORMS:
        return urlencode(FORMS[row, method](world)).encode(), FORM
    name = row.partition(", ")[0]
    sent = BODIES.get((row, method), BODIES.get((name, method), lambda world: {}))(world)
    is_json = PATTERNS[name].lstrip("^").startswith(("api/", "smartrecruiters/"))
    return (json.dumps(sent).encode(), JSON) if is_json and method not in ("GET", "HEAD") else (b"", "")


FORMS: dict[tuple[str, str], Callable[[World], dict[str, str]]] = {
    ("token", "POST"): lambda world: {"grant_type": "client_credentials", **world.credentials},
    ("token, guessed", "POST"): lambda world: {
        "grant_type": "client_credentials",
        **world.credentials,
        "client_secret": "x",
    },
    ("invite", "POST"): lambda world: {
        "organisation": world.northwind.pk,
        "email": "e@northwind.example",
        "role": "viewer",
    },
    ("require_second_factor", "POST"): lambda world: {"organisation": world.northwind.pk, "required": "1"},
    ("admin:integrations_customer_invite", "POST"): lambda world: {"email": "e@quayside.example", "role": "viewer"},
    ("admin:integrations_customer_assign", "POST"): lambda world: {"company_id": "quayside"},
    ("change_role", "POST"): lambda world: {"role": "administrator"},
    ("switch_organisation", "POST"): lambda world: {"organisation": world.northwind.pk},
    ("consent", "POST"): lambda world: {"decision": "approve"},
}
BODIES: dict[tuple[str, str], Callable[[World], dict[str, object]]] = {
    ("orders", "POST"): lambda world: order_body(),
    ("orders, own company", "POST"): lambda world: order_body(companyId="harbour-clinics"),
    ("orders, their id", "POST"): lambda world: order_body(
        companyId="harbour-clinics", order_id=world.order.smartrecruiters_order_id
    ),
    ("inline-orders", "POST"): lambda world: order_body(**INLINE),
    ("engine-packages", "PUT"): lambda world: {"packages": []},
    ("engine-result", "PATCH"): lambda world: {"status": "IN_PROGRESS"},
    ("engine-attachments", "POST"): lambda world: {"type": "PDF_URL", "url": "https://engine.example/report.pdf"},
    ("engine_webhooks", "POST"): lambda world: {"url": "https://engine.example/hook", "events": ["order.created"]},
}


def find_flaws(answer: Any, path: str) -> list[str]:
    """Return what is wrong with a response, for any role."""
    policy = answer.headers.get("Content-Security-Policy", "")
    is_refused_by_api = answer.status_code >= 400 and is_api_path(path)
    checks = {
        "is an internal error": answer.status_code < 500,
        "may be framed": "frame-ancestors" in policy or "sandbox" in policy,
        "may be sniffed": answer.headers.get("X-Content-Type-Options") == "nosniff",
        "may be cached": "no-store" in answer.headers.get("Cache-Control", "") or path in CACHEABLE_PATHS,
        "does not say what it is": _says_what_it_is(answer),
        "has no problem document": not is_refused_by_api or answer.headers.get("Content-Type") == PROBLEM_MEDIA_TYPE,
        "does not name the allowed methods": answer.status_code != 405 or answer.has_header("Allow"),
        "lets other sites read it": not answer.has_header("Access-Control-Allow-Origin"),
    }
    return [flaw for flaw, is_good in checks.items() if not is_good]


def _says_what_it_is(answer: Any) -> bool:
    """Return True for a content type, with a charset for texts, or an answer without content."""
    kind = answer.headers.get("Content-Type", "")
    has_content = bool(answer.streaming or answer.content)
    return "charset=" in kind if kind.startswith("text/") else bool(kind) or not has_content


CACHEABLE_PATHS = ("/brand.css", "/favicon.ico", "/apple-touch-icon.png")  # the vendor's colours, no personal data
