"""Contents of the pages, and their forms."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from integrations.simulator.pages.tags import score_percent
from tests.integrations.simulator.fake_portal import JSON, PACKAGE, FakePortal
from tests.integrations.simulator.process import API, Caller, Simulator

PAGES = [
    "/",
    "/switches",
    "/ledger",
    "/ledger?show=calls",
    "/breaches",
    *(
        f"/companies/northwind/{page}"
        for page in ("apps", "packages", "candidates", "orders", "apply", "connect", "popup")
    ),
]


class Visitor:
    """Minimal browser: cookies and forms with their CSRF token; redirects are not followed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()

    def get(self, path: str) -> requests.Response:
        return self._session.get(self.url + path, timeout=10, allow_redirects=False)

    def text(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))

    def post(self, path: str, form_on: str | None = None, **fields: str) -> requests.Response:
        [token, *_] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(form_on or path).text)
        form = {"csrfmiddlewaretoken": token, **fields}
        return self._session.post(self.url + path, data=form, timeout=10, allow_redirects=False)


@pytest.fixture
def visitor(simulator: Simulator) -> Visitor:
    return Visitor(simulator.url)


@pytest.fixture
def unconnected(simulator: Simulator, portal: FakePortal, company: str) -> str:
    simulator.control.add_company(company, "The Willing Company")
    return company


@pytest.mark.parametrize(("raw", "low", "high", "percent"), [
    (28, 20, 80, 13), (20, 20, 80, 0), (80, 20, 80, 100), (1, 0, 8, 13), (1, 0, 200, 1), (0, -10, 10, 50),
])  # fmt: skip
def test_percent_is_rounded_half_up(raw: int, low: int, high: int, percent: int) -> None:
    assert score_percent({"raw": raw, "min": low, "max": high}) == percent


@pytest.mark.parametrize("path", PAGES)
def test_page_has_security_headers(visitor: Visitor, portal: FakePortal, path: str) -> None:
    answer = visitor.get(path)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<style" not in answer.text
    assert not re.findall(r'(?:src|href)="(?!http://localhost|/|\?|data:,)', answer.text)


@pytest.mark.parametrize("path", ["/companies/nobody/apps", "/applied/nothing", "/nothing"])
def test_unknown_page_is_404(visitor: Visitor, path: str) -> None:
    assert visitor.get(path).status_code == 404


def test_form_without_a_csrf_token_is_refused(simulator: Simulator, unconnected: str) -> None:
    answer = requests.post(f"{simulator.url}/companies/{unconnected}/connect", timeout=5, allow_redirects=False)
    assert answer.status_code == 403
    assert not simulator.control.get_company(unconnected)["consented"]


def test_connect_in_redirect_mode(simulator: Simulator, visitor: Visitor, portal: FakePortal, unconnected: str) -> None:
    at = f"/companies/{unconnected}"
    assert "Not connected" in visitor.text(f"{at}/apps")
    assert "candidates_read" in visitor.text(f"{at}/connect")
    answer = visitor.post(f"{at}/connect")
    assert answer.status_code == 302
    parts = urlsplit(answer.headers["Location"])
    redirect = f"{simulator.url}{at}/connected"
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{portal.url}/consent"
    assert parse_qs(parts.query) == {"companyId": [unconnected], "redirect": [redirect]}
    assert "The Willing Company is not connected" in visitor.text(f"{at}/connected")
    simulator.connect_company(unconnected)
    assert "The Willing Company is connected" in visitor.text(f"{at}/connected")


def test_connect_in_popup_mode(simulator: Simulator, visitor: Visitor, portal: FakePortal, unconnected: str) -> None:
    document = portal.build_configuration(consentDisplayMode="POPUP", consentUrl=f"{portal.url}/consent?brand=1")
    simulator.master_caller().call("PUT", f"{API}/partner/configuration", json=document)
    at = f"/companies/{unconnected}"
    assert visitor.post(f"{at}/connect").headers["Location"] == f"{at}/popup"
    [url] = re.findall('data-consent-url="([^"]+)"', visitor.get(f"{at}/popup").text)
    assert unescape(url) == f"{portal.url}/consent?brand=1&companyId={unconnected}"
    assert visitor.get(f"{at}/connection.json").json() == {"connected": False}
    framed = visitor.get(f"{at}/popup?frame=1")
    assert f"frame-src {portal.url}" in framed.headers["Content-Security-Policy"]
    assert "<iframe" in framed.text


