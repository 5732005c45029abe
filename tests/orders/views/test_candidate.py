"""The candidate's pages, as a browser requests them."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as portal
from django.test import Client
from django.utils import timezone

from assessments.models import Package
from integrations.models import Connection, Customer
from integrations.outbox.models import Delivery
from orders import leases, results
from orders.models import Order, OrderEvent
from tests.orders import bodies

pytestmark = pytest.mark.django_db
LAUNCH = "https://engine.example:8443/take/1?x=y"


@pytest.fixture
def browser() -> Client:
    """One that checks our forms' tokens, as Django does outside of tests."""
    return Client(enforce_csrf_checks=True)


def take(order: Order, rest: str = "") -> str:
    return f"/take/{order.link_token}{rest}"


def accept(order: Order) -> None:
    leases.accept_order(order.pk, launch_url=LAUNCH, by="engine")


def state(order: Order) -> tuple[str, bool, int]:
    order.refresh_from_db()
    return order.status, order.visited_at is not None, Delivery.objects.filter(kind="result").count()


def test_page_waits_for_the_engine_and_goes_on_by_itself(browser: Client, order: Order) -> None:
    answer = browser.get(take(order))
    assert answer.status_code == 200
    assert b'<meta http-equiv="refresh" content="4">' in answer.content
    assert b"<form" not in answer.content
    post = browser.post(take(order))
    assert (post.status_code, post["Location"]) == (303, portal.PUBLIC_URL + take(order))
    assert state(order) == ("", False, 0)


def test_button_leads_to_the_engine_and_makes_it_in_progress(browser: Client, order: Order) -> None:
    accept(order)
    page = browser.get(take(order))
    assert (page.status_code, b'<form method="post"' in page.content) == (200, True)
    assert page.content.count(b"<button") == 1
    assert "form-action 'self' https://engine.example:8443 https:" in page["Content-Security-Policy"]
    assert state(order) == ("", False, 0)
    post = browser.post(take(order))
    assert (post.status_code, post["Location"]) == (303, LAUNCH)
    assert state(order) == ("IN_PROGRESS", True, 1)
    assert Delivery.objects.get(kind="result").payload == {"status": "IN_PROGRESS"}
    found = OrderEvent.objects.filter(hop="candidate").order_by("pk").values_list("what", "by")
    assert list(found) == [("Continued to the assessment", "candidate"), ("Reported as in progress", "candidate")]


@pytest.mark.parametrize("name", ["x\u202egpj.exe", "x\u2069\u202egpj.exe", "مدينة"])
def test_name_does_not_turn_the_rest_of_its_sentence(browser: Client, order: Order, name: str) -> None:
    shown = f"\u2068{name.replace(chr(0x2069), '')}\u2069"
    Package.objects.update(name=name, description=f"About {name}")
    Customer.objects.update(name=name)
    accept(order)
    page = browser.get(take(order)).content.decode()
    assert f"<h1>{shown}</h1>" in page
    assert f"{shown} invites you. Everything is ready; you can start now." in page
    assert f"<p>\u2068About {shown[1:]}</p>" in page
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    page = browser.get(take(order)).content.decode()
    assert f"You have nothing more to do for “{shown}” right now." in page
    assert f"{shown} receives the result." in page


def test_going_again_changes_nothing(browser: Client, order: Order) -> None:
    accept(order)
    for _ in range(2):
        assert browser.post(take(order))["Location"] == LAUNCH
    assert (state(order), OrderEvent.objects.filter(hop="candidate").count()) == (("IN_PROGRESS", True, 1), 2)


@pytest.mark.parametrize(
    ("language", "begin", "begun", "go_on"),
    [
        ("en", "Start", "You have already started. Continue to return to your assessment.", "Continue"),
        ("de", "Starten", "Sie haben bereits begonnen. Mit „Weiter“ kehren Sie zu Ihrem Assessment zurück.", "Weiter"),
    ],
)
def test_page_says_that_the_candidate_has_begun(
    browser: Client, order: Order, language: str, begin: str, begun: str, go_on: str
) -> None:
    Order.objects.update(candidate_language=language)
    accept(order)
    page = browser.get(take(order)).content.decode()
    assert (f">{begin}</button>" in page, begun in page) == (True, False)
    browser.post(take(order))
    page = browser.get(take(order)).content.decode()
    assert (f">{go_on}</button>" in page, begun in page) == (True, True)


