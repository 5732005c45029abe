"""The orders of an organisation, for its members."""

from typing import Any

import pytest
from django.test import Client as Browser

from assessments.models import Package
from integrations.models import AuditEntry, Connection, User
from integrations.outbox.models import Delivery
from orders import attachments, results, search_terms
from orders.models import Attachment, Order
from orders.views import customer
from tests.orders.bodies import place_order
from tests.orders.test_attachments import PDF

pytestmark = pytest.mark.django_db


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_orders_of_a_stranger_lead_to_sign_in(client: Browser) -> None:
    assert client.get("/orders")["Location"] == "/accounts/login/?next=/orders"


def test_orders_show_candidate_package_and_status(client: Browser, alice: User, order: Order) -> None:
    client.force_login(alice)
    page = text(client.get("/orders"))
    assert "Ada Lovelace" in page
    assert order.package.name in page
    assert "Pending" in page


def test_orders_of_another_customer_are_not_shown(client: Browser, charlie: User, order: Order) -> None:
    client.force_login(charlie)
    page = text(client.get("/orders"))
    assert "Ada" not in page
    assert "No orders yet" in page


def test_orders_of_staff_are_in_admin(client: Browser, staff: User) -> None:
    client.force_login(staff)
    assert client.get("/orders")["Location"] == "/admin/orders/order/"


def test_orders_take_the_same_number_of_queries_for_one_and_three(
    client: Browser,
    alice: User,
    order: Order,
    connection: Connection,
    package: Package,
    django_assert_num_queries: Any,
) -> None:
    client.force_login(alice)
    client.get("/orders")
    with django_assert_num_queries(10):
        client.get("/orders")
    place_order(connection)
    place_order(connection)
    with django_assert_num_queries(10):
        client.get("/orders")


def score(order: Order, **columns: Any) -> None:
    report = {"status": "COMPLETED", "score": {"raw": 28, "min": 20, "max": 80}, "score_label": "Good"}
    results.report(order.pk, {**report, **columns}, by="engine")


def test_orders_show_score_and_where_the_result_is(client: Browser, alice: User, order: Order) -> None:
    score(order)
    client.force_login(alice)
    page = text(client.get("/orders"))
    assert "<strong>28/80</strong>" in page
    assert "13 % of 20 to 80" in page
    assert [word in page for word in ("Good", "Completed", "Waiting")] == [True] * 3


@pytest.mark.parametrize("sought", ["lovel", "Ada LOVELACE", "ada@lovelace.example", "{id}", "{sr}"])
def test_orders_are_found_by_candidate_or_id(client: Browser, alice: User, order: Order, sought: str) -> None:
    place_order(order.connection, candidate={"id": "2", "email": "grace@hopper.example", "firstName": "Grace"})
    client.force_login(alice)
    sought = sought.format(id=order.pk, sr=order.smartrecruiters_order_id)
    page = text(client.post("/orders", {"q": sought}, follow=True))
    assert ("Lovelace" in page, "Grace" in page) == (True, False)


def test_orders_are_narrowed_by_status_and_company(client: Browser, alice: User, order: Order) -> None:
    client.force_login(alice)
    score(place_order(order.connection, candidate={"id": "2", "email": "grace@hopper.example", "firstName": "Grace"}))

    def shown(**query: str) -> tuple[bool, bool]:
        page = text(client.get("/orders", query))
        return "Lovelace" in page, "Grace" in page

    assert shown(status="PENDING") == (True, False)
    assert shown(status="COMPLETED") == (False, True)
    assert shown(company="northwind") == (True, True)
    assert "No matches" in text(client.get("/orders", {"company": "harbour-clinics"}))


def test_orders_come_in_pages_that_keep_the_search(
    client: Browser, alice: User, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer, "PAGE_SIZE", 1)
    place_order(order.connection)
    client.force_login(alice)
    page = text(client.post("/orders", {"q": "lovelace", "page": "2"}, follow=True))
    assert "2 to 2 of 2" in page
    assert 'form="narrow" name="page" value="1"' in page
    assert 'name="q" type="search" value="lovelace"' in page