def test_disconnect_by_button(simulator: Simulator, visitor: Visitor, customer: Caller, company: str) -> None:
    at = f"/companies/{company}"
    assert visitor.post(f"{at}/disconnect", form_on=f"{at}/apps").headers["Location"] == f"{at}/apps"
    assert "Not connected" in visitor.text(f"{at}/apps")


def test_packages_are_fetched_with_requester_location_and_fields(
    visitor: Visitor, portal: FakePortal, customer: Caller, company: str
) -> None:
    page = visitor.text(f"/companies/{company}/packages?requester=a%40b.example&job=0&field.level=senior")
    assert "Practical skills" in page
    assert "on-the-spot" not in page
    call = portal.calls_to("GET /packages")[-1]
    assert call["headers"]["requester"] == '{"email": "a@b.example"}'
    assert parse_qs(call["query"]) == {
        "country-code": ["de"],
        "region-abbr": ["BE"],
        "city": ["Berlin"],
        "address": ["Lindenstraße 12"],
        "postal-code": ["10969"],
        "remote": ["false"],
        "level": ["senior"],
    }


def test_edited_location_is_sent(visitor: Visitor, portal: FakePortal, customer: Caller, company: str) -> None:
    visitor.text(
        f"/companies/{company}/packages?job=0&typed=0&country-code=fr&region-abbr=&city=&address=&postal-code=&remote="
    )
    assert parse_qs(portal.calls_to("GET /packages")[-1]["query"]) == {"country-code": ["fr"]}


def test_missing_and_invalid_packages_are_shown(
    visitor: Visitor, portal: FakePortal, customer: Caller, company: str
) -> None:
    portal.answers["GET /packages"] = (204, {}, None)
    assert "offers this requester no packages" in visitor.text(f"/companies/{company}/packages")
    portal.answers["GET /packages"] = (200, JSON, [{**PACKAGE, "rules": []}])
    assert "The vendor's response cannot be used" in visitor.text(f"/companies/{company}/packages")


@pytest.mark.parametrize(("kind", "count"), [("manual", 1), ("hiring_step", 1), ("bulk", 12)])
def test_order_by_form(
    simulator: Simulator, visitor: Visitor, customer: Caller, company: str, kind: str, count: int
) -> None:
    at = f"/companies/{company}"
    form = f"{at}/order?package=skills"
    answer = visitor.post(f"{at}/order", form_on=form, package="skills", kind=kind, candidate="2", count="12")
    orders = simulator.control.list_orders(company)
    assert [order["kind"] for order in orders] == [kind] * count
    person = f"{at}/candidates/{simulator.control.list_candidates(company)[2]['id']}"
    assert answer.headers["Location"] == (person if count == 1 else f"{at}/orders")
    assert "Skills" in visitor.text(answer.headers["Location"])


def test_panel_shows_the_result(
    simulator: Simulator, visitor: Visitor, customer: Caller, company: str, order_id: str
) -> None:
    url = customer.upload_file(order_id).json()["url"]
    customer.patch_result(order_id, {
        "status": "COMPLETED",
        "score": {"raw": 28, "min": 20, "max": 80},
        "scoreLabel": "Needs practice",
        "summary": "<script>alert(1)</script>",
        "attachments": [{"type": "PDF_URL", "url": url}],
        "assessmentResults": [{"assessmentId": "words", "status": "REJECTED", "summary": "few words"}],
    })  # fmt: skip
    path = f"/companies/{company}/candidates/{simulator.control.get_order(order_id)['candidate']['id']}"
    page = visitor.text(path)
    for text in ("Completed", "28/80 13 %", "Needs practice", "Words Rejected", "few words", "report.pdf PDF"):
        assert text in page
    assert "<script>alert" not in visitor.get(path).text
    assert f'href="{url}"' in visitor.get(path).text
    assert "28/80 13 %" in visitor.text(f"/companies/{company}/orders")


def test_refused_order_is_sent_again_by_button(
    simulator: Simulator, visitor: Visitor, portal: FakePortal, customer: Caller, company: str
) -> None:
    portal.answers["POST /orders"] = (503, {"Content-Type": "text/html"}, b"busy")
    [order] = simulator.control.place_orders(company, "skills")
    path = f"/companies/{company}/candidates/{order['candidate']['id']}"
    assert "has not accepted this order" in visitor.text(path)
    portal.reset()
    again = visitor.post(f"/companies/{company}/orders/{order['order_id']}/retry", form_on=path)
    assert again.headers["Location"] == path
    assert "The vendor accepted the order" in visitor.text(path)


