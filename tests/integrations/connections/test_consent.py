"""Consent page: parameters, ownership, one decision, framing (C rows in tests/reliability/README.md)."""

import html
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.sessions.models import Session
from django.test import Client as Browser
from django.utils import timezone

from integrations.connections import consents, lifecycle
from integrations.models import Client, ConnectAttempt, Connection, Consent, DisplayMode, PartnerConfiguration, User
from integrations.outbox.models import Attempt, Delivery, DeliveryState
from tests import footprint, rows

BACK = "https://www.smartrecruiters.com/apps?company=northwind&tab=1"
ENTRY = "/smartrecruiters/integration"
OURS = "frame-ancestors https://*.smartrecruiters.com https://api.smartrecruiters.com"
pytestmark = pytest.mark.django_db

UNTRUSTED = [
    "https://evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "//evil.example",
    "https://www.smartrecruiters.com@evil.example",
    "https://smartrecruiters.com.evil.example",
    "https://evilsmartrecruiters.com",
    "https://www.smartrecruiters.com%2eevil.example",
    "https://sm\u0430rtrecruiters.com",
    "https://www.smartrecruiters.com./",
    "https://www.smartrecruiters.com:8443/",
    "https://127.0.0.1",
    "http://www.smartrecruiters.com/apps",
    "https://evil.example#@www.smartrecruiters.com",
    "https://www.smartrecruiters.com/\r\nSet-Cookie:x=1",
    "/admin/logout",
    "",
]
ODD_COMPANIES = [
    "",
    "..",
    ".",
    "../../partner/configuration",
    "..%2f..",
    "a/b",
    "x?y=1",
    "x#f",
    "x;y",
    "x\0",
    "x\r\n",
    "\U0001f600",
    "a" * 65,
    "<script>",
    "' OR 1=1--",
    " northwind",
]


def entry(company: str = "northwind", redirect: str | None = BACK) -> str:
    return f"{ENTRY}?companyId={quote(company)}" + ("" if redirect is None else f"&redirect={quote(redirect)}")


def visit(browser: Browser, **asked: Any) -> Consent:
    """Open the consent page as SmartRecruiters does, and return its record."""
    before = set(Consent.objects.values_list("pk", flat=True))
    assert browser.get(entry(**asked)).status_code == 302
    return Consent.objects.exclude(pk__in=before).get()


def page_of(consent: Consent) -> str:
    return f"{ENTRY}/{consent.key}"


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


@pytest.fixture
def browser(client: Browser, alice: User) -> Browser:
    client.force_login(alice)
    return client


@pytest.fixture
def opens_popup(db: None) -> None:
    """Have SmartRecruiters open the consent page in a pop-up."""
    PartnerConfiguration.load()
    PartnerConfiguration.objects.update(display_mode=DisplayMode.POPUP)


@pytest.mark.parametrize("redirect", UNTRUSTED)
def test_entry_with_an_untrusted_redirect_is_a_page_without_a_way_there(client: Browser, redirect: str) -> None:
    response = client.get(entry(redirect=redirect))
    assert (response.status_code, response.has_header("Location")) == (400, False)
    assert "evil" not in text(response)
    assert "<a " not in text(response).replace('<a class="skip" href="#content">', "")
    assert Consent.objects.count() == 0


@pytest.mark.parametrize("company", ODD_COMPANIES)
def test_entry_with_an_odd_company_id_is_refused(client: Browser, company: str) -> None:
    response = client.get(entry(company))
    assert response.status_code == 400
    assert "<script>" not in text(response)
    assert Consent.objects.count() == 0