@pytest.mark.parametrize("report", [{"status": "PENDING"}, {"summary": "x"}])
def test_going_does_not_speak_over_the_engine(browser: Client, order: Order, report: dict[str, Any]) -> None:
    accept(order)
    results.report(order.pk, report, by="engine")
    assert browser.post(take(order)).status_code == 303
    assert state(order) == (report.get("status", ""), True, 1)


@pytest.mark.parametrize("method", ["get", "head"])
def test_mailed_link_alone_changes_nothing(browser: Client, order: Order, method: str) -> None:
    accept(order)
    events = OrderEvent.objects.count()
    for address in (take(order), take(order, "/done")):
        assert getattr(browser, method)(address).status_code == 200
    assert (state(order), OrderEvent.objects.count()) == (("", False, 0), events)


def test_inline_candidate_goes_straight_on(browser: Client, inline_order: Order) -> None:
    accept(inline_order)
    assert browser.head(take(inline_order)).status_code == 302
    assert state(inline_order) == ("", False, 0)
    answer = browser.get(take(inline_order))
    assert (answer.status_code, answer["Location"]) == (302, LAUNCH)
    assert state(inline_order) == ("IN_PROGRESS", True, 1)


def test_inline_candidate_waits_first(browser: Client, inline_order: Order) -> None:
    answer = browser.get(take(inline_order))
    assert (answer.status_code, b"http-equiv" in answer.content) == (200, True)


@pytest.mark.parametrize("final", [False, True])
def test_inline_candidate_returns_to_smartrecruiters(browser: Client, inline_order: Order, final: bool) -> None:
    if final:
        results.report(inline_order.pk, {"status": "COMPLETED"}, by="engine")
    for rest in ["/done", "/done/", *(["", "/"] if final else [])]:
        answer = browser.get(take(inline_order, rest))
        assert (answer.status_code, answer["Location"]) == (302, "https://jobs.smartrecruiters.com/back?x=1")


def test_inline_candidate_is_shown_a_host_that_we_do_not_know(
    browser: Client, package: Package, connection: Connection
) -> None:
    url = "https://careers.northwind.example/back?x=%22%3E&y=1"
    order = bodies.place_order(connection, **bodies.INLINE | {"completedAssessmentCallbackUrl": url})
    answer = browser.get(take(order, "/done"))
    assert answer.status_code == 200
    assert f'href="{url.replace("&", "&amp;")}"' in answer.content.decode()
    assert "Continue at careers.northwind.example" in answer.content.decode()


def test_trust_is_looked_at_again_at_the_return(browser: Client, inline_order: Order, settings: Any) -> None:
    settings.SMARTRECRUITERS_TRUSTED_ORIGINS = ["https://api.smartrecruiters.com"]
    assert browser.get(take(inline_order, "/done")).status_code == 200
    for url in ("javascript:alert(1)", "http://evil.example/", "//evil.example"):
        Order.objects.update(completed_callback_url=url)
        answer = browser.get(take(inline_order, "/done"))
        assert (answer.status_code, "Thank you" in answer.content.decode()) == (200, True)
        assert (b"evil" in answer.content, b"javascript" in answer.content) == (False, False)


def test_others_are_thanked(browser: Client, order: Order) -> None:
    answer = browser.get(take(order, "/done"))
    assert answer.status_code == 200
    assert "Thank you" in answer.content.decode()
    assert "Northwind Retail receives the result" in answer.content.decode()


@pytest.mark.parametrize("status", ["COMPLETED", "REJECTED"])
def test_final_order_is_answered_as_its_return(browser: Client, order: Order, status: str) -> None:
    accept(order)
    results.report(order.pk, {"status": status}, by="engine")
    assert browser.get(take(order)).content == browser.get(take(order, "/done")).content
    post = browser.post(take(order))
    assert (post.status_code, post["Location"]) == (303, f"{portal.PUBLIC_URL}{take(order)}/done")
    assert state(order) == (status, False, 1)


def test_expired_order_is_gone(browser: Client, order: Order) -> None:
    accept(order)
    results.report(order.pk, {"status": "EXPIRED"}, by="engine")
    answer = browser.get(take(order))
    assert (answer.status_code, "This link has expired" in answer.content.decode()) == (410, True)


