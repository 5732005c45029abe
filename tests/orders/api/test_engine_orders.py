"""Orders in the engine's API."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from integrations.models import Connection
from orders import attachments, leases, results
from orders.models import Order
from tests import rows
from tests.orders import bodies

pytestmark = pytest.mark.django_db
ORDERS = "/api/vendor/v1/orders"


def ids(engine: APIClient, **query: Any) -> list[str]:
    answer = engine.get(ORDERS, query)
    assert answer.status_code == 200
    assert list(answer.json()) == ["results", "next", "previous"]
    return [order["id"] for order in answer.json()["results"]]


def written(at: Any) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"


def test_order_has_exactly_this_shape(engine: APIClient, order: Order, connection: Connection) -> None:
    order.refresh_from_db()
    take = f"{settings.PUBLIC_URL}/take/{order.link_token}"
    assert engine.get(f"{ORDERS}/{order.pk}").json() == {
        "id": order.pk,
        "smartrecruiters_order_id": order.smartrecruiters_order_id,
        "company_id": "northwind",
        "customer": connection.customer_id,
        "package": "skills",
        "inline": False,
        "created_at": written(order.created_at),
        "updated_at": written(order.updated_at),
        "candidate": {
            "id": "cand-1",
            "email": "ada@lovelace.example",
            "first_name": "Ada",
            "last_name": "Lovelace",
            "language": "en",
        },
        "requester": {"user_id": "user-1", "email": "ruth@northwind.example"},
        "job_id": "job-1",
        "fields": {},
        "accepted_at": None,
        "lease_expires_at": None,
        "launch_url": None,
        "take_url": take,
        "return_url": take + "/done",
        "status": "PENDING",
        "delivery": "none",
        "result": {
            "status": "PENDING",
            "assessment_package_date": None,
            "submission_date": None,
            "name": None,
            "summary": None,
            "score_label": None,
            "score": None,
            "assessment_results": [],
        },
        "attachments": [],
    }


def test_inline_order_has_no_candidate_id_and_no_requester(engine: APIClient, package: Any, connection: Any) -> None:
    order = bodies.place_order(connection, **bodies.INLINE, job=None, fields={"a": "b"})
    body = engine.get(f"{ORDERS}/{order.pk}").json()
    candidate = {"id": None, "email": "ada@lovelace.example", "first_name": "Ada", "last_name": "Lovelace"}
    assert body["candidate"] == candidate | {"language": None}
    assert (body["inline"], body["requester"], body["job_id"], body["fields"]) == (True, None, None, {"a": "b"})


def test_list_is_newest_first_and_paged(engine: APIClient, order: Order, connection: Connection) -> None:
    made = [order.pk, *(bodies.place_order(connection).pk for _ in range(4))][::-1]
    assert ids(engine) == made
    answer = engine.get(ORDERS, {"limit": 2})
    found = [row["id"] for row in answer.json()["results"]]
    bodies.place_order(connection)
    while answer.json()["next"]:
        answer = engine.get(answer.json()["next"].removeprefix(settings.PUBLIC_URL))
        found += [row["id"] for row in answer.json()["results"]]
    assert found == made


def test_list_is_filtered(
    engine: APIClient, order: Order, connection: Connection, other_connection: Connection
) -> None:
    other = bodies.place_order(other_connection)
    done = bodies.place_order(connection)
    results.report(done.pk, {"status": "COMPLETED"}, by="engine")
    results.report(other.pk, {"status": "PENDING"}, by="engine")
    assert ids(engine, status="PENDING") == [other.pk, order.pk]
    assert ids(engine, status="COMPLETED") == [done.pk]
    assert ids(engine, customer=other_connection.customer_id) == [other.pk]
    assert ids(engine, customer="cus_nobody") == []
    assert ids(engine, smartrecruiters_order_id=order.smartrecruiters_order_id) == [order.pk]
    assert ids(engine, status="", customer="", smartrecruiters_order_id="", updated_after="") == [
        done.pk,
        other.pk,
        order.pk,
    ]
    assert ids(engine, status="COMPLETED", customer=other_connection.customer_id) == []


def test_updated_after_is_exclusive(engine: APIClient, order: Order, connection: Connection) -> None:
    other = bodies.place_order(connection)
    leases.accept_order(order.pk, by="engine")
    changed = engine.get(f"{ORDERS}/{order.pk}").json()["updated_at"]
    assert ids(engine, updated_after=changed) == []
    assert ids(engine, updated_after=written(other.updated_at)) == [order.pk]
    assert ids(engine, updated_after="2020-01-01T00:00:00+01:00") == [other.pk, order.pk]


@pytest.mark.parametrize(
    "instant",
    [
        "2019-12-31T23:30:00Z",
        "2019-12-31t23:30:00z",
        "2019-12-31T23:30:00.5z",
        "2020-01-01t00:30:00%2B01:00",
        "2020-01-01T00:30:00+01:00",
        "2020-01-01T00:30:00+0100",
        "2020-01-01T00:30:00+01",
        "2020-01-01T00:30:00.123456+01:00",
        "2020-01-01T00:30:00%2001:00",
        "2019-12-31T22:30:00-01:00",
        "2019-12-31T23:30:00.000000000Z",
    ],
)
def test_updated_after_is_read_as_it_is_often_written(
    engine: APIClient, order: Order, connection: Connection, instant: str
) -> None:
    """A + that is not written as %2B arrives as a space; T and Z may be lower case."""
    older, newer = order, bodies.place_order(connection)
    Order.objects.filter(pk=older.pk).update(updated_at="2019-12-31T23:29:59Z")
    Order.objects.filter(pk=newer.pk).update(updated_at="2019-12-31T23:30:01Z")
    answer = engine.get(f"{ORDERS}?updated_after={instant}")
    assert (answer.status_code, [each["id"] for each in answer.json()["results"]]) == (200, [newer.pk])


def test_next_page_keeps_an_offset_with_a_bare_plus(engine: APIClient, order: Order, connection: Connection) -> None:
    other = bodies.place_order(connection)
    page = engine.get(f"{ORDERS}?limit=1&updated_after=2020-01-01T00:30:00+01:00").json()
    following = engine.get(page["next"].removeprefix(settings.PUBLIC_URL)).json()
    assert [each["id"] for each in (*page["results"], *following["results"])] == [other.pk, order.pk]


def test_every_change_moves_updated_at(engine: APIClient, order: Order) -> None:
    def at() -> str:
        moved: str = engine.get(f"{ORDERS}/{order.pk}").json()["updated_at"]
        return moved

    seen = [at()]
    for act in (
        lambda: leases.accept_order(order.pk, launch_url="https://e.example/", by="engine"),
        lambda: results.report(order.pk, {"summary": "x"}, by="engine"),
        lambda: attachments.add_url(order.pk, "https://e.example/1", type="PDF_URL", by="engine"),
    ):
        act()
        seen.append(at())
    assert sorted(set(seen)) == seen


def test_empty_query_does_not_count(engine: APIClient, order: Order) -> None:
    answer = engine.get(f"{ORDERS}?status=&customer=&smartrecruiters_order_id=&updated_after=")
    assert [each["id"] for each in answer.json()["results"]] == [order.pk]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "DONE"}, "status"),
        ({"updated_after": "yesterday"}, "updated_after"),
        ({"updated_after": "2020-01-01T00:00:00"}, "updated_after"),
        ({"updated_after": "2020-01-01 00:00:00 01:00"}, "updated_after"),
        ({"updated_after": "2020-01-01T00:00:00 1:00"}, "updated_after"),
        ({"limit": "x"}, "limit"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_wrong_query_is_refused(engine: APIClient, order: Order, query: dict[str, str], field: str) -> None:
    answer = engine.get(ORDERS, query)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])


def test_list_takes_as_many_queries_for_three_as_for_one(
    engine: APIClient, order: Order, connection: Connection, other_connection: Connection
) -> None:
    ids(engine)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(database) as queries:
            ids(engine)
        counts.append(len(queries))
        for where in (connection, other_connection):
            made = bodies.place_order(where)
            results.report(made.pk, {"assessment_results": [{"assessment_id": "logic", "name": "x"}]}, by="engine")
            attachments.add_url(made.pk, "https://e.example/1", type="PDF_URL", by="engine")
    assert counts == [4, 4]  # the audit entry, for all of them


def test_erased_order_is_gone_everywhere(engine: APIClient, order: Order) -> None:
    Order.objects.update(erased_at=timezone.now())
    address = f"{ORDERS}/{order.pk}"
    calls = [
        engine.get(address),
        engine.post(f"{address}/accept", {}),
        engine.patch(f"{address}/result", {}),
        engine.post(f"{address}/result/preview", {}),
        engine.post(f"{address}/attachments", {"type": "PDF_URL", "url": "https://e.example/1"}),
        engine.delete(f"{address}/attachments/att_x"),
        *(engine.get(f"{address}/{part}") for part in ("candidate", "job", "hiring-team", "timeline")),
    ]
    assert {(answer.status_code, answer.json()["title"]) for answer in calls} == {(410, "Gone")}
    assert ids(engine) == []


ROUTES = [
    ("GET", ""),
    ("POST", "/lease"),
    ("GET", "/ord_x"),
    ("POST", "/ord_x/accept"),
    ("PATCH", "/ord_x/result"),
    ("POST", "/ord_x/result/preview"),
    ("POST", "/ord_x/attachments"),
    ("DELETE", "/ord_x/attachments/att_x"),
    ("GET", "/ord_x/candidate"),
    ("GET", "/ord_x/job"),
    ("GET", "/ord_x/hiring-team"),
    ("GET", "/ord_x/timeline"),
]


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_route_is_for_engines_alone(
    api: Any, connection: Connection, engine: APIClient, method: str, route: str
) -> None:
    def ask(client: APIClient, address: str) -> tuple[int, str]:
        answer = client.generic(method, address, "{}" if method != "GET" else "", "application/json")
        return answer.status_code, answer["Content-Type"]

    problem = "application/problem+json"
    assert ask(api(None), ORDERS + route) == (401, problem)
    assert ask(api("x"), ORDERS + route) == (401, problem)
    assert ask(api(rows.make_token(connection)), ORDERS + route) == (403, problem)
    wanted = (200, "application/json") if route in ("", "/lease") else (404, problem)
    assert [ask(engine, ORDERS + route + slash) for slash in ("", "/")] == [wanted] * 2


def test_timeline_is_newest_first(engine: APIClient, order: Order) -> None:
    leases.accept_order(order.pk, by="engine")
    lines = engine.get(f"{ORDERS}/{order.pk}/timeline").json()["results"]
    assert {frozenset(line) for line in lines} == {frozenset(("at", "hop", "what", "by", "detail"))}
    assert [line["at"] for line in lines] == sorted((line["at"] for line in lines), reverse=True)
    assert (lines[0]["hop"], lines[0]["what"], lines[0]["by"]) == ("engine", "Accepted", "engine")
    assert (lines[-1]["hop"], lines[-1]["what"]) == ("in", "Ordered: Package skills")
    assert timezone.now() - order.created_at < timedelta(minutes=1)
