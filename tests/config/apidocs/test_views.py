"""The engine API's pages."""

import re
import time
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser
from standardwebhooks import Webhook as Verifier

from config.apidocs import reference, views
from integrations.models import EventType
from integrations.outbox.sending import retry_policy
from integrations.webhooks import signing
from integrations.webhooks.deliveries import WebhookHandler
from tests import interface
from tests.config.conftest import run_python

BODY = b'{"type":"order.created","timestamp":"2026-11-24T09:00:00.120Z","data":{"test":true}}'


def test_schema_describes_the_engine_s_calls_and_nothing_else(db: None) -> None:
    schema = Browser().get("/api/vendor/v1/schema").json()
    assert {path.split("/")[4] for path in schema["paths"]} == {"customers", "events", "orders", "packages", "webhooks"}
    assert not any(path.endswith("/") for path in schema["paths"])
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert {"401", "403"} <= set(operation["responses"])
            assert operation["security"] == [{"engine": ["vendor"]}]


def test_docs_show_every_call_with_its_examples_and_every_step(db: None) -> None:
    page = Browser().get("/api/vendor/v1/docs")
    text = page.content.decode()
    assert page.status_code == 200
    operations = reference.list_operations()
    for operation in operations:
        assert f'id="{operation["anchor"]}"' in text
    steps = [step for file in (views.QUICKSTART, views.WEBHOOKS, views.EVENTS) for step in views.parse_steps(file)]
    shown = sum(bool(operation[key]) for operation in operations for key in ("request_example", "response_example"))
    assert text.count("<pre") == len(steps) + shown + 3  # the message, the endpoint, the lines by hand
    assert [
        operation["anchor"]
        for operation in operations
        if operation["request_fields"] and not operation["request_example"]
    ] == []


def test_reference_names_each_kind_of_a_field_once(db: None) -> None:
    [report] = [each for each in reference.list_operations() if each["method"] == "PATCH" and "/result" in each["path"]]
    kinds = {field["name"]: field["type"] for field in report["request_fields"]}
    assert (kinds["summary"], kinds["score"], kinds["score.raw"]) == ("string or null", "Score or null", "integer")
    assert kinds["status"] == "PENDING or IN_PROGRESS or COMPLETED or REJECTED or EXPIRED"


def prose(page: str) -> list[str]:
    """Return the page's paragraphs above the reference."""
    text = page.partition("<h1>")[2].partition('<h2 id="calls">')[0]
    text = re.sub(r"<(nav|pre|h1|h2|h3|thead)\b.*?</\1>", "", text.partition("</h1>")[2], flags=re.DOTALL)
    blocks = re.split(r"</?(?:p|li|ul|ol|dl|div|tr|table|tbody)\b[^>]*>", text)
    text_of = [re.sub(r"<[^>]+>", "", block.replace("</td>", " ").replace("</dt>", " ")) for block in blocks]
    return [bare for block in text_of if (bare := " ".join(unescape(block).split()))]


def texts(table: str) -> list[str]:
    return [sentence.text for sentence in interface.parse_sentences(table)]


def test_every_sentence_of_the_page_is_in_the_table_of_tests(db: None) -> None:
    assert prose(Browser().get("/api/vendor/v1/docs").content.decode()) == texts(interface.DOCS)


def test_every_sentence_of_the_reference_is_in_the_table_of_tests(db: None) -> None:
    operations = reference.list_operations()
    calls = [f"{o['method']} {o['path'].removeprefix('/api/vendor/v1/')}: {o['description']}" for o in operations]
    answers = {
        f"{s['code']} {s['description']}" for operation in operations for s in operation["statuses"] if s["description"]
    }
    assert calls == texts(interface.CALLS)
    assert sorted(answers) == texts(interface.ANSWERS)


def test_page_says_the_schedule_that_is_kept() -> None:
    assert views.format_schedule() == "5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 2 h, 4 h, 8 h, then every 12 h"
    assert [int(wait.total_seconds()) for wait in (*retry_policy.RETRY_SCHEDULE, retry_policy.MAX_DELAY)] == [
        *(5, 30, 120, 600, 1800),
        *(hours * 3600 for hours in (1, 2, 4, 8, 12)),
    ]
    assert (WebhookHandler.deadline_seconds, WebhookHandler.retry_for.days) == (20, 7)


def test_page_says_what_happens_of_every_event() -> None:
    assert list(views.EVENT_DESCRIPTIONS) == list(EventType)


def is_genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Verify with the code that the page shows."""
    names: dict[str, Any] = {}
    exec(views.render_text(views.VERIFY), names)  # noqa: S102
    found: bool = names["is_genuine"](secret, headers, body)
    return found


def test_lines_by_hand_know_a_genuine_message() -> None:
    former, secret = signing.make_secret(), signing.make_secret()
    headers = signing.build_headers([secret, former], "evt_1", int(time.time()), BODY)
    assert headers.keys() == {"Content-Type", "webhook-id", "webhook-timestamp", "webhook-signature"}
    for each in (secret, former):
        assert is_genuine(each, headers, BODY)
        assert Verifier(each).verify(BODY, headers)["data"] == {"test": True}


@pytest.mark.parametrize(
    ("change", "body", "age"),
    [
        ({}, BODY + b" ", 0),
        ({"webhook-id": "evt_2"}, BODY, 0),
        ({"webhook-signature": "v1,AAAA"}, BODY, 0),
        ({}, BODY, 301),
        ({}, BODY, -301),
    ],
)
def test_lines_by_hand_refuse_what_is_none(change: dict[str, str], body: bytes, age: int) -> None:
    secret = signing.make_secret()
    headers = signing.build_headers([secret], "evt_1", int(time.time()) - age, BODY)
    assert not is_genuine(secret, headers | change, body)
    assert not is_genuine(signing.make_secret(), headers | change, body)


@pytest.mark.parametrize("path", ["/api/vendor/v1/docs/", "/api/vendor/v1/schema/"])
def test_docs_are_there_with_a_closing_slash_too(db: None, path: str) -> None:
    assert Browser().get(path).status_code == 200


AT_ONCE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from config.apidocs.schema import get_schema
sys.setswitchinterval(1e-6)
begin = Barrier(8)
def first(_):
    begin.wait()
    return len(get_schema()["paths"])
with ThreadPoolExecutor(8) as readers:
    print(len(set(readers.map(first, range(8)))))
"""


def test_first_readers_at_once_get_the_same(tmp_path: Path) -> None:
    """In a new process: the library's extensions break when two threads load them."""
    done = run_python("-c", AT_ONCE, PORTAL_DATA_DIR=str(tmp_path))
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr[-500:]
