"""Forms posted after the session expired, and URLs that accept POST only."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client as Browser
from django.urls import reverse

from integrations.accounts import login_redirects
from integrations.models import Customer, Invitation, Membership, User
from tests.integrations.accounts.test_sign_in import text
from tests.rows import PASSWORD

pytestmark = pytest.mark.django_db
OURS = "http://testserver"
ENDED = "Your session has ended; nothing was changed."


def sent(browser: Browser, path: str, came_from: str = "") -> str:
    """Post a form anonymously and return the page that follows the login."""
    headers = {"Referer": came_from} if came_from else {}
    page = urlsplit(browser.post(path, {}, headers=headers)["Location"])
    asked = parse_qs(page.query)
    assert (page.path, asked[login_redirects.SESSION_EXPIRED]) == ("/accounts/login/", ["1"])
    return asked["next"][0]


@pytest.mark.parametrize(
    ("path", "came_from", "leads_to"),
    [
        ("/people/invite", "", "/people"),
        ("/people/2/role/", "", "/people/2/role/"),
        ("/people/invitations/inv_abcdefghijkl/resend", "", "/people"),
        ("/organisation", "", "/"),
        ("/organisation", f"{OURS}/orders?status=PENDING", "/orders?status=PENDING"),
        ("/people/invite", f"{OURS}/people/invite", "/people"),
        ("/people/invite", "https://evil.example/people", "/people"),
        ("/people/invite", f"{OURS}/nonsense", "/people"),
        ("/people/invite", "http://[evil", "/people"),
        ("/connections/northwind/disconnect", "", "/connections/northwind/disconnect"),
        ("/orders", f"{OURS}/orders", "/orders"),
    ],
)
def test_form_without_a_session_leads_back_to_its_page(
    client: Browser, path: str, came_from: str, leads_to: str
) -> None:
    assert sent(client, path, came_from) == leads_to


@pytest.mark.parametrize(
    "wanted",
    [
        "/admin/orders/order/%3Bx",
        "/admin/orders/order/ord_5Fx/change/",
        "/admin/orders/order/%253B/",
        "/admin/orders/order/?q=a%20b%3D%26",
        "/orders?q=%C3%A9%2B1",
    ],
)
def test_sign_in_leads_to_the_page_that_was_asked_for(client: Browser, staff: User, wanted: str) -> None:
    """However often `next` is encoded on the way, each step decodes once."""
    where = client.get(wanted)["Location"]
    if where.startswith("/admin/login/"):
        where = client.get(where)["Location"]
    form = {"login": staff.email, "password": PASSWORD, "next": parse_qs(urlsplit(where).query)["next"][0]}
    assert client.post(where, form)["Location"] == wanted


def test_invitation_after_the_session_ended_invites_nobody_and_says_so(client: Browser, alice: User) -> None:
    client.force_login(alice)
    client.session.flush()
    went = client.post("/people/invite", {"email": "new@northwind.example"}, headers={"Referer": f"{OURS}/people"})
    assert ENDED in text(client.get(went["Location"]))
    assert ENDED not in text(client.get("/accounts/login/"))
    back = client.post("/accounts/login/?next=/people", {"login": alice.email, "password": PASSWORD})
    assert (back["Location"], Invitation.objects.count()) == ("/people", 0)


@pytest.mark.parametrize(
    "wanted", ["/people/invite", "/people/2/remove/../invite", "/organisation", "/people/invite?a=b"]
)
def test_sign_in_never_leads_to_an_address_that_takes_forms_alone(client: Browser, alice: User, wanted: str) -> None:
    went = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD, "next": wanted})
    assert client.get(went["Location"]).status_code in (200, 404)


@pytest.mark.parametrize(("path", "section"), [("/people/invite", "/people"), ("/organisation", "/")])
def test_opening_such_an_address_shows_a_page_that_leads_on(
    client: Browser, alice: User, path: str, section: str
) -> None:
    client.force_login(alice)
    page = client.get(path, headers={"Accept": "text/html,*/*"})
    assert (page.status_code, page["Allow"]) == (405, "POST")
    assert "This page cannot be opened directly" in text(page)
    assert f'href="{section}">Continue</a>' in text(page)
    assert client.get(path).content == b""


def test_every_address_that_takes_forms_alone_is_known_as_one(client: Browser, customer: Customer, alice: User) -> None:
    client.force_login(alice)
    membership = Membership.objects.get(person=alice)
    paths = [
        *(reverse(name) for name in ("invite", "switch_organisation", "end_all_sessions")),
        reverse("change_role", kwargs={"membership_id": membership.pk}),
        *(reverse(name, kwargs={"key": "a" * 32}) for name in ("consent_again", "consent_account")),
    ]
    for path in paths:
        assert login_redirects.has_get_view(path) == (client.get(path).status_code != 405), path


@pytest.mark.parametrize(
    ("path", "query", "leads_to"),
    [
        ("/orders", "q=northwind&page=2", "/accounts/login/?next=/orders%3Fq%3Dnorthwind%26page%3D2"),
        ("/orders", "q=" + "%C3%A9" * 700, "/accounts/login/?next=%2Forders"),
        ("/admin/orders/order/", "q=" + "x" * 2500, "/admin/login/?next=%2Fadmin%2Forders%2Forder%2F"),
        ("/admin/" + "x" * 2500 + "/", "", "/admin/login/?"),
    ],
)
def test_way_to_sign_in_stays_short_enough_for_a_proxy(client: Browser, path: str, query: str, leads_to: str) -> None:
    """Keep the headers under the 4 KB from which nginx answers 502."""
    assert client.get(path, QUERY_STRING=query)["Location"] == leads_to.removesuffix("?")


def test_form_from_a_long_address_still_says_that_it_came_to_nothing(client: Browser) -> None:
    long = f"{OURS}/orders?q={'x' * 3000}"
    assert sent(client, "/organisation", long) == "/orders"
