"""Engine written against the documented interface only (orders/api/README.md), without the portal's code."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.e2e.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-outsider")]
Json = dict[str, Any]
PDF = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"
START = "http://localhost:9/start/{}"  # no server is needed: the browser is only redirected
PACKAGES: dict[str, Json] = {
    "outsider-skills": {
        "type": "SKILL_TEST",
        "name": "Outsider's skills",
        "assessments": [
            {"id": "logic", "type": "SKILL_TEST", "name": "Logic", "description": ""},
            {"id": "typing", "type": "SKILL_TEST", "name": "Typing", "description": "Three minutes"},
        ],
    },
    "outsider-inline": {
        "type": "INLINE_ASSESSMENT",
        "name": "Outsider's questions",
        "assessments": [{"id": "questions", "type": "INLINE_ASSESSMENT", "name": "Questions", "description": ""}],
    },
}


class Engine:
    """Engine that knows only the portal's URL and its own client, as printed by `seed_demo`."""

    def __init__(self, portal: str, client_id: str, client_secret: str) -> None:
        self.portal = portal
        self.session = requests.Session()
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        token = self.session.post(f"{portal}/oauth/token", data=form, timeout=10).json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        answer = self.session.request(method, f"{self.portal}/api/vendor/v1{path}", timeout=20, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def take(self, count: int) -> list[Json]:
        """Lease and accept orders."""
        leased = self.call("POST", "/orders/lease", json={"max": count, "seconds": 60})["orders"]
        return [self.accept(order["id"]) for order in leased]

    def accept(self, order_id: str) -> Json:
        body = {"launch_url": START.format(order_id)}
        accepted: Json = self.call("POST", f"/orders/{order_id}/accept", json=body)
        return accepted

    def report(self, order: Json) -> None:
        """Report a file, a link, the package's result and one for each assessment."""
        path = f"/orders/{order['id']}"
        file = {"file": ("report.pdf", PDF, "application/pdf")}
        attached = self.call("POST", f"{path}/attachments", 201, files=file)
        assert self.call("POST", f"{path}/attachments", files=file) == attached
        first, *_ = [each["id"] for each in PACKAGES[order["package"]]["assessments"]]
        video = {"type": "VIDEO_URL", "url": f"https://videos.example/{order['id']}", "assessment_id": first}
        self.call("POST", f"{path}/attachments", 201, json=video)
        result = {
            "status": "COMPLETED",
            "score": {"raw": 28, "min": 20, "max": 80},
            "score_label": "Promising",
            "summary": "Listens well.",
            "submission_date": "2026-11-24T09:30:00Z",
            "assessment_results": [
                {"assessment_id": each["id"], "status": "COMPLETED", "score": {"raw": 7, "min": 0, "max": 10}}
                for each in PACKAGES[order["package"]]["assessments"]
            ],
        }
        preview = self.call("POST", f"{path}/result/preview", json=result)
        assert (preview["score_text"], preview["score_percent"]) == ("28/80", 13)
        self.call("PATCH", f"{path}/result", json=result)

    def is_delivered(self, order: Json) -> bool:
        return bool(self.call("GET", f"/orders/{order['id']}")["delivery"] == "delivered")


def until(condition: Callable[[], Any], seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"timed out after {seconds:.0f} s"
        time.sleep(0.1)
    return value


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("outsider"), engine=False) as world:
        world.connect_company("outsider")
        yield world


@pytest.fixture(scope="module")
def engine(world: World) -> Engine:
    engine = Engine(world.url, **world.seeded["engine"])
    for package_id, package in PACKAGES.items():
        engine.call("PUT", f"/packages/{package_id}", 201, json=package)
    return engine


def get_result(world: World, order: Json) -> Json:
    """Return the result as SmartRecruiters has it, without the URL of the hosted file."""
    result: Json = world.control.get_order(order["smartrecruiters_order_id"])["result"]
    [report] = result.pop("attachments")
    assert requests.get(report.pop("url"), timeout=10).content == PDF
    return {**result, "attachments": [report]}


def build_expected(order: Json) -> Json:
    parts = [each["id"] for each in PACKAGES[order["package"]]["assessments"]]
    video = {"type": "VIDEO_URL", "url": f"https://videos.example/{order['id']}"}
    score = {"raw": 7, "min": 0, "max": 10}
    return {
        "status": "COMPLETED",
        "score": {"raw": 28, "min": 20, "max": 80},
        "scoreLabel": "Promising",
        "summary": "Listens well.",
        "submissionDate": "2026-11-24T09:30:00.000Z",
        "assessmentResults": [
            {"assessmentId": part, "status": "COMPLETED", "score": score, **({"attachments": [video]} if not n else {})}
            for n, part in enumerate(parts)
        ],
        "attachments": [{"type": "PDF_URL"}],
    }


def test_ordinary_order_is_completed(world: World, engine: Engine) -> None:
    [placed] = world.control.place_orders("outsider", "outsider-skills")
    [order] = engine.take(10)
    assert (order["smartrecruiters_order_id"], order["package"]) == (placed["order_id"], "outsider-skills")
    assert (order["inline"], order["status"], order["delivery"]) == (False, "PENDING", "none")
    assert engine.take(10) == []
    candidate = until(lambda: engine.session.get(f"{world.url}/api/vendor/v1/orders/{order['id']}/candidate").json())
    assert candidate["email"] == order["candidate"]["email"]

    browser = requests.Session()
    page = browser.get(order["take_url"], timeout=10)
    assert (page.status_code, len(re.findall("<button", page.text))) == (200, 1)
    redirect = browser.post(order["take_url"], allow_redirects=False, timeout=10)
    assert (redirect.status_code, redirect.headers["Location"]) == (303, order["launch_url"])
    assert engine.call("GET", f"/orders/{order['id']}")["status"] == "IN_PROGRESS"
    assert browser.get(order["return_url"], timeout=10).status_code == 200

    engine.report(order)
    until(lambda: engine.is_delivered(order))
    assert get_result(world, order) == build_expected(order)
    events = engine.call("GET", "/events")["results"]
    assert [each["type"] for each in events if each["data"].get("company_id") == "outsider"] == ["connection.enabled"]
    assert [each["type"] for each in events if each["data"].get("order") == order["id"]] == ["order.created"]
    hops = {line["hop"] for line in engine.call("GET", f"/orders/{order['id']}/timeline")["results"]}
    assert hops == {"in", "engine", "candidate", "out"}
    assert world.control.list_breaches() == []


def test_inline_order_is_completed(world: World, engine: Engine) -> None:
    [placed] = world.control.place_orders("outsider", "outsider-inline", inline=True)
    browser = requests.Session()
    assert browser.get(placed["url"], allow_redirects=False, timeout=10).status_code == 200  # it waits for the engine
    [order] = engine.take(10)
    assert (order["take_url"], order["inline"], order["candidate"]["id"]) == (placed["url"], True, None)
    redirect = browser.get(placed["url"], allow_redirects=False, timeout=10)
    assert (redirect.status_code, redirect.headers["Location"]) == (302, order["launch_url"])
    back = browser.get(order["return_url"], allow_redirects=False, timeout=10)
    assert (back.status_code, back.headers["Location"]) == (302, f"{world.simulator.url}/applied/{placed['order_id']}")

    engine.report(order)
    until(lambda: engine.is_delivered(order))
    assert get_result(world, order) == build_expected(order)
    assert world.control.list_breaches() == []