@pytest.mark.parametrize("query", ["", "?redirect=" + quote(BACK), "?companyId=a&companyId=b"])
def test_entry_without_one_company_is_refused(client: Browser, query: str) -> None:
    assert client.get(ENTRY + query).status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_entry_is_for_reading_only(client: Browser, method: str) -> None:
    response = client.generic(method, entry())
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("redirect", [BACK, None])
def test_entry_answers_a_link_checker(client: Browser, redirect: str | None) -> None:
    """RFC 9110, section 9.1: every server supports HEAD where it supports GET."""
    head, options = client.head(entry(redirect=redirect)), client.options(entry(redirect=redirect))
    assert (head.status_code, head["Location"].startswith(f"{ENTRY}/"), head.content) == (302, True, b"")
    assert (options.status_code, options["Allow"], options.content) == (200, "GET, HEAD, OPTIONS", b"")


def test_pages_of_a_consent_answer_a_link_checker(browser: Browser) -> None:
    page = page_of(visit(browser))
    assert (browser.head(page).status_code, browser.head(f"{page}/progress").status_code) == (200, 302)
    assert browser.head(entry(redirect="https://evil.example")).status_code == 400


def test_signed_out_visitor_signs_in_and_finds_the_same_request(client: Browser, alice: User) -> None:
    consent = visit(client)
    response = client.get(page_of(consent))
    assert response["Location"] == f"/accounts/login/?next={quote(page_of(consent), safe='')}"
    credentials = {"login": alice.email, "password": rows.PASSWORD, "next": page_of(consent)}
    assert client.post("/accounts/login/", credentials)["Location"] == page_of(consent)
    assert client.get(page_of(consent)).status_code == 200


def test_page_names_who_asks_for_whom_what_and_how_to_end_it(browser: Browser) -> None:
    page = text(browser.get(page_of(visit(browser))))
    order = [
        "SmartRecruiters</strong>, for the company <code>northwind</code>",
        "Northwind Retail",
        "alice@northwind.example",
        "Use another account",
        "Place orders for your candidates",
        "They may not",
        "Change your packages or your account",
        "How to end it",
        'name="decision" value="approve">Approve</button>',
        'name="decision" value="deny">Deny</button>',
    ]
    assert [page.count(line) > 0 for line in order] == [True] * len(order)
    assert sorted(order, key=page.index) == order


def test_approve_creates_a_try_and_shows_its_progress(browser: Browser, alice: User) -> None:
    consent = visit(browser)
    response = browser.post(page_of(consent), {"decision": "approve"}, REMOTE_ADDR="192.0.2.7")
    assert (response.status_code, response["Location"]) == (303, f"{page_of(consent)}/progress")
    consent.refresh_from_db()
    attempt = ConnectAttempt.objects.get(consent=consent)
    assert (consent.decision, consent.user, consent.ip) == ("approve", alice, "192.0.2.7")
    assert "- Place orders for your candidates" in consent.wording
    assert (attempt.connection.company_id, attempt.state) == ("northwind", "approved")
    assert '<meta http-equiv="refresh" content="1">' in text(browser.get(f"{page_of(consent)}/progress"))


def test_approve_takes_the_redirect_from_the_record(browser: Browser) -> None:
    consent = visit(browser)
    browser.post(page_of(consent), {"decision": "deny", "redirect": "https://evil.example", "companyId": "other"})
    consent.refresh_from_db()
    assert (consent.redirect, consent.company_id, consent.decision) == (BACK, "northwind", "deny")


def test_deny_goes_back_and_creates_nothing(browser: Browser) -> None:
    consent = visit(browser)
    response = browser.post(page_of(consent), {"decision": "deny"})
    assert (response.status_code, response["Location"]) == (302, BACK)
    assert (Connection.objects.count(), Client.objects.count(), Delivery.objects.count()) == (0, 0, 0)


def test_deny_in_a_popup_says_so(browser: Browser) -> None:
    page = text(browser.post(page_of(visit(browser, redirect=None)), {"decision": "deny"}))
    assert "Not connected" in page
    assert "You can close this window." in page


@pytest.mark.parametrize(("first", "second"), [("approve", "deny"), ("deny", "approve"), ("approve", "maybe")])
def test_second_decision_changes_nothing(browser: Browser, first: str, second: str) -> None:
    consent = visit(browser)
    browser.post(page_of(consent), {"decision": first})
    assert browser.post(page_of(consent), {"decision": second}).status_code == 410
    consent.refresh_from_db()
    assert (consent.decision, ConnectAttempt.objects.count()) == (first, int(first == "approve"))


