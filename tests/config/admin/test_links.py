"""Admin's own links lead somewhere: Django quotes ids in them."""

import re

import pytest
from django.test import Client as Browser

from integrations.models import Connection, User
from orders.models import Order
from tests import rows


@pytest.fixture
def browser(staff: User) -> Browser:
    browser = Browser()
    browser.force_login(staff)
    return browser


@pytest.mark.parametrize("order_id", ["ord_29qa84i8pt4pgegq9936", "ord_26qa84i8pt4pgegq9936"])
def test_links_of_an_order_lead_to_it(browser: Browser, connection: Connection, order_id: str) -> None:
    url = "https://api.smartrecruiters.com/assessment-api/v202010/orders/0b8e3c2e/results"
    order = Order(pk=order_id, connection=connection, package=rows.make_package(), result_callback_url=url)
    order.link_token = "a-link"
    order.save()
    changelist = browser.get("/admin/orders/order/").content.decode()
    [link] = re.findall(rf'href="(/admin/orders/order/[^"/]+/change/)[^"]*">{order_id}<', changelist)
    page = browser.get(link)
    assert page.status_code == 200
    for way in re.findall(r'href="(/admin/[^"?]+)"', page.content.decode()):
        assert browser.get(way, follow=True).status_code == 200, way


def test_links_of_an_engine_lead_somewhere(browser: Browser) -> None:
    client, _ = rows.make_client()
    page = browser.get(f"/admin/integrations/client/{client.pk}/change/").content.decode()
    for way in re.findall(r'href="(/admin/[^"?]+)"', page):
        assert browser.get(way, follow=True).status_code == 200, way


@pytest.mark.parametrize("app", ["orders", "outbox", "integrations", "assessments"])
def test_page_of_an_app_lists_what_it_holds(browser: Browser, app: str) -> None:
    page = browser.get(f"/admin/{app}/")
    assert page.status_code == 200
    assert page.templates[0].name != "admin/index.html"
    assert "Needs attention" not in page.content.decode()
    assert "Nothing needs attention" not in page.content.decode()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("orders/order/", "Orders appear here when recruiters of a connected customer place them."),
        ("orders/order/?status=COMPLETED", "No matches."),
        ("outbox/stream/?q=nothing", "No matches."),
        ("integrations/customer/", "Add a customer here, then invite"),
        ("integrations/webhook/", "How to register an endpoint and verify messages"),
    ],
)
def test_list_of_nothing_says_what_will_stand_there(browser: Browser, address: str, said: str) -> None:
    page = browser.get(f"/admin/{address}")
    assert page.status_code == 200
    assert said in page.content.decode()