def test_order_past_its_days_is_gone(browser: Client, order: Order) -> None:
    accept(order)
    Package.objects.update(expires_after_days=14)
    assert browser.get(take(order)).status_code == 200
    Order.objects.update(created_at=timezone.now() - timedelta(days=15))
    assert browser.get(take(order)).status_code == 410
    assert browser.post(take(order), follow=False).status_code == 303
    assert state(order) == ("", False, 0)


def test_candidate_who_began_in_time_may_go_on(browser: Client, order: Order) -> None:
    accept(order)
    browser.post(take(order))
    Package.objects.update(expires_after_days=14)
    Order.objects.update(created_at=timezone.now() - timedelta(days=15))
    assert browser.post(take(order))["Location"] == LAUNCH


def test_erased_order_is_gone(browser: Client, order: Order) -> None:
    Order.objects.update(erased_at=timezone.now())
    for answer in (browser.get(take(order)), browser.post(take(order)), browser.get(take(order, "/done"))):
        assert answer.status_code == 410
        assert b"Ada" not in answer.content


def test_page_of_an_order_that_names_no_language_speaks_the_browsers(browser: Client, order: Order) -> None:
    Order.objects.update(erased_at=timezone.now(), candidate_language="")
    answer = browser.get(take(order), headers={"Accept-Language": "de-AT,en;q=0.5"})
    assert (answer.status_code, answer["Content-Language"]) == (410, "de")
    assert "Dieser Link" in answer.content.decode()


@pytest.mark.parametrize("token", ["x", "A" * 32, "A" * 65, "../admin", "%00"])
def test_unknown_link_is_not_found(browser: Client, order: Order, token: str) -> None:
    assert [browser.get(f"/take/{token}{rest}").status_code for rest in ("", "/done")] == [404, 404]


def test_link_of_another_is_another(browser: Client, order: Order) -> None:
    changed = order.link_token[:-1] + ("A" if order.link_token[-1] != "A" else "B")
    assert browser.get(f"/take/{changed}").status_code == 404


def test_pages_are_private(browser: Client, order: Order) -> None:
    accept(order)
    wanted = {
        "Cache-Control": "no-store, private",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
    }
    answers = [
        browser.get(take(order)),
        browser.post(take(order)),
        browser.get(take(order, "/done")),
        browser.get("/take/unknown"),
    ]
    for answer in answers:
        assert {name: answer[name] for name in wanted} == wanted
        assert not answer.cookies
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_other_methods_are_refused(client: Client, order: Order) -> None:
    assert [client.put(take(order)).status_code, client.post(take(order, "/done")).status_code] == [405, 405]


@pytest.mark.parametrize(
    ("language", "word"), [("de", "Starten"), ("de_AT", "Starten"), ("fr", "Start"), ("", "Start")]
)
def test_page_speaks_the_applications_language(
    browser: Client, package: Package, connection: Connection, language: str, word: str
) -> None:
    candidate = {"id": "1", "email": "a@b.example", "firstName": "Ada", "applicationLanguage": language}
    order = bodies.place_order(connection, candidate=candidate)
    accept(order)
    page = browser.get(take(order)).content.decode()
    assert f">{word}</button>" in page
    assert f'<html lang="{"de" if word == "Starten" else "en"}"' in page


def test_names_are_escaped(browser: Client, order: Order) -> None:
    Package.objects.update(name="<img src=x onerror=alert(1)>")
    accept(order)
    assert b"<img" not in browser.get(take(order)).content


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            [
                "Northwind Retail sent your name and email address through SmartRecruiters",
                "The support team of Assessments can see them too.",
            ],
        ),
        (
            "de",
            [
                "über die Recruiting-Software SmartRecruiters",
                "Auch der Support von Assessments kann diese Daten sehen.",
            ],
        ),
    ],
)
def test_page_says_who_gets_and_who_sees_the_candidates_data(
    browser: Client, order: Order, language: str, said: list[str]
) -> None:
    accept(order)
    Order.objects.update(candidate_language=language)
    page = " ".join(browser.get(take(order)).content.decode().split())
    assert [words in page for words in said] == [True, True]
    assert ("nobody else" in page, "niemand sonst" in page) == (False, False)