@pytest.mark.parametrize(("decision", "status", "target"), [("approve", 303, "{page}/progress"), ("deny", 302, BACK)])
def test_double_click_goes_where_one_click_goes(browser: Browser, decision: str, status: int, target: str) -> None:
    consent = visit(browser)
    answers = [browser.post(page_of(consent), {"decision": decision}) for _ in range(3)]
    expected = (status, target.format(page=page_of(consent)))
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [expected] * 3
    assert ConnectAttempt.objects.count() == int(decision == "approve")


def test_double_click_in_a_popup_shows_the_same_page(browser: Browser) -> None:
    consent = visit(browser, redirect=None)
    answers = [browser.post(page_of(consent), {"decision": "deny"}) for _ in range(2)]
    assert [(answer.status_code, "Not connected" in text(answer)) for answer in answers] == [(200, True)] * 2


def test_second_click_that_overtakes_the_first_one_goes_the_same_way(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both clicks find an open request. One is stored while the other one is on its way to that."""
    consent = visit(browser)
    record_wording = consents.record_wording

    def be_overtaken(late: Consent) -> consents.Wording:
        monkeypatch.undo()
        assert browser.post(page_of(consent), {"decision": "approve"}).status_code == 303
        return record_wording(late)

    monkeypatch.setattr(consents, "record_wording", be_overtaken)
    answer = browser.post(page_of(consent), {"decision": "approve"})
    assert (answer.status_code, answer["Location"]) == (303, f"{page_of(consent)}/progress")
    assert ConnectAttempt.objects.count() == 1


def test_answer_of_another_person_in_the_same_browser_is_not_repeated(browser: Browser, charlie: User) -> None:
    consent = visit(browser)
    browser.post(page_of(consent), {"decision": "approve"})
    browser.post(f"{page_of(consent)}/account")
    browser.force_login(charlie)
    session = browser.session
    session[consents.SESSION_KEY] = [consent.key]
    session.save()
    assert browser.post(page_of(consent), {"decision": "approve"}).status_code == 410


@pytest.mark.parametrize("method", ["get", "post"])
def test_expired_request_is_gone(browser: Browser, method: str) -> None:
    consent = visit(browser)
    Consent.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    response = getattr(browser, method)(page_of(consent), {"decision": "approve"})
    assert response.status_code == 410
    assert "ten minutes" in text(response)
    assert ConnectAttempt.objects.count() == 0


@pytest.mark.parametrize("path", ["", "/progress"])
def test_request_of_another_session_is_not_shown(browser: Browser, bob: User, path: str) -> None:
    consent = visit(browser)
    other = Browser()
    other.force_login(bob)
    assert other.get(page_of(consent) + path).status_code == 400
    assert other.post(page_of(consent), {"decision": "approve"}).status_code == 400
    assert ConnectAttempt.objects.count() == 0


def test_unknown_request_is_a_clear_page(browser: Browser) -> None:
    response = browser.post(f"{ENTRY}/{'a' * 32}", {"decision": "approve"})
    assert response.status_code == 400
    assert "Start again from SmartRecruiters" in text(response)


def test_approve_by_get_does_nothing(browser: Browser) -> None:
    consent = visit(browser)
    browser.get(page_of(consent), {"decision": "approve"})
    consent.refresh_from_db()
    assert consent.decision == ""


def test_decision_without_a_csrf_token_is_refused(alice: User) -> None:
    strict = Browser(enforce_csrf_checks=True)
    strict.force_login(alice)
    consent = visit(strict)
    response = strict.post(page_of(consent), {"decision": "approve"})
    assert response.status_code == 403
    assert "This page has expired" in text(response)
    assert ConnectAttempt.objects.count() == 0


def test_decision_that_is_none_asks_again(browser: Browser) -> None:
    assert browser.post(page_of(visit(browser)), {"decision": "maybe"}).status_code == 400


def test_decision_before_sign_in_leads_there(client: Browser) -> None:
    response = client.post(page_of(visit(client)), {"decision": "approve"})
    assert response["Location"].startswith("/accounts/login/?next=")


@pytest.mark.parametrize("who", ["bob", "staff"])
def test_account_that_may_not_connect_gets_a_page(client: Browser, request: pytest.FixtureRequest, who: str) -> None:
    client.force_login(request.getfixturevalue(who))
    consent = visit(client)
    assert client.get(page_of(consent)).status_code == 403
    response = client.post(page_of(consent), {"decision": "approve"})
    assert response.status_code == 403
    assert "cannot connect SmartRecruiters" in text(response)
    assert ConnectAttempt.objects.count() == 0


def test_user_without_a_customer_may_not_connect(client: Browser) -> None:
    client.force_login(User.objects.create_user("dora@alone.example", rows.PASSWORD))
    response = client.get(page_of(visit(client)))
    assert response.status_code == 403
    assert "belongs to no organisation" in text(response)


def test_company_of_another_customer_is_not_taken(browser: Browser, other_connection: Connection) -> None:
    response = browser.post(page_of(visit(browser, company="harbour-clinics")), {"decision": "approve"})
    assert response.status_code == 409
    assert "belongs to another organisation" in text(response)
    other_connection.refresh_from_db()
    assert (other_connection.state, Delivery.objects.count()) == ("live", 0)


def test_changing_the_account_keeps_the_request(browser: Browser, charlie: User) -> None:
    consent = visit(browser)
    response = browser.post(f"{page_of(consent)}/account")
    assert response["Location"] == f"/accounts/login/?next={quote(page_of(consent), safe='')}"
    browser.post("/accounts/login/", {"login": charlie.email, "password": rows.PASSWORD, "next": page_of(consent)})
    assert "Harbour Clinics" in text(browser.get(page_of(consent)))


def approved(browser: Browser, **asked: Any) -> tuple[str, ConnectAttempt]:
    consent = visit(browser, **asked)
    browser.post(page_of(consent), {"decision": "approve"})
    return f"{page_of(consent)}/progress", ConnectAttempt.objects.get(consent=consent)


def answered(attempt: ConnectAttempt, status: int | None) -> Delivery:
    """Record SmartRecruiters' response to the exchange, as the courier does."""
    delivery = Delivery.objects.get(payload__attempt=attempt.pk)
    Attempt.objects.create(
        delivery=delivery, number=1, started_at=timezone.now(), status=status, outcome="failed", error="it says no"
    )
    return delivery


def test_progress_leads_back_when_the_exchange_is_done(browser: Browser) -> None:
    progress, attempt = approved(browser)
    lifecycle.begin_exchange(attempt)
    lifecycle.activate_connection(attempt, "theirs", "their-secret")
    response = browser.get(progress)
    assert (response.status_code, response["Location"]) == (302, BACK)


def test_progress_checks_the_stored_redirect_again(browser: Browser, settings: Any) -> None:
    progress, attempt = approved(browser)
    lifecycle.begin_exchange(attempt)
    lifecycle.activate_connection(attempt, "theirs", "their-secret")
    settings.SMARTRECRUITERS_TRUSTED_ORIGINS = ["https://elsewhere.example"]
    response = browser.get(progress)
    assert (response.status_code, response.has_header("Location")) == (200, False)
    assert "smartrecruiters.com" not in text(response)


def test_progress_of_a_popup_says_that_the_window_may_be_closed(browser: Browser) -> None:
    progress, attempt = approved(browser, redirect=None)
    lifecycle.begin_exchange(attempt)
    lifecycle.activate_connection(attempt, "theirs", "their-secret")
    page = text(browser.get(progress))
    assert "You can close this window." in page
    assert "http-equiv" not in page


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "SmartRecruiters does not allow the connection yet"),
        (404, "to publish their configuration"),
        (409, "SmartRecruiters is already connected"),
        (400, "clientId: too short Nothing was connected"),
    ],
)
def test_progress_of_a_refused_try_says_why_and_leads_back(browser: Browser, status: int, said: str) -> None:
    progress, attempt = approved(browser)
    answered(attempt, status)
    lifecycle.mark_refused(attempt, "clientId: too short")
    page = text(browser.get(progress))
    assert said in page
    assert f'href="{BACK.replace("&", "&amp;")}"' in page
    assert "http-equiv" not in page


