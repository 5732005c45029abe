"""Sample engine as a process, against a fake of the engine API."""

import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
import requests
from pypdf import PdfReader

from tests.integrations.simulator.fake_engine_api import FakeEngineApi
from tests.integrations.simulator.process import ROOT, free_port

pytestmark = pytest.mark.e2e

PORT = free_port()
URL = f"http://localhost:{PORT}"
_numbers = count(1)
BEST = {"q0": "1", "q1": "1", "q2": "1"}
FIRST = {"q0": "0", "q1": "0", "q2": "0"}


def run(api_url: str, **more: str) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "ENGINE_PORT": str(PORT),
        "PORTAL_URL": api_url,
        "ENGINE_CLIENT_ID": "engine",
        "ENGINE_CLIENT_SECRET": "secret",
        **more,
    }
    command = [sys.executable, "-m", "integrations.simulator.engine"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    until(lambda: _is_up(environment["ENGINE_PORT"]))
    return process


def _is_up(port: str) -> bool:
    try:
        return requests.get(f"http://localhost:{port}/healthz", timeout=1).status_code == 200
    except requests.ConnectionError:
        return False


def until(condition: Callable[[], Any], seconds: float = 8) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.03)


@pytest.fixture(scope="module")
def api() -> Iterator[FakeEngineApi]:
    api = FakeEngineApi()
    yield api
    api.stop()


@pytest.fixture(scope="module")
def engine(api: FakeEngineApi) -> Iterator[str]:
    process = run(api.url)
    yield URL
    process.kill()
    process.communicate()


@pytest.fixture
def order_id(api: FakeEngineApi) -> str:
    """Add an order that the engine has accepted."""
    order_id = f"ord_{next(_numbers)}"
    api.add_order(order_id, launch_url=f"{URL}/take/{order_id}")
    return order_id


@pytest.fixture
def page(engine: str, order_id: str) -> str:
    return f"{engine}/take/{order_id}"


def test_order_is_accepted_with_its_page(api: FakeEngineApi, engine: str) -> None:
    api.forced_statuses["/orders/ord_new/accept"] = [500]
    api.add_order("ord_new")
    until(lambda: api.orders["ord_new"]["launch_url"])
    assert api.bodies_of("POST /orders/ord_new/accept") == [{"launch_url": f"{engine}/take/ord_new"}]


def test_page_preselects_no_answer_and_requires_each(page: str) -> None:
    response = requests.get(page, timeout=5)
    counts = [response.text.count(word) for word in ("<fieldset>", " required>", " checked>", "role=alert")]
    assert (response.status_code, counts) == (200, [3, 9, 0, 0])
    assert "Hello Zoë &lt;b&gt;" in response.text


@pytest.mark.parametrize(
    ("answers", "missing"),
    [({}, 3), ({"q0": "1"}, 2), ({"q0": "0", "q1": "2"}, 1), ({"q0": "3", "q1": "", "q2": "x"}, 3)],
)
def test_missing_answers_are_requested_and_given_ones_kept(
    api: FakeEngineApi, order_id: str, page: str, answers: dict[str, str], missing: int
) -> None:
    response = requests.post(page, data=answers, timeout=5, allow_redirects=False)
    message = f"Not answered yet: {missing} of 3. Please choose an answer to each question."
    assert (response.status_code, message in response.text, response.text.count(" checked>")) == (
        422,
        True,
        3 - missing,
    )
    assert api.bodies_of(f"PATCH /orders/{order_id}/result") == []


def legends(page: str) -> list[str]:
    return re.findall("<legend><small>(.*?)[.?]</legend>", page)


def test_questions_match_the_package(api: FakeEngineApi, engine: str, page: str) -> None:
    text = requests.get(page, timeout=5).text
    assert "<h1>Skills (2026)</h1>" in text
    assert legends(text) == [
        "Words</small> A sum is wrong by one cell",
        "Numbers</small> Two lists of customers differ",
        "Words</small> A chart is due in an hour",
    ]
    api.add_order("ord_references", package="references", launch_url="https://engine.example/")
    text = requests.get(f"{engine}/take/ord_references", timeout=5).text
    assert "<h1>Two &lt;references&gt;</h1>" in text
    assert legends(text) == [
        "Two &lt;references&gt;</small> How did you work together",
        "Two &lt;references&gt;</small> How reliable was the work",
        "Two &lt;references&gt;</small> Would you work together again",
    ]


@pytest.mark.parametrize(
    ("requested", "language", "button"),
    [("de", "de", "Antworten absenden"), ("de-AT", "de", "Antworten absenden"), (None, "en", "Submit answers")],
)
def test_page_uses_the_candidates_language(
    api: FakeEngineApi, order_id: str, page: str, requested: str | None, language: str, button: str
) -> None:
    api.orders[order_id]["candidate"] = {**api.orders[order_id]["candidate"], "language": requested}
    text = requests.get(page, timeout=5).text
    assert (f'<html lang="{language}">' in text, button in text) == (True, True)


