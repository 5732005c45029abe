from collections.abc import Callable

import requests

from tests.integrations.simulator.process import API, Caller, Simulator

Breaches = Callable[[], list[str]]


def test_upload_is_an_attachment_and_can_be_fetched(
    simulator: Simulator, customer: Caller, order_id: str, breaches: Breaches
) -> None:
    answer = customer.upload_file(order_id, b"%PDF-1.4\nreport")
    assert answer.status_code == 201
    url = answer.json()["url"]
    assert answer.json() == {"url": url}
    fetched = requests.get(url, timeout=5)
    assert (fetched.content, fetched.headers["Content-Type"]) == (b"%PDF-1.4\nreport", "application/pdf")
    assert simulator.control.get_order(order_id)["result"] == {"attachments": [{"type": "PDF_URL", "url": url}]}
    assert breaches() == []


def test_result_that_forgets_an_upload_drops_it(customer: Caller, order_id: str, breaches: Breaches) -> None:
    customer.upload_file(order_id)
    customer.patch_result(order_id, {"status": "COMPLETED", "attachments": []})
    assert breaches() == ["attachment dropped"]


def test_result_may_forget_an_upload_whose_answer_was_lost(
    simulator: Simulator, customer: Caller, order_id: str, breaches: Breaches
) -> None:
    simulator.control.set_fault("status", status=500, after_effect=True, route="attachment", count=1)
    assert customer.upload_file(order_id).status_code == 500
    assert len(simulator.control.get_order(order_id)["uploads"]) == 1
    customer.patch_result(order_id, {"status": "COMPLETED", "attachments": []})
    assert breaches() == []


def test_same_content_twice_is_a_breach(customer: Caller, order_id: str, breaches: Breaches) -> None:
    for _ in range(2):
        assert customer.upload_file(order_id).status_code == 201
    assert breaches() == ["attachment uploaded twice"]


def test_upload_for_an_inline_order_is_refused(
    simulator: Simulator, customer: Caller, company: str, breaches: Breaches
) -> None:
    [order] = simulator.control.place_orders(company, "on-the-spot", inline=True)
    assert customer.upload_file(order["order_id"]).status_code == 403
    assert breaches() == ["upload for an inline order"]


def test_upload_under_another_name_is_refused_unless_the_setting_says_so(
    simulator: Simulator, customer: Caller, order_id: str, breaches: Breaches
) -> None:
    assert customer.upload_file(order_id, part="attachment").status_code == 400
    assert breaches() == ["upload with other parts"]
    simulator.control.change_settings(upload_part="attachment")
    assert customer.upload_file(order_id, part="attachment").status_code == 201


def test_upload_that_is_no_document_is_refused(customer: Caller, order_id: str, breaches: Breaches) -> None:
    assert customer.upload_file(order_id, b"<html>").status_code == 400
    assert breaches() == ["upload of another type"]


def test_upload_that_is_no_form_is_refused(customer: Caller, order_id: str, breaches: Breaches) -> None:
    answer = customer.call("POST", f"{API}/orders/{order_id}/results/attachment", json={"url": "https://a.example"})
    assert (answer.status_code, breaches()) == (415, ["upload without a form"])


def test_upload_beyond_the_limit_is_413(simulator: Simulator, customer: Caller, order_id: str) -> None:
    simulator.control.change_settings(upload_limit=10)
    assert customer.upload_file(order_id, b"%PDF-1.4\n and more").status_code == 413