def test_progress_of_a_lost_answer_says_to_connect_again(browser: Browser) -> None:
    progress, attempt = approved(browser)
    answered(attempt, None)
    lifecycle.begin_exchange(attempt)
    lifecycle.mark_response_lost(attempt, "the answer was lost")
    assert "disconnect Assessments, then connect again" in text(browser.get(progress))


def test_progress_says_when_the_next_try_is(browser: Browser) -> None:
    progress, attempt = approved(browser)
    delivery = answered(attempt, 503)
    Delivery.objects.filter(pk=delivery.pk).update(due_at=timezone.now() + timedelta(minutes=9, seconds=30))
    page = text(browser.get(progress))
    assert "The first attempt failed; next attempt <time" in page
    assert "in 9 minutes" in page
    assert '<meta http-equiv="refresh" content="5">' in page


def test_progress_says_that_the_vendor_cannot_reach_smartrecruiters(browser: Browser) -> None:
    progress, attempt = approved(browser)
    Delivery.objects.filter(payload__attempt=attempt.pk).update(state=DeliveryState.HELD)
    assert "cannot connect to SmartRecruiters at the moment" in text(browser.get(progress))


def test_progress_of_a_connection_ended_meanwhile_says_so(browser: Browser) -> None:
    progress, attempt = approved(browser)
    lifecycle.disable_connection(attempt.connection)
    assert "The connection was cancelled" in text(browser.get(progress))


