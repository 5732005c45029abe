"""Every way to see a candidate leaves an audit entry that `manage.py who_saw` reports (S14 in tests/reliability).

Every candidate of `tests.everything.World` gets a mark, in every column that may hold something of a candidate. Then
each role requests each route of tests/routes.py that does not refuse it, and makes EXTRA_VISITS, which need more than
one request or another body. Where a mark comes back, `who_saw` must name this role with this order.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from integrations import audit
from integrations.models import EventType
from integrations.outbox.models import Attempt, Delivery
from integrations.webhooks import events
from orders import attachments, results
from orders.models import Attachment, Order, OrderEvent, Resource, ResourceState
from tests.everything import World, build_body, build_url
from tests.routes import ADMIN_SIGN_IN, ENGINES, ROLES, ROUTES, SIGN_IN

pytestmark = pytest.mark.django_db
API = "/api/vendor/v1/orders"
ADMIN = "/admin/orders/order"
KEY = {"HTTP_IDEMPOTENCY_KEY": "once"}
FIRST_NAME = "Quillon"  # of all candidates, for a search that does not repeat a mark
REFUSALS = {401, 403, 404, 405, 409, 410, SIGN_IN, ADMIN_SIGN_IN}

# Who is shown a candidate by which route or visit; "signed_in" and "all" as in tests/routes.py.
SHOWN_TO = """
admin:orders_order_change             support administrator
admin:orders_order_preview            support administrator
admin:orders_order_report             support administrator
admin:orders_order_attachment         support administrator
admin:outbox_delivery_change          support administrator
customer_orders                       bob alice
customer_report                       alice
report                                all
engine-orders                         engines
engine-lease                          engines
engine-order                          engines
engine-accept                         engines
engine-result                         engines
engine-preview                        engines
engine-candidate                      engines
engine-job                            engines
engine-hiring-team                    engines
engine-timeline                       engines
"""


class Marked:
    """The world with a mark for each order's candidate."""

    def __init__(self, world: World) -> None:
        self.world = world
        orders = (world.order, world.inline, world.waiting)
        self.marks = {order.pk: f"canary{number}c6e1" for number, order in enumerate(orders)}
        for order in orders:
            mark_order(order, self.marks[order.pk])
        world.report = Attachment.objects.filter(order=world.order, name__startswith="canary").get()
        events.record_order_event(EventType.ORDER_CREATED, world.order.pk)
        events.assign_numbers()
        self.known = self.list_all_accesses()

    def email(self, order_id: str) -> str:
        return f"{self.marks[order_id]}@candidates.example"

    def list_accesses(self, order_id: str) -> list[str]:
        out = io.StringIO()
        call_command("who_saw", self.email(order_id), stdout=out, stderr=io.StringIO())
        return out.getvalue().splitlines()

    def list_all_accesses(self) -> dict[str, list[str]]:
        return {order_id: self.list_accesses(order_id) for order_id in self.marks}

    def find_shown(self, response: Any) -> list[str]:
        """Return the orders whose candidate is in the response."""
        content = b"\n".join(read_parts(response)).lower()
        return [order_id for order_id, mark in self.marks.items() if mark.encode() in content]

    def find_actor(self, role: str, url: str) -> str:
        """Return how `who_saw` names the role."""
        if role in self.world.users:
            return self.world.users[role].email
        return "engine engine (" if role in ENGINES and url.startswith("/api/") else "not signed in from"

    def is_recorded(self, order_id: str, role: str, url: str, known: list[str]) -> bool:
        """Return True if `who_saw` names the role with this order, in a line that was not known before."""
        line = re.compile(rf"  [\w' ]+  {order_id}  {re.escape(self.find_actor(role, url))}.*127\.0\.0\.1")
        return any(map(line.search, self.list_accesses(order_id)[len(known) :]))


def mark_order(order: Order, mark: str) -> None:
    """Put the mark everywhere: columns of the order, result, reports, copies, requests and responses."""
    email = f"{mark}@candidates.example"
    results.report(order.pk, {"summary": mark, "score_label": mark, "name": mark}, by="engine", correction=mark)
    assessments = [{"assessment_id": "logic", "summary": mark}]
    results.report(order.pk, {"assessment_results": assessments}, by="engine", correction=mark)
    attachments.add_file(order.pk, f"%PDF-1.7\n%{mark}\n%%EOF\n".encode(), name=f"{mark}.pdf", by="engine")
    named = {"candidate_id": mark, "candidate_first_name": FIRST_NAME, "candidate_last_name": mark}
    Order.objects.filter(pk=order.pk).update(
        **named, candidate_email=email, fields={"x": mark}, unknown={"x": mark}, accepted_at=None
    )
    for kind in ("candidate", "job", "hiring_team"):
        content = {"state": ResourceState.THERE, "content": {"email": email}}
        Resource.objects.update_or_create(order=order, kind=kind, defaults=content)
    OrderEvent.objects.filter(order=order).update(detail={"correction": mark})
    for delivery in Delivery.objects.filter(subject=order.pk):
        Delivery.objects.filter(pk=delivery.pk).update(payload={**delivery.payload, "note": mark})
        sent = {"method": "PATCH", "url": "/orders", "body": {"name": mark}}
        Attempt.objects.create(
            delivery=delivery,
            number=1,
            started_at=timezone.now(),
            outcome="fail",
            status=400,
            request=sent,
            response=mark,
        )


