"""Hostile URLs and ids: C1 to C19, A8, O1 to O5, O13 and O29 in `tests/reliability/README.md`."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client as Browser
from rest_framework.test import APIClient

from integrations.models import ConnectAttempt, Consent, User
from integrations.outbox.models import Delivery
from orders.models import Order
from tests import rows
from tests.hostile import ODD_IDS, UNTRUSTED_URLS
from tests.orders.bodies import INLINE, INLINE_ORDERS, ORDERS, order_body

pytestmark = pytest.mark.django_db
ENTRY = "/smartrecruiters/integration"
GOOD = "https://www.smartrecruiters.com/apps"
PATH = "/assessment-api/v202010/orders/5f0f5f52-9f3f-4d6c-9b0e-0a8f6a3f3d11/results"
# URLs that an inline candidate may return to by a button that names the host
HTTPS_ELSEWHERE = re.compile(r"https://[a-zа0-9.\[\]:-]*[a-z\]0-9](:[0-9]{1,5})?([/?][!\"$-\[\]-~]*)?(#.*)?", re.A)


@pytest.mark.parametrize("redirect", UNTRUSTED_URLS)
def test_untrusted_redirect_of_a_consent_is_a_page_that_leads_nowhere(client: Browser, redirect: str) -> None:
    answer = client.get(f"{ENTRY}?companyId=northwind&redirect={quote(redirect, errors='replace')}")
    page = answer.content.decode()
    assert (answer.status_code, answer.has_header("Location"), answer.has_header("Refresh")) == (400, False, False)
    assert [sign for sign in ("evil", "alert(1)", 'http-equiv="refresh"', "<form", "onload=") if sign in page] == []
    links = re.findall(r'(?:href|action)="((?!/static/|/brand|/favicon|/apple-touch-icon|#).*?)"', page)
    assert set(links) <= {"/"}
    assert "x" not in answer.cookies
    assert Consent.objects.count() == 0


@pytest.mark.parametrize("company", ODD_IDS)
@pytest.mark.parametrize("redirect", ["", f"&redirect={GOOD}"])
def test_odd_company_is_refused_and_not_repeated(client: Browser, company: str, redirect: str) -> None:
    answer = client.get(f"{ENTRY}?companyId={quote(company)}{redirect}")
    page = answer.content.decode()
    assert (answer.status_code, answer.has_header("Location")) == (400, False)
    assert [sign for sign in ("<script>", "onload=", "FAKE", "\u202e") if sign in page] == []
    assert (Consent.objects.count(), ConnectAttempt.objects.count(), Delivery.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize("wanted", UNTRUSTED_URLS)
def test_sign_in_leads_to_no_other_site(client: Browser, alice: User, wanted: str) -> None:
    credentials = {"login": alice.email, "password": rows.PASSWORD}
    answer = client.post(f"/accounts/login/?next={quote(wanted, errors='replace')}", credentials | {"next": wanted})
    if "\0" in wanted:  # config.middleware.RejectNulMiddleware
        assert (answer.status_code, answer.has_header("Location")) == (400, False)
        return
    assert answer.status_code == 302
    place = answer["Location"]
    assert place.startswith("/")
    assert not place.startswith(("//", "/\\"))
    assert "\r" not in place


def callbacks() -> list[str]:
    """Return each untrusted origin with a valid path, and each unchanged."""
    with_path = [
        text.split("/apps")[0].rstrip("/") + PATH for text in UNTRUSTED_URLS if "://" in text and " " not in text
    ]
    return [
        *UNTRUSTED_URLS,
        *with_path,
        "https://api.smartrecruiters.com" + PATH + "/../../x",
        "//api.smartrecruiters.com" + PATH,
    ]


@pytest.mark.parametrize("callback", callbacks())
def test_callback_elsewhere_is_refused_and_nothing_is_kept(smartrecruiters: APIClient, callback: str) -> None:
    rows.make_package()
    answer = smartrecruiters.post(ORDERS, order_body() | {"resultCallbackURL": callback})
    assert answer.status_code == 400
    assert answer.json()["errors"][0].get("field", "resultCallbackURL") == "resultCallbackURL"
    assert (Order.objects.count(), Delivery.objects.count()) == (0, 0)


@pytest.mark.parametrize("way_back", UNTRUSTED_URLS)
def test_way_back_of_a_candidate_is_plain_https_or_refused(smartrecruiters: APIClient, way_back: str) -> None:
    rows.make_package()
    body = order_body(**INLINE) | {"completedAssessmentCallbackUrl": way_back}
    answer = smartrecruiters.post(INLINE_ORDERS, body)
    is_fine = HTTPS_ELSEWHERE.fullmatch(way_back) and len(way_back) <= 8000 and "443443" not in way_back
    assert answer.status_code == (200 if is_fine else 400)


@pytest.mark.parametrize("identifier", ODD_IDS)
def test_odd_id_of_a_package_or_company_orders_nothing(smartrecruiters: APIClient, identifier: str) -> None:
    rows.make_package()
    for key in ("assessmentPackageId", "companyId"):
        answer = smartrecruiters.post(ORDERS, order_body() | {key: identifier})
        assert answer.status_code in (400, 403, 404)
    assert Order.objects.count() == 0


@pytest.mark.parametrize("identifier", ODD_IDS)
def test_odd_id_of_a_candidate_or_job_is_kept_or_refused_and_never_asked_for(
    smartrecruiters: APIClient, identifier: str
) -> None:
    rows.make_package()
    candidate = order_body()["candidate"] | {"id": identifier}
    answer = smartrecruiters.post(ORDERS, order_body(candidate=candidate) | {"job": {"id": identifier}})
    assert (answer.status_code, set(Delivery.objects.values_list("kind", flat=True))) == (202, {"invitation"})


def test_address_of_an_entry_is_no_path_of_an_api(client: Browser) -> None:
    for odd in ODD_IDS:
        answer: Any = client.get(f"{ENTRY}/{quote(odd)}")
        assert answer.status_code in (400, 404)


def test_redirector_at_a_trusted_origin_is_gone_to_as_it_is(client: Browser, alice: User) -> None:
    """C16: the portal redirects to SmartRecruiters only, whatever that URL does then."""
    client.force_login(alice)
    chained = GOOD + "?next=//evil.example"
    page = client.get(f"{ENTRY}?companyId=northwind&redirect={quote(chained)}")["Location"]
    assert client.post(page, {"decision": "deny"})["Location"] == chained
