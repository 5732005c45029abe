from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.request import Request
from rest_framework.test import APIClient, APIRequestFactory

from assessments.models import Package
from integrations.api.errors import UnprocessableError
from integrations.api.pagination import Cursor, KeysetPagination
from tests.rows import make_package

PACKAGES = "/api/vendor/v1/packages"
PUBLIC = "http://localhost:8000"
NEWEST_FIRST = SimpleNamespace(ordering=("-created_at", "-id"))


def page(engine: APIClient, url: str) -> tuple[list[str], str | None, str | None]:
    body = engine.get(url.removeprefix(PUBLIC)).json()
    assert [*body] == ["results", "next", "previous"]
    return [row["id"] for row in body["results"]], body["next"], body["previous"]


def walk(engine: APIClient, url: str | None, direction: int = 1) -> list[list[str]]:
    pages = []
    while url:
        ids, *links = page(engine, url)
        pages.append(ids)
        url = links[direction - 1]
    return pages


@pytest.fixture
def five(db: None) -> None:
    for package_id in "bdace":
        make_package(package_id)


@pytest.mark.parametrize(
    ("limit", "pages"),
    [
        (1, [["a"], ["b"], ["c"], ["d"], ["e"]]),
        (2, [["a", "b"], ["c", "d"], ["e"]]),
        (4, [["a", "b", "c", "d"], ["e"]]),
        (5, [["a", "b", "c", "d", "e"]]),
        (200, [["a", "b", "c", "d", "e"]]),
    ],
)
def test_every_row_once(engine: APIClient, five: None, limit: int, pages: list[list[str]]) -> None:
    assert walk(engine, f"{PACKAGES}?limit={limit}") == pages


def test_back_again(engine: APIClient, five: None) -> None:
    _, following, previous = page(engine, f"{PACKAGES}?limit=2")
    assert previous is None
    assert following
    _, last, _ = page(engine, following)
    assert last
    ids, following, previous = page(engine, last)
    assert (ids, following) == (["e"], None)
    assert walk(engine, previous, direction=2) == [["c", "d"], ["a", "b"]]


def test_links_are_absolute_and_keep_the_query(engine: APIClient, five: None) -> None:
    _, following, _ = page(engine, f"{PACKAGES}/?limit=%32")
    assert following
    assert following.startswith(f"{PUBLIC}{PACKAGES}/?cursor=")
    assert following.endswith("&limit=2")


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("Cursor=x", "Cursor", "There is no such parameter here: perhaps you mean cursor; the parameters are "),
        ("page=2", "page", "There is no such parameter here; the parameters are limit, cursor."),
        ("limit=1&limit=2", "limit", "This occurs twice: send it once."),
    ],
)
def test_parameter_that_is_none_is_refused(engine: APIClient, query: str, field: str, message: str) -> None:
    answer = engine.get(f"{PACKAGES}?{query}")
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (422, field)
    assert error["message"].startswith(message)


def test_rows_that_come_and_go_between_pages(engine: APIClient, five: None) -> None:
    """Rows that exist throughout appear exactly once, whatever is added or removed around them."""
    _, following, _ = page(engine, f"{PACKAGES}?limit=2")
    Package.objects.filter(id__in=("a", "b", "c")).delete()
    for package_id in ("aa", "bb", "dd"):
        make_package(package_id)
    assert following
    assert walk(engine, following) == [["bb", "d"], ["dd", "e"]]


def test_page_of_nothing(engine: APIClient) -> None:
    assert page(engine, PACKAGES) == ([], None, None)


def test_default_and_most(engine: APIClient) -> None:
    Package.objects.bulk_create(Package(id=f"p{number:03}", type="SKILL_TEST", name="P") for number in range(201))
    sizes = [len(page(engine, PACKAGES + query)[0]) for query in ("", "?limit=200", "?limit=201", "?limit=999999999")]
    assert sizes == [50, 200, 200, 200]


@pytest.mark.parametrize("limit", ["", "0", "-1", "1.5", "x", "1_0", "٣", "1" * 30, "\x00"])
def test_bad_limit(engine: APIClient, limit: str) -> None:
    answer = engine.get(PACKAGES, {"limit": limit})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"code": "invalid", "message": "Send a whole number from 1 to 200.", "field": "limit"}
    ]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "ä",
        "WzAsImEi",
        Cursor(False, ()).encode(),
        Cursor(False, ("a", "b")).encode(),
        Cursor(False, ("a\x00",)).encode(),
        Cursor(False, ("\ud800",)).encode(),
        "WzIsICJhIl0=",  # [2, "a"]
        "WzAsIDFd",  # [0, 1]
        "e30=",  # {}
        "W1tdLCAiYSJd",  # [[], "a"]
        "WzBd" * 50_000,
    ],
)
def test_bad_cursor(engine: APIClient, five: None, cursor: str) -> None:
    answer = engine.get(f"{PACKAGES}?cursor={quote(cursor)}")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "code": "invalid",
            "message": "Use the cursor of a next or previous URL, or omit it to start.",
            "field": "cursor",
        }
    ]


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2020-02-30", "never"])
def test_cursor_beyond_the_calendar(engine: APIClient, instant: str) -> None:
    answer = engine.get(f"/api/vendor/v1/orders?cursor={Cursor(False, (instant, 'ord_x')).encode()}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


def paged(query: dict[str, Any]) -> Any:
    paginator = KeysetPagination()
    rows = paginator.paginate_queryset(
        Package.objects.all(), Request(APIRequestFactory().get("/x", query)), NEWEST_FIRST
    )
    return paginator.get_paginated_response([row.pk for row in rows]).data


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_key_of_two_columns(five: None, limit: int) -> None:
    """Rows with equal times, newest first, appear once in both directions."""
    moments = {"a": 2, "b": 1, "c": 2, "d": 2, "e": 3}
    for package_id, second in moments.items():
        Package.objects.filter(pk=package_id).update(created_at=datetime(2026, 1, 1, 0, 0, second, 123456, UTC))
    body, ids = paged({"limit": limit}), []
    while True:
        ids += body["results"]
        if body["next"] is None:
            break
        body = paged({"limit": limit, "cursor": cursor_of(body["next"])})
    assert ids == ["e", "d", "c", "a", "b"]
    back = body["results"][::-1]
    while body["previous"]:
        body = paged({"limit": limit, "cursor": cursor_of(body["previous"])})
        back += body["results"][::-1]
    assert back == ids[::-1]


def cursor_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["cursor"][0]


def test_a_cursor_that_is_no_moment(five: None) -> None:
    with pytest.raises(UnprocessableError):
        paged({"cursor": Cursor(False, ("yesterday", "a")).encode()})


@given(st.booleans(), st.lists(st.text().filter(str.isprintable), max_size=3))
def test_cursor_there_and_back(is_backwards: bool, values: list[str]) -> None:
    cursor = Cursor(is_backwards, tuple(values))
    assert Cursor.decode(cursor.encode()) == cursor