def read_parts(response: Any) -> Iterator[bytes]:
    """Yield what a response carries: headers, body, and the files in a ZIP file."""
    yield str(response.headers).encode()
    content = b"".join(response.streaming_content) if response.streaming else response.content
    yield content
    if zipfile.is_zipfile(io.BytesIO(content)):
        archive = zipfile.ZipFile(io.BytesIO(content))
        yield from (archive.read(name) for name in archive.namelist())


@pytest.fixture(scope="module")
def marked(world: World, django_db_blocker: DjangoDbBlocker) -> Marked:
    with django_db_blocker.unblock():
        return Marked(world)


@pytest.fixture(autouse=True)
def _set_up(settings: Any, tmp_path: Path) -> None:
    settings.SMARTRECRUITERS_API_URL = "http://127.0.0.1:9"
    settings.PORTAL_DATA_DIR = tmp_path  # of the log of erasures


# Visits that need more than the requests of tests/routes.py. They are generators: each response is checked by itself.

Visit = Callable[[Marked, Any], Iterable[Any]]


def build_path(order: Order, *path: str) -> str:
    return "/".join((ADMIN, quote(order.pk), *path, ""))


def search_as_customer(marked: Marked, browser: Any) -> Iterable[Any]:
    yield browser.post("/orders", {"q": FIRST_NAME.lower()}, follow=True)


def filter_as_customer(marked: Marked, browser: Any) -> Iterable[Any]:
    yield browser.get("/orders", {"status": "PENDING", "company": "northwind", "page": "1"})


def open_order_pages(marked: Marked, browser: Any) -> Iterable[Any]:
    for order in (marked.world.order, marked.world.inline):
        yield browser.get(build_path(order, "change"))


def preview_without_script(marked: Marked, browser: Any) -> Iterable[Any]:
    yield browser.post(build_path(marked.world.order, "report"), {"look": "yes", "score_label": "x"})


def export_candidate(marked: Marked, browser: Any) -> Iterable[Any]:
    path = build_path(marked.world.order, "act", "export")
    yield browser.get(path)
    yield browser.post(path, {"reason": "They asked."})


def erase_candidate(marked: Marked, browser: Any) -> Iterable[Any]:
    path = build_path(marked.world.inline, "act", "erase")
    yield browser.get(path)
    yield browser.post(path)


def open_deliveries(marked: Marked, browser: Any) -> Iterable[Any]:
    for row in Delivery.objects.filter(subject__in=marked.marks):
        yield browser.get(f"/admin/outbox/delivery/{row.pk}/change/")


def open_delivery_pages(marked: Marked, browser: Any) -> Iterable[Any]:
    for page in ("history", "act/replay", "act/dismiss"):
        yield browser.get(f"/admin/outbox/delivery/{marked.world.delivery.pk}/{page}/")


def list_deliveries(marked: Marked, browser: Any) -> Iterable[Any]:
    path = "/admin/outbox/delivery/"
    for query in ("", "?state__exact=all", f"?q={marked.world.order.pk}", "?needs=hand"):
        yield browser.get(path + query)
    choice = {"action": "replay", "_selected_action": [marked.world.delivery.pk]}
    yield browser.post(path, choice)
    yield browser.post(path, {**choice, "confirmed": "yes"}, follow=True)


def list_in_admin(marked: Marked, browser: Any) -> Iterable[Any]:
    for query in ("", f"?id__in={','.join(marked.marks)}", f"?q={marked.world.order.pk}"):
        yield browser.get(f"{ADMIN}/{query}")


def look_around_in_admin(marked: Marked, browser: Any) -> Iterable[Any]:
    rows = {"connection": marked.world.connection.pk, "customer": marked.world.northwind.pk}
    rows |= {"webhook": marked.world.webhook.pk, "user": marked.world.users["alice"].pk}
    for name, pk in rows.items():
        yield browser.get(f"/admin/integrations/{name}/{quote(pk)}/change/")


def repeat_lease(marked: Marked, browser: Any) -> Iterable[Any]:
    for _ in range(2):  # the second response is the stored one
        yield browser.post(f"{API}/lease", {"max": 100}, content_type="application/json", **KEY)


