"""A name that somebody outside chose cannot turn the sentence around it: on every page, and in every email.

Unicode's bidirectional algorithm (UAX 9) lets right-to-left letters, and marks such as U+202E, reorder what stands
beside them. So a name is isolated: by <bdi>, by a `dir`, or by FSI … PDI in attributes and plain texts. A name that is
all of its paragraph has nothing beside it.
"""

import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from assessments.models import Assessment, Package
from config.admin import email_previews
from integrations import mail
from integrations.models import AuditEntry, Client, Customer, User
from integrations.text import ISOLATE_END, ISOLATE_STARTS, isolate_direction
from orders import results
from orders.models import Attachment, Order
from tests.config.conftest import REPOSITORY
from tests.everything import World, build_body, build_url
from tests.routes import ROUTES

pytestmark = pytest.mark.django_db
TURN = " \u202eשלום"  # an override that nothing ends, and right-to-left letters
CUSTOMER, OTHER, NEWCOMER, PERSON, ENGINE, PACKAGE, PART, FIRST_NAME, LAST_NAME, REPORT, TEXT = NAMES = tuple(
    name + TURN
    for name in ("Quay", "Harbour", "Mill", "Carla", "Engine", "Skills", "Logic", "Ada", "Lovelace", "report", "Text")
)
NAME = re.compile("|".join(map(re.escape, NAMES)))
TURNING = ("R", "AL", "RLE", "RLO", "LRE", "LRO", "PDF")
BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "br", "button", "caption", "dd", "details", "div", "dl"),
    *("dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "header", "hr", "html"),
    *("input", "legend", "li", "main", "nav", "ol", "optgroup", "option", "p", "pre", "section", "select", "summary"),
    *("svg", "table", "tbody", "td", "text", "textarea", "tfoot", "th", "thead", "title", "tr", "ul"),
}
BLOCK_CLASSES = {"second", "visually-hidden"}  # by the style sheets
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SPOKEN = ("alt", "aria-label", "aria-description", "content", "label", "placeholder", "title")
ISOLATED = "\ufffc"


def drop_isolates(line: str) -> str:
    """Replace the isolates that end within the line."""
    kept, depth, start = "", 0, 0
    for at, each in enumerate(line):
        if each in ISOLATE_STARTS:
            start = start if depth else at
            depth += 1
        elif each == ISOLATE_END and depth:
            depth -= 1
            kept += "" if depth else ISOLATED
        elif not depth:
            kept += each
    return kept + (line[start:] if depth else "")


def find_turned(text: str) -> list[str]:
    """Return the lines in which a name turns what stands beside it."""
    lines = [" ".join(drop_isolates(line).split()) for line in text.splitlines()]
    return [line for line in lines if any(map(turns, line)) and NAME.sub("", line).strip()]


def turns(character: str) -> bool:
    return unicodedata.bidirectional(character) in TURNING