def test_correction_is_announced_by_button(
    simulator: Simulator, visitor: Visitor, customer: Caller, company: str, order_id: str
) -> None:
    customer.patch_result(order_id, {"status": "COMPLETED"})
    path = f"/companies/{company}/candidates/{simulator.control.get_order(order_id)['candidate']['id']}"
    visitor.post(f"/companies/{company}/orders/{order_id}/announce", form_on=path)
    assert simulator.control.get_order(order_id)["correction"] == "announced by a person"


def test_application_redirects_to_the_assessment_and_back(
    simulator: Simulator, visitor: Visitor, portal: FakePortal, customer: Caller, company: str
) -> None:
    path = f"/companies/{company}/apply"
    assert "Apply at" in visitor.text(path)
    answer = visitor.post(path, package="on-the-spot", candidate="1", job="0")
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://engine.example/take/1")
    [order] = simulator.control.list_orders(company)
    assert order["kind"] == "inline"
    assert "Your application at" in visitor.text(f"/applied/{order['order_id']}")


def test_application_without_an_assessment_url_is_an_error_page(
    visitor: Visitor, portal: FakePortal, customer: Caller, company: str
) -> None:
    portal.answers["POST /inline"] = (503, {"Content-Type": "text/html"}, b"busy")
    answer = visitor.post(f"/companies/{company}/apply", package="on-the-spot", candidate="1")
    assert (answer.status_code, "The assessment cannot start" in answer.text) == (502, True)


def test_inline_assessments_need_a_configured_url(
    simulator: Simulator, visitor: Visitor, portal: FakePortal, customer: Caller, company: str
) -> None:
    document = portal.build_configuration()
    del document["inlineAssessmentPackageOrderUrl"]
    simulator.master_caller().call("PUT", f"{API}/partner/configuration", json=document)
    assert "does not offer inline assessments" in visitor.text(f"/companies/{company}/apply")


def test_fault_is_set_and_cleared_by_button(simulator: Simulator, visitor: Visitor) -> None:
    fields = {"action": "status", "status": "503", "route": "result", "when": "after", "count": "3", "retry_after": "9"}
    visitor.post("/switches/faults", form_on="/switches", **fields)
    [fault] = simulator.control.get_state()["faults"]
    fault.pop("id")
    assert fault == {
        "action": "status",
        "route": "result",
        "company": None,
        "left": 3,
        "after_effect": True,
        "status": 503,
        "seconds": 1.0,
        "jitter": 0.0,
        "chance": 1.0,
        "retry_after": 9,
        "fired": 0,
    }
    visitor.post("/switches/faults/clear", form_on="/switches")
    assert simulator.control.get_state()["faults"] == []


def test_settings_are_changed_by_form(simulator: Simulator, visitor: Visitor) -> None:
    fields = {key: str(value) for key, value in simulator.control.get_state()["settings"].items()}
    fields |= {"token_lifetime": "60", "latency": "0.5", "limits": "on", "patch_types": "both"}
    del fields["disable_bearer"]
    visitor.post("/switches/settings", form_on="/switches", **fields)
    settings = simulator.control.get_state()["settings"]
    assert (settings["token_lifetime"], settings["latency"], settings["patch_types"]) == (60, 0.5, "both")
    assert (settings["limits"], settings["disable_bearer"]) == (True, False)
    assert visitor.post("/switches/settings", form_on="/switches", **{**fields, "rate": "many"}).status_code == 422


def test_breaches_are_shown_and_cleared(
    simulator: Simulator, visitor: Visitor, customer: Caller, order_id: str
) -> None:
    customer.patch_result(order_id, {"bogus": 1})
    assert "bogus is not a key that SmartRecruiters knows" in visitor.text("/breaches")
    visitor.post("/breaches")
    assert simulator.control.list_breaches() == []
    assert "kept to the protocol" in visitor.text("/breaches")


def test_ledger_page_shows_effects_and_no_secret(visitor: Visitor, customer: Caller, order_id: str) -> None:
    customer.patch_result(order_id, {"status": "IN_PROGRESS"})
    page = visitor.text("/ledger")
    assert (order_id in page, '{"status": "IN_PROGRESS"}' in page) == (True, True)
    assert customer.client_secret not in page + visitor.text("/ledger?show=all")


def test_unknown_url_is_a_page_for_browsers_and_empty_for_programs(simulator: Simulator) -> None:
    browser = requests.get(f"{simulator.url}/nothing/here", headers={"Accept": "text/html"}, timeout=10)
    assert (browser.status_code, "Page not found" in browser.text) == (404, True)
    program = requests.get(f"{simulator.url}/nothing/here", headers={"Accept": "application/json"}, timeout=10)
    assert (program.status_code, program.text) == (404, "")
