"""The engine API's pages."""

import pytest
from django.test import Client as Browser

from config import apidocs


def test_schema_describes_the_engine_s_calls_and_nothing_else(db: None) -> None:
    schema = Browser().get("/api/vendor/v1/schema").json()
    assert {path.split("/")[4] for path in schema["paths"]} == {"customers", "events", "orders", "packages", "webhooks"}
    assert not any(path.endswith("/") for path in schema["paths"])
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert {"401", "403"} <= set(operation["responses"])
            assert operation["security"] == [{"engine": ["vendor"]}]


def test_docs_show_every_call_and_every_step(db: None) -> None:
    page = Browser().get("/api/vendor/v1/docs")
    text = page.content.decode()
    assert page.status_code == 200
    for operation in apidocs.operations():
        assert f'id="{operation["anchor"]}"' in text
    assert text.count("<pre") == len(apidocs.steps()) == 7


@pytest.mark.parametrize("path", ["/api/vendor/v1/docs/", "/api/vendor/v1/schema/"])
def test_docs_are_there_with_a_closing_slash_too(db: None, path: str) -> None:
    assert Browser().get(path).status_code == 200