def repeat_accept(marked: Marked, browser: Any) -> Iterable[Any]:
    for _ in range(2):
        yield browser.post(f"{API}/{marked.world.order.pk}/accept", {}, content_type="application/json", **KEY)


def upload_again(marked: Marked, browser: Any) -> Iterable[Any]:
    mark = marked.marks[marked.world.order.pk]
    file = SimpleUploadedFile("other.pdf", f"%PDF-1.7\n%{mark}\n%%EOF\n".encode())
    yield browser.post(f"{API}/{marked.world.order.pk}/attachments", {"file": file})


def list_for_engine(marked: Marked, browser: Any) -> Iterable[Any]:
    yield browser.get(API, {"limit": "1"})
    yield browser.get(API, {"customer": marked.world.northwind.pk})


def read_events(marked: Marked, browser: Any) -> Iterable[Any]:
    yield browser.get("/api/vendor/v1/events")
    yield browser.get("/api/vendor/v1/webhooks")


EXTRA_VISITS: dict[str, tuple[Visit, str]] = {
    "search by customers' people": (search_as_customer, "bob alice"),
    "filtered list of customers' people": (filter_as_customer, "bob alice"),
    "pages of orders": (open_order_pages, "support administrator"),
    "preview without script": (preview_without_script, "support administrator"),
    "export": (export_candidate, "support administrator"),
    "erasure": (erase_candidate, ""),
    "deliveries": (open_deliveries, "support administrator"),
    "other pages of a delivery": (open_delivery_pages, ""),
    "list of deliveries": (list_deliveries, ""),
    "list of orders": (list_in_admin, ""),
    "other pages in admin": (look_around_in_admin, ""),
    "repeated lease": (repeat_lease, "engines"),
    "repeated acceptance": (repeat_accept, "engines"),
    "repeated upload": (upload_again, "engines"),
    "lists of an engine": (list_for_engine, "engines"),
    "events": (read_events, ""),
}


def expand_roles(text: str) -> set[str]:
    groups: dict[str, tuple[str, ...]] = {"all": ROLES, "engines": ENGINES}
    return {role for word in text.split() for role in groups.get(word, (word,))}


SHOWN = {line.split()[0]: expand_roles(line.partition(" ")[2]) for line in SHOWN_TO.strip().splitlines()}
SHOWN |= {name: expand_roles(roles) for name, (_, roles) in EXTRA_VISITS.items()}


def visit_as(marked: Marked, role: str, name: str) -> tuple[str, Iterable[Any]]:
    """Return the URL of a role's visit, and its responses one by one."""
    world = marked.world
    if name in EXTRA_VISITS:
        browser = world.browsers[role]
        browser.cookies = deepcopy(world.cookies[role])
        return API if role in ENGINES else "/", EXTRA_VISITS[name][0](marked, browser)
    url = build_url(world, name)
    table = {method: answers[role] for method, answers in ROUTES[name].items() if method != "HEAD"}
    methods = ["GET" if method == "*" else method for method, answer in table.items() if answer not in REFUSALS]
    return url, (world.send_request(role, each, url, *build_body(world, name, each)) for each in methods)


def find_views(marked: Marked, name: str) -> tuple[set[str], list[str]]:
    """Return the roles to which a route or visit shows a candidate, and the gaps in the audit log, by name."""
    roles, gaps = set(), []
    for role in ROLES:
        known = marked.known
        with transaction.atomic():
            url, responses = visit_as(marked, role, name)
            for response in responses:
                shown = marked.find_shown(response)
                missing = [each for each in shown if not marked.is_recorded(each, role, url, known[each])]
                gaps += [f"{name} shows {role} the candidate of {each}, and who_saw does not" for each in missing]
                if shown:
                    roles.add(role)
                    known = marked.list_all_accesses()
            transaction.set_rollback(True)
    return roles, gaps


@pytest.mark.parametrize("name", [*ROUTES, *EXTRA_VISITS])
def test_whoever_is_shown_a_candidate_is_named_by_who_saw(marked: Marked, name: str) -> None:
    roles, gaps = find_views(marked, name)
    assert gaps == []
    assert roles == SHOWN.get(name, set())


@pytest.mark.parametrize("name", [name for name, roles in SHOWN.items() if roles])
def test_view_without_an_entry_is_found(marked: Marked, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check the check: without its entries, each of these views is a gap that is named."""
    monkeypatch.setattr(audit, "record", lambda *args, **kwargs: None)
    roles, gaps = find_views(marked, name)
    assert {gap.split(" the candidate")[0] for gap in gaps} == {f"{name} shows {role}" for role in roles}
    assert roles == SHOWN[name]
