"""URLs that a browser is sent back to: `redirect` of a consent, `completedAssessmentCallbackUrl` of an order."""

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client as Browser
from rest_framework.test import APIClient

from config import environment
from integrations.http.trusted_origins import MalformedURLError, is_trusted, normalize_return_url
from integrations.models import Connection, Consent, User
from orders.models import Order
from tests import rows
from tests.orders.bodies import INLINE, INLINE_ORDERS, order_body

ENTRY = "/smartrecruiters/integration"
TRUSTED = "https://www.smartrecruiters.com"
STATE = "x" * 5000
# What is sent, and where the browser goes
SOUND = [
    (f"{TRUSTED}/#/settings/apps", f"{TRUSTED}/#/settings/apps"),
    (f"{TRUSTED}/%23/settings/apps", f"{TRUSTED}/%23/settings/apps"),
    (f"{TRUSTED}#step-3", f"{TRUSTED}#step-3"),
    (f"{TRUSTED}/a?b=c#d?e=/f#g", f"{TRUSTED}/a?b=c#d?e=/f#g"),
    (f"{TRUSTED}/#", f"{TRUSTED}/#"),
    ("HTTPS://www.smartrecruiters.com/a", f"{TRUSTED}/a"),
    ("Https://WWW.SmartRecruiters.Com/A", f"{TRUSTED}/A"),
    (f"{TRUSTED}:443/a", f"{TRUSTED}:443/a"),
    ("https://büro.smartrecruiters.com/a", "https://xn--bro-hoa.smartrecruiters.com/a"),
    ("https://BÜRO.smartrecruiters.com/a#b", "https://xn--bro-hoa.smartrecruiters.com/a#b"),
    ("https://bu\u0308ro.smartrecruiters.com/a", "https://xn--bro-hoa.smartrecruiters.com/a"),
    ("https://xn--bro-hoa.smartrecruiters.com/a", "https://xn--bro-hoa.smartrecruiters.com/a"),
    (f"{TRUSTED}/a?state={STATE}", f"{TRUSTED}/a?state={STATE}"),
    (f"{TRUSTED}/#{STATE}", f"{TRUSTED}/#{STATE}"),
]
HTTPS, USER, HOST = "must begin with https://", "must not contain a user name", "must have a valid host"
ENCODED = "must be percent-encoded where it has spaces, backslashes or non-ASCII letters"
MALFORMED = [
    ("", HTTPS),
    ("x", HTTPS),
    ("/admin/", HTTPS),
    ("//evil.example", HTTPS),
    ("https:evil.example", HTTPS),
    ("javascript:alert(1)", HTTPS),
    ("ftp://www.smartrecruiters.com/", HTTPS),
    (f" {TRUSTED}/", HTTPS),
    ("https://www.smartrecruiters.com@evil.example", USER),
    ("https://u:p@www.smartrecruiters.com/#x", USER),
    ("https://evil.example\\@www.smartrecruiters.com/", USER),
    ("https:///evil.example", HOST),
    ("https://#www.smartrecruiters.com", HOST),
    ("https://www.smartrecruiters.com./", HOST),
    ("https://www.smartrecruiters.com:443443/", HOST),
    ("https://www.smartrecruiters.com:/", HOST),
    ("https://www.smartrecruiters.com%2eevil.example", HOST),
    ("https://ｗｗｗ.smartrecruiters.com", HOST),
    ("https://www。smartrecruiters。com", HOST),
    ("https://www.smartrecruiters.com／x", HOST),
    ("https://www.smartrecruiters.ⅽom", HOST),
    ("https://a\u200bb.smartrecruiters.com", HOST),
    ("https://-ü.smartrecruiters.com", HOST),
    ("https://[1]/", HOST),
    (f"{TRUSTED}/ü", ENCODED),
    (f"{TRUSTED}/a b", ENCODED),
    (f"{TRUSTED}/\r\nSet-Cookie: x=1", ENCODED),
    (f"{TRUSTED}/a\\b", ENCODED),
    (f"{TRUSTED}/#ü", ENCODED),
    (f"{TRUSTED}/" + "x" * 8000, "must have at most 8000 characters"),
]


@pytest.mark.parametrize(("sent", "gone_to"), SOUND)
def test_url_is_spelt_as_a_browser_is_sent_to_it(sent: str, gone_to: str) -> None:
    assert normalize_return_url(sent) == gone_to
    assert is_trusted(gone_to)
    assert normalize_return_url(gone_to) == gone_to


@pytest.mark.parametrize(("sent", "reason"), MALFORMED)
def test_malformed_url_is_refused_for_its_own_reason(sent: str, reason: str) -> None:
    with pytest.raises(MalformedURLError) as refusal:
        normalize_return_url(sent)
    assert str(refusal.value) == reason


@pytest.mark.parametrize(
    ("sent", "gone_to"),
    [
        ("https://evil.example#@www.smartrecruiters.com", "https://evil.example#@www.smartrecruiters.com"),
        ("https://evil.example/#https://www.smartrecruiters.com/", None),
        ("https://evil.example?x#.smartrecruiters.com", None),
        ("https://www.smаrtrecruiters.com/", "https://www.xn--smrtrecruiters-wtl.com/"),
        ("https://evilsmartrecruiters.com/#x", None),
    ],
)
def test_attack_is_refused_by_its_host_alone(db: None, client: Browser, sent: str, gone_to: str | None) -> None:
    """C11."""
    assert normalize_return_url(sent) == (gone_to or sent)
    assert not is_trusted(normalize_return_url(sent))
    answer = client.get(f"{ENTRY}?companyId=northwind&redirect={quote(sent, safe='')}")
    assert (answer.status_code, Consent.objects.count()) == (400, 0)
    said = "It leads to a website that is not known to belong to SmartRecruiters. Nothing was connected."
    assert said in answer.content.decode()