def test_secret_never_reaches_the_browser(browser: Browser) -> None:
    progress, attempt = approved(browser)
    secret = attempt.client_secret
    assert secret.startswith("srp_")
    assert secret not in text(browser.get(progress)) + str(browser.get(progress).headers)


def policy(response: Any) -> list[str]:
    return [part.strip() for part in response["Content-Security-Policy"].split(";")]


def test_redirect_pages_are_not_framed_and_may_post_on(browser: Browser) -> None:
    response = browser.get(page_of(visit(browser)))
    assert "frame-ancestors 'none'" in policy(response)
    assert "form-action 'self' https://www.smartrecruiters.com:443" in policy(response)
    assert (response["X-Frame-Options"], response["Cross-Origin-Opener-Policy"]) == ("DENY", "same-origin")


def test_popup_pages_are_framed_by_smartrecruiters_alone(browser: Browser, opens_popup: None) -> None:
    consent = visit(browser, redirect=None)
    pages = [browser.get(entry(redirect=None)), browser.get(page_of(consent)), Browser().get(page_of(consent))]
    pages += [browser.post(page_of(consent), {"decision": "approve"}), browser.get(f"{page_of(consent)}/progress")]
    for response in pages:
        assert OURS in policy(response)
        assert "form-action 'self'" in policy(response)
        assert not response.has_header("X-Frame-Options")
        assert response["Cross-Origin-Opener-Policy"] == "unsafe-none"


def test_sign_in_is_framed_on_its_way_to_a_popup_only(client: Browser, opens_popup: None) -> None:
    assert "frame-ancestors 'none'" in policy(client.get("/accounts/login/"))
    visit(client)
    assert "frame-ancestors 'none'" in policy(client.get("/accounts/login/"))
    visit(client, redirect=None)
    response = client.get("/accounts/login/")
    assert OURS in policy(response)
    assert not response.has_header("X-Frame-Options")
    assert "frame-ancestors 'none'" in policy(client.get("/"))