class Page(HTMLParser):
    """Find the paragraphs and attributes of a page in which a name turns what stands beside it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.open: list[tuple[str, bool, bool]] = []  # (tag, is isolated, is a block)
        self.paragraph = ""
        self.feed(html)
        self.close()
        self._end_paragraph()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        is_block = tag in BLOCKS or bool(BLOCK_CLASSES & set((values.get("class") or "").split()))
        spoken = [*SPOKEN, *["value"] * (values.get("type") in ("submit", "button"))]
        self.faults += [f"{name}={each}" for name in spoken for each in find_turned(values.get(name) or "")]
        if is_block:
            self._end_paragraph()
        if tag not in VOID:
            self.open.append((tag, tag == "bdi" or ("dir" in values and tag != "html"), is_block))

    def handle_endtag(self, tag: str) -> None:
        while self.open and tag in [name for name, _, _ in self.open]:
            name, is_isolated, is_block = self.open.pop()
            if is_block:
                self._end_paragraph()
            elif is_isolated:
                self.paragraph += ISOLATED
            if name == tag:
                break

    def handle_data(self, text: str) -> None:
        names = [name for name, _, _ in self.open]
        if "script" in names or "style" in names or "textarea" in names:
            return
        if not any(is_isolated for _, is_isolated, _ in self.open):
            self.paragraph += text

    def _end_paragraph(self) -> None:
        self.faults += find_turned(" ".join(self.paragraph.split()))
        self.paragraph = ""


@pytest.mark.parametrize(
    ("html", "is_fault"),
    [
        (f"<p>Hello {CUSTOMER}, welcome.</p>", True),
        (f"<p>Hello <bdi>{CUSTOMER}</bdi>, welcome.</p>", False),
        (f"<p>Hello <b dir=auto>{CUSTOMER}</b>, welcome.</p>", False),
        (f"<p>Hello \u2068{CUSTOMER}\u2069, welcome.</p>", False),
        (f"<p>Hello \u2068{CUSTOMER}, welcome.</p>", True),
        (f"<p>Hello <b>{CUSTOMER}</b>, welcome.</p>", True),
        (f"<td>{CUSTOMER}</td><td>1</td>", False),
        (f"<td>{CUSTOMER}<br>1</td>", False),
        (f"<td>{CUSTOMER} <a>1</a></td>", True),
        (f"<td><a>{CUSTOMER}</a></td>", False),
        (f'<a title="Remove {CUSTOMER}">x</a>', True),
        (f'<a title="Remove \u2068{CUSTOMER}\u2069">x</a>', False),
        (f'<input value="{CUSTOMER}, 2">', False),
        (f'<input type="submit" value="Confirm for {CUSTOMER}">', True),
        (f"<title>{CUSTOMER} · Partnerside</title>", True),
        (f'<html dir="ltr"><p>{CUSTOMER} asks.</p>', True),
    ],
)
def test_check_finds_names_that_are_not_isolated(html: str, is_fault: bool) -> None:
    assert bool(Page(html).faults) == is_fault


def turn_names(world: World) -> None:
    """Give everything a name that turns what stands beside it."""
    for customer, name in zip(Customer.objects.order_by("created_at"), (CUSTOMER, OTHER, NEWCOMER), strict=True):
        Customer.objects.filter(pk=customer.pk).update(name=name)
    User.objects.update(name=PERSON)
    Client.objects.filter(connection=None).update(name=ENGINE)
    Package.objects.update(name=PACKAGE, description=TEXT)
    Assessment.objects.update(name=PART)
    named = {
        "candidate_first_name": FIRST_NAME,
        "candidate_last_name": LAST_NAME,
        "candidate_id": TEXT,
        "candidate_email": TEXT,
    }
    Order.objects.update(**named, job_id=TEXT, fields={TEXT: TEXT}, requester_user_id=TEXT)
    Attachment.objects.update(name=REPORT)
    for number in (1, 2):
        reported = {"status": "COMPLETED", "summary": TEXT, "score_label": TEXT, "name": f"{number}{TURN}"}
        part = {"assessment_id": "logic", "status": "COMPLETED", "name": PART, "summary": TEXT}
        results.report(world.order.pk, reported | {"assessment_results": [part]}, by=ENGINE, correction=TEXT)
    AuditEntry.objects.create(action="sign_in.failed", subject=TEXT, detail={"name": CUSTOMER, "package": PACKAGE})


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        world = World()
        turn_names(world)
        yield world
        transaction.set_rollback(True)


def check(answer: Any) -> list[str]:
    kind = answer.headers.get("Content-Type", "")
    if kind.startswith("text/html"):
        return Page(answer.content.decode()).faults
    return find_turned(answer.content.decode()) if kind.startswith("text/plain") else []


ROLES = ("stranger", "bob", "alice", "viewer", "administrator")


@pytest.mark.parametrize(
    ("row", "role", "names"),
    [
        ("home", "alice", {CUSTOMER}),
        ("people", "alice", {CUSTOMER, PERSON}),
        ("customer_orders", "alice", {FIRST_NAME, PACKAGE, REPORT}),
        ("consent", "alice", {CUSTOMER}),
        ("invitation", "stranger", {CUSTOMER}),
        ("take", "stranger", {CUSTOMER, PACKAGE}),
        ("admin:index", "administrator", {CUSTOMER}),
        ("admin:orders_order_change", "administrator", {CUSTOMER, FIRST_NAME, PACKAGE, TEXT}),
        ("admin:integrations_auditentry_changelist", "administrator", {CUSTOMER, PACKAGE, TEXT}),
        ("admin:integrations_webhook_change", "administrator", {ENGINE}),
    ],
)
def test_names_are_on_the_pages(world: World, row: str, role: str, names: set[str]) -> None:
    """Check the check: the pages show the names that turn."""
    page = world.send_request(role, "GET", build_url(world, row)).content.decode()
    assert {name for name in names if name not in page} == set()


@pytest.mark.parametrize("row", ROUTES)
def test_page_isolates_every_name(world: World, row: str) -> None:
    faults: dict[str, list[str]] = {}
    for role in ROLES:
        for method in ("GET", "POST"):
            with transaction.atomic():
                url = build_url(world, row)
                answer = world.send_request(role, method, url, *build_body(world, row, method))
                found = check(answer)
                if answer.status_code in (302, 303) and answer["Location"].startswith("/"):
                    found += check(world.send_request(role, "GET", answer["Location"]))
                transaction.set_rollback(True)
            if found:
                faults[f"{method} by {role}"] = found
    assert faults == {}


TAG = re.compile(r"{#.*?#}|{%.*?%}|{{(.*?)}}", re.DOTALL)
NAMED = ("name", "firstName", "lastName", "package_name")
# Of these, the program chose the names.
OURS = ("app", "field", "field.field", "form", "kind", "line", "model")


def fill(tag: re.Match[str]) -> str:
    """Return a name for a variable that ends in `.name` or the like: no model isolates it, as for `{{ customer }}`."""
    path, *filters = (part.strip() for part in (tag[1] or "").split("|"))
    owner, _, attribute = path.rpartition(".")
    if attribute not in NAMED or owner in OURS:
        return "x" if path else ""
    return isolate_direction(TEXT) if "isolate_direction" in filters else TEXT


TEMPLATES = [
    path for at in ("templates", "integrations/simulator/templates") for path in (REPOSITORY / at).rglob("*.html")
]


@pytest.mark.parametrize("path", sorted(TEMPLATES), ids=lambda path: path.name)
def test_template_isolates_names_in_all_its_branches(path: Path) -> None:
    """Of every template, with all branches one after the other."""
    assert Page(TAG.sub(fill, path.read_text())).faults == []


WITHOUT_NAMES = ("password_reset", "password_link", "account_changed", "no_account")


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
@pytest.mark.parametrize("kind", [each.name for each in email_previews.list_previews()])
def test_email_isolates_every_name(kind: str, language: str) -> None:
    chosen = ("candidate", "customer", "package", "description", "person", "inviter", "company", "other", "reason")
    email = mail.render_email(kind, language, **email_previews.sample_context() | dict.fromkeys(chosen, TEXT))
    assert TURN in email.text or kind in WITHOUT_NAMES
    assert find_turned(email.subject) + find_turned(email.text) + Page(email.html).faults == []