@pytest.mark.parametrize(
    ("configured", "compared"),
    [
        ("https://*.büro.example", "https://*.xn--bro-hoa.example"),
        ("https://BÜRO.example:8443", "https://xn--bro-hoa.example:8443"),
        ("https://*.smartrecruiters.com", "https://*.smartrecruiters.com"),
    ],
)
def test_trusted_origin_may_have_an_international_host(settings: Any, configured: str, compared: str) -> None:
    assert environment.parse_trusted_origins([configured]) == [compared]
    settings.SMARTRECRUITERS_TRUSTED_ORIGINS = [compared]
    assert is_trusted(normalize_return_url(configured.replace("*.", "jobs.") + "/a#b"))


# A consent


@pytest.mark.parametrize(("sent", "gone_to"), SOUND)
def test_consent_goes_back_to_where_it_came_from(client: Browser, alice: User, sent: str, gone_to: str) -> None:
    client.force_login(alice)
    entry = client.get(f"{ENTRY}?companyId=northwind&redirect={quote(sent, safe='')}")
    assert entry.status_code == 302
    page = client.get(entry["Location"])
    origin = "/".join(gone_to.split("#")[0].split("?")[0].split("/")[:3])
    with_port = origin if origin.endswith(":443") else f"{origin}:443"
    assert f"form-action 'self' {with_port}" in page["Content-Security-Policy"]
    answer = client.post(entry["Location"], {"decision": "deny"})
    assert (answer.status_code, answer["Location"]) == (302, gone_to)


@pytest.mark.parametrize(("sent", "reason"), MALFORMED)
def test_consent_with_a_malformed_redirect_says_what_is_wrong(
    db: None, client: Browser, sent: str, reason: str
) -> None:
    answer = client.get(f"{ENTRY}?companyId=northwind&redirect={quote(sent, safe='')}")
    assert (answer.status_code, Consent.objects.count()) == (400, 0)
    assert f"<p>Its return address {reason}. Nothing was connected.</p>" in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "It does not name a SmartRecruiters company."),
        ("companyId=", "It does not name a SmartRecruiters company."),
        ("companyId=a/b", "It does not name a SmartRecruiters company."),
        ("companyId=" + "a" * 65, "It does not name a SmartRecruiters company."),
        ("companyId=a&companyId=a", "It names a parameter twice."),
        (f"companyId=a&redirect={TRUSTED}&redirect={TRUSTED}", "It names a parameter twice."),
    ],
)
def test_refused_consent_says_why(db: None, client: Browser, query: str, said: str) -> None:
    answer = client.get(f"{ENTRY}?{query}")
    assert (answer.status_code, Consent.objects.count()) == (400, 0)
    assert f"<p>{said} Nothing was connected.</p>" in answer.content.decode()


# An inline order


def place(smartrecruiters: APIClient, url: str) -> Any:
    rows.make_package()
    return smartrecruiters.post(INLINE_ORDERS, order_body(**INLINE) | {"completedAssessmentCallbackUrl": url})


@pytest.mark.parametrize(("sent", "gone_to"), SOUND)
def test_candidate_goes_back_to_where_the_order_says(smartrecruiters: APIClient, sent: str, gone_to: str) -> None:
    answer = place(smartrecruiters, sent)
    assert answer.status_code == 200, answer.json()
    assert Order.objects.get().completed_callback_url == gone_to
    finished = Browser().get(f"{answer.json()['url']}/done")
    assert (finished.status_code, finished["Location"]) == (302, gone_to)


@pytest.mark.parametrize(
    ("sent", "gone_to", "host"),
    [
        ("https://careers.client.example/apply#/done", None, "careers.client.example"),
        ("HTTPS://Careers.Client.example/apply", "https://careers.client.example/apply", "careers.client.example"),
        ("https://bewerbung.münchen.example/#a", None, "bewerbung.xn--mnchen-3ya.example"),
        (f"https://careers.client.example/?state={STATE}", None, "careers.client.example"),
    ],
)
def test_candidate_is_shown_the_host_of_another_website(
    smartrecruiters: APIClient, sent: str, gone_to: str | None, host: str
) -> None:
    answer = place(smartrecruiters, sent)
    page = Browser().get(f"{answer.json()['url']}/done").content.decode()
    assert f'href="{gone_to or normalize_return_url(sent)}"' in page
    assert f"Continue at {host}" in page


@pytest.mark.parametrize(("sent", "reason"), [*MALFORMED[1:], ("http://careers.client.example/", HTTPS)])
def test_order_with_a_malformed_return_url_says_what_is_wrong(
    smartrecruiters: APIClient, connection: Connection, sent: str, reason: str
) -> None:
    answer = place(smartrecruiters, sent)
    assert (answer.status_code, Order.objects.count()) == (400, 0)
    [error] = answer.json()["errors"]
    assert error["field"] == "completedAssessmentCallbackUrl"
    if "control" not in error["message"] and len(sent) <= 8000:
        assert error == {"code": "address", "message": f"The URL {reason}.", "field": error["field"]}


@pytest.mark.parametrize("scheme", ["HTTPS", "Https"])
def test_result_callback_may_be_spelt_in_capitals(smartrecruiters: APIClient, scheme: str) -> None:
    rows.make_package()
    body = order_body()
    body["resultCallbackURL"] = body["resultCallbackURL"].replace("https", scheme)
    answer = smartrecruiters.post("/smartrecruiters/packages/orders", body)
    assert (answer.status_code, Order.objects.count()) == (202, 1)