@pytest.mark.parametrize(
    ("display_mode", "published", "is_framed"),
    [
        ("REDIRECT", None, False),
        ("REDIRECT", "REDIRECT", False),
        ("POPUP", None, True),
        ("POPUP", "REDIRECT", True),
        ("REDIRECT", "POPUP", True),  # SmartRecruiters has the former configuration until staff publish
    ],
)
def test_popup_is_framed_where_the_configuration_says_popup(
    browser: Browser, display_mode: str, published: str | None, is_framed: bool
) -> None:
    """Anybody can open a consent without `redirect`."""
    document = published and {"consentDisplayMode": published}
    PartnerConfiguration.load()
    PartnerConfiguration.objects.update(display_mode=display_mode, published=document)
    consent = visit(browser, redirect=None)
    pages = [
        browser.get(entry(redirect=None)),
        browser.get(entry("..", redirect=None)),
        browser.get(page_of(consent)),
        browser.get("/accounts/login/"),
        browser.post(page_of(consent), {"decision": "approve"}),
        browser.get(f"{page_of(consent)}/progress"),
    ]
    opener = "unsafe-none" if is_framed else "same-origin"
    found = [
        (
            OURS in policy(page),
            page["Cross-Origin-Opener-Policy"],
            page.has_header("X-Frame-Options"),
            "frame-session" in page.cookies,
        )
        for page in pages
    ]
    expected = (is_framed, opener, not is_framed)
    assert [each[:3] for each in found] == [expected] * len(pages)
    assert any(each[3] for each in found) == is_framed
    assert consent.mode == "POPUP"


def attributes(response: Any, name: str) -> tuple[Any, ...]:
    cookie = response.cookies[name]
    return cookie["samesite"], bool(cookie["secure"]), cookie["httponly"], bool(cookie.get("partitioned"))


def test_popup_gets_its_cookies_twice(client: Browser, opens_popup: None) -> None:
    response = client.get(entry(redirect=None))
    assert attributes(response, "session") == ("Lax", False, True, False)
    assert attributes(response, "frame-session") == ("None", True, True, True)
    assert "Partitioned" in response.cookies["frame-session"].output()
    sign_in = client.get("/accounts/login/")
    assert attributes(sign_in, "frame-csrf") == ("None", True, True, True)


def test_redirect_gets_its_cookies_once(client: Browser) -> None:
    assert list(client.get(entry()).cookies) == ["session"]


@pytest.mark.parametrize(("place", "status"), [("iframe", 302), ("document", 400)])
def test_cookie_of_the_frame_counts_in_a_frame_only(
    client: Browser, opens_popup: None, place: str, status: int
) -> None:
    consent = visit(client, redirect=None)
    framed = Browser()
    framed.cookies["frame-session"] = client.cookies["frame-session"].value
    assert framed.get(page_of(consent), headers={"Sec-Fetch-Dest": place}).status_code == status


def test_cookie_of_the_frame_opens_no_other_page(browser: Browser, opens_popup: None) -> None:
    visit(browser, redirect=None)
    framed = Browser()
    framed.cookies["frame-session"] = browser.session.session_key
    response = framed.get("/", headers={"Sec-Fetch-Dest": "iframe"})
    assert response["Location"] == "/accounts/login/?next=/"


NEW_WINDOW = f'href="http://localhost:8000{ENTRY}?companyId=northwind" target="_blank">Open in a new window<'


@pytest.mark.parametrize(
    ("redirect", "place", "cookies", "heading", "offers_window"),
    [
        (None, "iframe", {}, "Your browser blocks cookies here", True),
        (None, "iframe", {"frame-session": "ended"}, "This request cannot be answered here", True),
        (None, "document", {}, "This request cannot be answered here", True),
        (BACK, "document", {}, "This request cannot be answered here", False),
    ],
)
def test_page_of_another_session_names_the_cause(
    client: Browser, redirect: str | None, place: str, cookies: dict[str, str], heading: str, offers_window: bool
) -> None:
    consent, other = visit(client, redirect=redirect), Browser()
    other.cookies.load(cookies)
    response = other.get(page_of(consent), headers={"Sec-Fetch-Dest": place})
    page = text(response)
    assert (response.status_code, f"<h1>{heading}</h1>" in page, NEW_WINDOW in page) == (400, True, offers_window)
    # Said by a frame without cookies, it would be untrue once the request was approved in the other window.
    assert ("Nothing was connected" in page) == (heading == "This request cannot be answered here")