@pytest.mark.parametrize(("answers", "raw", "label"), [(FIRST, 28, "Needs practice"), (BEST, 80, "Excellent")])
def test_answers_are_reported_and_redirect_back(
    api: FakeEngineApi, order_id: str, page: str, answers: dict[str, str], raw: int, label: str
) -> None:
    answer = requests.post(page, data=answers, timeout=5, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{api.url}/done/{order_id}")
    [result] = api.bodies_of(f"PATCH /orders/{order_id}/result")
    now = result["submission_date"]
    score = {"raw": raw, "min": 20, "max": 80}
    shared = {"status": "COMPLETED", "score": score, "score_label": label, "submission_date": now}
    assert result == {
        **shared,
        "assessment_package_date": "2026-11-24T08:00:00Z",
        "summary": f"Zoë <b> Łukasz (Jr) answered 3 questions and scored {raw} of 80 points.",
        "assessment_results": [
            {**shared, "assessment_id": "words", "assessment_date": now, "summary": f"Words: {label}"},
            {**shared, "assessment_id": "numbers", "assessment_date": now, "summary": f"Numbers: {label}"},
        ],
    }


def test_report_is_a_valid_pdf_sent_before_the_result(api: FakeEngineApi, order_id: str, page: str) -> None:
    requests.post(page, data=FIRST, timeout=5, allow_redirects=False)
    paths = [f"{method} {path}" for method, path, _ in api.calls if path.startswith(f"/orders/{order_id}/")]
    assert paths[-2:] == [f"POST /orders/{order_id}/attachments", f"PATCH /orders/{order_id}/result"]
    [form] = api.bodies_of(f"POST /orders/{order_id}/attachments")
    pdf = form[form.index(b"%PDF") : form.index(b"%%EOF") + 6]
    [only] = PdfReader(io.BytesIO(pdf), strict=True).pages
    assert only.extract_text().splitlines() == [
        "Skills (2026)",
        "Candidate: Zoë <b> ?ukasz (Jr)",
        "Score: 28 of 80 (Needs practice)",
    ]


def test_finished_order_redirects_back(api: FakeEngineApi, order_id: str, page: str) -> None:
    requests.post(page, data=FIRST, timeout=5, allow_redirects=False)
    for answer in (
        requests.get(page, timeout=5, allow_redirects=False),
        requests.post(page, data=BEST, timeout=5, allow_redirects=False),
    ):
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{api.url}/done/{order_id}")
    assert len(api.bodies_of(f"PATCH /orders/{order_id}/result")) == 1


def test_conflict_redirects_back(api: FakeEngineApi, order_id: str, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    build_response = api.build_response

    def answer_conflict(method: str, path: str, body: bytes) -> tuple[int, Any]:
        return (409, {}) if path.endswith("/result") else build_response(method, path, body)

    monkeypatch.setattr(api, "build_response", answer_conflict)
    answer = requests.post(page, data=FIRST, timeout=5, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{api.url}/done/{order_id}")


def test_invalid_token_is_renewed(api: FakeEngineApi, page: str) -> None:
    before = api.tokens
    assert requests.get(page, timeout=5).status_code == 200
    assert api.tokens == before
    api.tokens += 1
    assert requests.get(page, timeout=5).status_code == 200
    assert api.tokens >= before + 2


@pytest.mark.parametrize("path", ["/take/ord_unknown", "/take/..%2Fpackages", "/take/", "/take/a?b", "/x"])
def test_unknown_page_is_404(engine: str, path: str) -> None:
    assert requests.get(engine + path, timeout=5).status_code == 404


def test_portal_error_is_a_503_page(api: FakeEngineApi, order_id: str, page: str) -> None:
    api.forced_statuses[f"/orders/{order_id}"] = [500]
    answer = requests.get(page, timeout=5)
    assert (answer.status_code, "reload this page in a minute" in answer.text) == (503, True)


def test_unavailable_portal_is_retried() -> None:
    process = run("http://localhost:9", ENGINE_PORT=str(free_port()))
    assert process.stderr is not None
    assert b"no orders" in process.stderr.readline()
    assert process.poll() is None
    process.kill()
    process.communicate()


def test_auto_answer_reports_immediately() -> None:
    api = FakeEngineApi()
    for number in range(20):
        api.add_order(f"ord_{number}")
    process = run(api.url, ENGINE_PORT=str(free_port()), ENGINE_AUTO_ANSWER="1")
    until(lambda: all(each["status"] == "COMPLETED" for each in api.orders.values()))
    process.kill()
    process.communicate()
    api.stop()
    assert sum(path.endswith("/result") for _, path, _ in api.calls) == 20


def test_engine_is_short_and_independent() -> None:
    source = (ROOT / "integrations/simulator/engine.py").read_text()
    assert len(source.splitlines()) < 200
    assert "from integrations" not in source
    assert "import integrations" not in source