def test_search_leads_to_an_address_without_its_words_that_shows_it_again(
    client: Browser, alice: User, order: Order
) -> None:
    place_order(order.connection, candidate={"id": "2", "email": "grace@hopper.example", "firstName": "Grace"})
    client.force_login(alice)
    went = [client.post("/orders", {"q": words}) for words in ("lovelace", "grace")]
    addresses = [(answer.status_code, answer["Location"]) for answer in went]
    assert addresses == [(302, "/orders?search=1"), (302, "/orders?search=2")]
    shown = [text(client.get(f"/orders?search={number}")) for number in (1, 2, 1)]
    assert ["Ada Lovelace" in page for page in shown] == [True, False, True]
    assert client.post("/orders", {"q": " ", "status": "PENDING"})["Location"] == "/orders?status=PENDING"
    assert client.post("/orders", {"q": ""})["Location"] == "/orders"


@pytest.mark.parametrize("name", ["status", "company", "page"])
def test_search_leads_nowhere_with_what_nobody_could_choose(
    client: Browser, alice: User, order: Order, name: str
) -> None:
    """A proxy rejects a response with a URL of 4 KB: 502."""
    client.force_login(alice)
    chosen = {"status": "EXPIRED", "company": order.connection.company_id, "page": "2"}
    told = client.post("/orders", chosen).headers["Location"]
    assert told == f"/orders?status=EXPIRED&company={order.connection.company_id}&page=2"
    assert "x" * 9 not in client.post("/orders", chosen | {name: "x" * 4000}).headers["Location"]


def test_words_of_a_search_are_the_sessions_own_and_sealed(client: Browser, alice: User, order: Order) -> None:
    client.force_login(alice)
    for number in range(30):
        client.post("/orders", {"q": f"lovelace {number}"})
    kept = client.session[search_terms.SESSION_KEY]
    assert list(kept) == [str(number) for number in range(11, 31)]
    assert "lovelace" not in str(kept)
    assert "All orders</a>" not in text(client.get("/orders?search=1"))
    other = Browser()
    other.force_login(alice)
    assert "lovelace" not in text(other.get("/orders?search=30")).replace("ada@lovelace.example", "")


@pytest.fixture
def attached(order: Order) -> Attachment:
    return attachments.add_file(order.pk, PDF, name="report.pdf", by="engine")[0]


def test_report_is_read_by_administrators_of_its_own_organisation(
    client: Browser, alice: User, bob: User, charlie: User, attached: Attachment
) -> None:
    path = f"/orders/{attached.order_id}/reports/{attached.pk}"
    answers = []
    for person in (alice, bob, charlie):
        client.force_login(person)
        answers.append(client.get(path).status_code)
        links = text(client.get("/orders")).count(f'href="{path}"')
        assert links == (1 if person is alice else 0)
    assert answers == [200, 403, 404]
    entry = AuditEntry.objects.get(action="order.report_opened")
    assert (entry.actor, entry.subject) == (alice, attached.order_id)


def test_report_comes_as_a_download_that_runs_nothing(client: Browser, alice: User, attached: Attachment) -> None:
    client.force_login(alice)
    answer = client.get(f"/orders/{attached.order_id}/reports/{attached.pk}")
    assert answer.content == PDF
    assert answer["Content-Disposition"] == 'attachment; filename="report.pdf"'
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_report_of_an_erased_candidate_is_gone(client: Browser, alice: User, attached: Attachment) -> None:
    Order.objects.update(erased_at=attached.created_at)
    client.force_login(alice)
    assert client.get(f"/orders/{attached.order_id}/reports/{attached.pk}").status_code == 404


def test_home_says_what_came_and_went_last_and_what_does_not_get_through(
    client: Browser, alice: User, order: Order
) -> None:
    client.force_login(alice)
    assert "none yet" in text(client.get("/"))
    score(order)
    result = Delivery.objects.get(kind="result")
    for state, columns, said in (
        ("pending", {}, "1 waiting"),
        ("pending", {"failures": 1}, "1 result is waiting."),
        ("failed", {}, "1 result did not reach SmartRecruiters."),
        ("delivered", {"finished_at": order.created_at}, "just now"),
    ):
        Delivery.objects.filter(pk=result.pk).update(state=state, **columns)
        assert said in text(client.get("/"))


def test_disconnecting_says_whom_it_meets(client: Browser, alice: User, order: Order) -> None:
    client.force_login(alice)
    page = text(client.get("/connections/northwind/disconnect"))
    assert "1 candidate has not finished. Their links keep working" in page