@pytest.mark.parametrize(
    ("redirect", "address", "ancestors"),
    [
        (None, f"http://localhost:8000{ENTRY}?companyId=northwind", OURS),
        (
            BACK,
            f"http://localhost:8000{ENTRY}?companyId=northwind&redirect={quote(BACK, safe='')}",
            "frame-ancestors 'none'",
        ),
    ],
)
@pytest.mark.parametrize("is_signed_in", [False, True])
def test_sandboxed_frame_is_told_the_way_out(
    alice: User, opens_popup: None, redirect: str | None, address: str, ancestors: str, is_signed_in: bool
) -> None:
    """It sends `Origin: null`, so that no token of it is believed: loading the page again would not help."""
    browser = Browser(enforce_csrf_checks=True)
    if is_signed_in:
        browser.force_login(alice)
    consent = visit(browser, redirect=redirect)
    form = {"decision": "approve"} if is_signed_in else {"login": alice.email, "next": page_of(consent)}
    response = browser.post(page_of(consent) if is_signed_in else "/accounts/login/", form, headers={"Origin": "null"})
    page = text(response)
    assert (response.status_code, "<h1>Open this page in its own window</h1>" in page) == (403, True)
    shown = re.findall(r'href="([^"]*)" target="_blank"', page) + re.findall("<code>(.*?)</code>", page)
    assert [html.unescape(each) for each in shown] == [address, address]
    assert ancestors in policy(response)


@pytest.mark.parametrize("path", ["/accounts/login/", f"{ENTRY}/{'a' * 32}", f"{ENTRY}/{'a' * 32}/again"])
def test_sandboxed_form_of_another_page_is_told_its_own_address(path: str, db: None) -> None:
    response = Browser(enforce_csrf_checks=True).post(path, {"next": "/people/"}, headers={"Origin": "null"})
    assert (response.status_code, f"<code>http://localhost:8000{path}</code>" in text(response)) == (403, True)
    assert "frame-ancestors 'none'" in policy(response)


def test_mode_is_said_by_the_presence_of_redirect(client: Browser) -> None:
    assert [visit(client).mode, visit(client, redirect=None).mode] == [DisplayMode.REDIRECT, DisplayMode.POPUP]


def test_visits_that_nobody_answered_are_forgotten_after_an_hour(browser: Browser) -> None:
    answered, fresh, _ = (visit(browser, company=name) for name in ("answered", "fresh", "abandoned"))
    browser.post(page_of(answered), {"decision": "deny"})
    Consent.objects.exclude(pk=fresh.pk).update(expires_at=timezone.now() - timedelta(minutes=61))
    consents.delete_abandoned()
    assert set(Consent.objects.values_list("company_id", flat=True)) == {"answered", "fresh"}


STRANGERS = [
    (["192.0.2.7"] * 3, "192.0.2.7", "192.0.2.8"),
    (["2001:db8:0:7::1", "2001:db8:0:7::2", "2001:db8:0:7:ffff::3"], "2001:db8:0:7::4", "2001:db8:0:8::1"),
    (["::ffff:192.0.2.7"] * 3, "192.0.2.7", "192.0.2.77"),
]


@pytest.mark.parametrize(("visitors", "same", "other"), STRANGERS)
def test_visits_of_a_stranger_s_network_are_limited_and_a_refused_one_writes_nothing(
    db: None, alice: User, monkeypatch: pytest.MonkeyPatch, visitors: list[str], same: str, other: str
) -> None:
    monkeypatch.setattr(consents, "VISITS", replace(consents.VISITS, amount=3))
    for each in visitors:
        assert Browser(REMOTE_ADDR=each).get(entry()).status_code == 302
    before = (Consent.objects.count(), Session.objects.count())
    with footprint.record_writes() as written:
        refused = Browser(REMOTE_ADDR=same).get(entry())
    assert (refused.status_code, written, (Consent.objects.count(), Session.objects.count())) == (429, [], before)
    assert "Sign in</a> first, then start again from SmartRecruiters." in text(refused)
    assert Browser(REMOTE_ADDR=other).get(entry()).status_code == 302
    known = Browser(REMOTE_ADDR=same)
    known.force_login(alice)
    assert known.get(entry()).status_code == 302, "strangers cannot use up what a person may do"


def test_visits_of_a_person_are_limited_wherever_they_come_from(
    alice: User, charlie: User, monkeypatch: pytest.MonkeyPatch, time_machine: Any
) -> None:
    time_machine.move_to("2026-11-24T10:00:00Z", tick=False)
    monkeypatch.setattr(consents, "VISITS", replace(consents.VISITS, amount=2))

    def visit_as(person: User, number: int) -> int:
        browser = Browser(REMOTE_ADDR=f"192.0.2.{number}")
        browser.force_login(person)
        return browser.get(entry()).status_code

    assert [visit_as(alice, number) for number in range(4)] == [302, 302, 429, 429]
    assert visit_as(charlie, 1) == 302
    time_machine.move_to("2026-11-24T10:10:01Z", tick=False)
    assert visit_as(alice, 9) == 302


def test_consent_page_names_the_companies_that_are_connected_already(client: Browser, alice: User) -> None:
    """A user whose organisation has a live company is warned about another company."""
    rows.make_connection(alice.customers.get(), "northwind-outlet")
    client.force_login(alice)
    page = client.get(client.get(entry("harbour"))["Location"]).content.decode()
    assert "Already connected: northwind-outlet." in " ".join(page.split())


def test_record_has_the_wording_that_was_shown_and_its_version(browser: Browser) -> None:
    consent = visit(browser)
    browser.get(page_of(consent))
    row = PartnerConfiguration.load()
    before = consents.Wording.from_configuration(row)
    row.consent_scope = "Read everything"
    row.save()
    browser.post(page_of(consent), {"decision": "approve"})
    consent.refresh_from_db()
    assert (consent.wording, consent.wording_version) == (str(before), before.version)
    assert consents.Wording.from_configuration(row).version != before.version
    assert "Read everything" not in consent.wording


def test_record_has_a_wording_where_the_page_was_skipped(browser: Browser) -> None:
    consent = visit(browser)
    browser.post(page_of(consent), {"decision": "approve"})
    consent.refresh_from_db()
    assert (consent.wording_version, len(consent.wording_version)) == (
        consents.Wording.from_configuration(PartnerConfiguration.load()).version,
        12,
    )


def test_person_who_waits_may_ask_to_try_again(browser: Browser) -> None:
    page, attempt = approved(browser)
    delivery = answered(attempt, 503)
    later = timezone.now() + timedelta(minutes=10)
    Delivery.objects.filter(pk=delivery.pk).update(state="pending", failures=1, due_at=later)
    Attempt.objects.update(outcome="retry")
    shown = text(browser.get(page))
    assert ("Not connected yet" in shown, "Try again now" in shown) == (True, True)
    again = page.replace("/progress", "/again")
    assert browser.post(again)["Location"] == page
    delivery.refresh_from_db()
    assert delivery.due_at <= timezone.now()
    assert browser.get(again).status_code == 405
    assert Browser().post(again).status_code == 400


def test_popup_offers_to_close_its_window_after_a_refusal(browser: Browser) -> None:
    consent = visit(browser, redirect=None)
    page = text(browser.post(page_of(consent), {"decision": "deny"}))
    assert ("You can close this window." in page, "close.js" in page) == (True, True)
