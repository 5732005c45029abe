"""Orders as staff see them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.utils import timezone
from rest_framework.test import APIClient

from integrations.models import AuditEntry, Connection, User
from integrations.outbox.models import Attempt, Delivery, DeliveryState
from orders import attachments, results, scores
from orders.models import Order, Resource, Result
from tests import rows
from tests.orders import bodies

pytestmark = pytest.mark.django_db
LIST = "/admin/orders/order/"
PDF = b"%PDF-1.4\n1 0 obj\nendobj\n%%EOF\n"


def page_of(order: Order) -> str:
    return f"{LIST}{quote(order.pk)}/change/"


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def acts(**filters: Any) -> list[tuple[str, str, str]]:
    return list(AuditEntry.objects.filter(**filters).order_by("pk").values_list("action", "subject", "actor_name"))


@pytest.fixture
def scored(order: Order) -> Order:
    score = {"raw": 28, "min": 20, "max": 80}
    report = {"status": "COMPLETED", "score": score, "score_label": "Promising", "summary": "Solid."}
    return results.report(order.pk, report, by="engine")


@pytest.mark.parametrize(
    ("raw", "low", "high", "said", "percent"),
    [(28, 20, 80, "28/80", 13), (20, 20, 80, "20/80", 0), (80, 20, 80, "80/80", 100), (1, 0, 200, "1/200", 1),
     (-5, -10, 10, "-5/10", 25), (None, None, None, None, None)],
)  # fmt: skip
def test_panel_scores_as_smartrecruiters_shows_them(
    raw: int | None, low: int | None, high: int | None, said: str | None, percent: int | None
) -> None:
    result = Result(score_raw=raw, score_min=low, score_max=high)
    assert (scores.score_text(result), scores.score_percent(result)) == (said, percent)


def test_order_page_shows_the_recruiters_panel(staff_browser: Browser, scored: Order) -> None:
    page = text(staff_browser.get(page_of(scored)))
    for said in (">28/80<", ">13 %<", ">Promising<", "Solid.", "Ada Lovelace", "Reported as completed"):
        assert said in page


def test_order_page_shows_why_a_result_did_not_arrive(staff_browser: Browser, scored: Order) -> None:
    delivery = Delivery.objects.get(subject=scored.pk, kind="result")
    Attempt.objects.create(delivery=delivery, number=1, started_at=timezone.now(), status=422, outcome="fail")
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.FAILED, reason="422 status not allowed")
    page = text(staff_browser.get(page_of(scored)))
    assert "The result is not in SmartRecruiters.</strong> 422 status not allowed" in page
    assert f'href="/admin/outbox/delivery/{delivery.pk}/act/replay/">Send again' in page
    assert "found something wrong with the result (422)" in page


@pytest.mark.parametrize(("minutes", "said"), [(-1, "The next attempt is due."), (9, "Next attempt <time")])
def test_order_page_says_when_the_next_try_is(staff_browser: Browser, scored: Order, minutes: int, said: str) -> None:
    delivery = Delivery.objects.get(subject=scored.pk, kind="result")
    Attempt.objects.create(delivery=delivery, number=1, started_at=timezone.now(), status=503, outcome="pause")
    Delivery.objects.filter(pk=delivery.pk).update(due_at=timezone.now() + timedelta(minutes=minutes))
    page = text(staff_browser.get(page_of(scored)))
    assert f'SmartRecruiters was not available (503)</bdi>. <span class="timeline__next">{said}' in page


def test_order_page_shows_what_was_fetched_of_the_candidate(staff_browser: Browser, order: Order) -> None:
    there = {"state": "there", "content": {"first_name": "Ada", "location": {"city": "Turin"}}}
    Resource.objects.filter(order=order, kind="candidate").update(**there)
    Resource.objects.filter(order=order, kind="job").update(state="none", reason="no access")
    page = text(staff_browser.get(page_of(order)))
    assert "<dt>Location city</dt><dd>Turin</dd>" in page
    assert "Not available: no access" in page


def test_order_page_is_recorded_each_time(staff_browser: Browser, order: Order) -> None:
    staff_browser.get(page_of(order))
    staff_browser.get(page_of(order))
    assert acts(action="order.viewed") == [("order.viewed", order.pk, "stella@vendor.example")] * 2


def test_order_history_says_who_looked(staff_browser: Browser, order: Order) -> None:
    staff_browser.get(page_of(order))
    page = text(staff_browser.get(f"{LIST}{quote(order.pk)}/history/"))
    assert ("stella@vendor.example" in page, ">order.viewed<" in page) == (True, True)


def test_order_is_found_from_its_delivery(staff_browser: Browser, order: Order) -> None:
    delivery = Delivery.objects.filter(subject=order.pk)[0]
    assert f'<a href="{page_of(order)}">{order.pk}</a>' in text(
        staff_browser.get(f"/admin/outbox/delivery/{delivery.pk}/change/")
    )


def test_order_page_of_an_unknown_order_is_not_there(staff_browser: Browser) -> None:
    assert staff_browser.get(f"{LIST}ord_none/change/").status_code == 404


def test_order_page_asks_as_often_for_one_attempt_as_for_many(
    staff_browser: Browser, scored: Order, django_assert_max_num_queries: Any
) -> None:
    staff_browser.get(page_of(scored))
    for number in range(1, 20):
        delivery = Delivery.objects.filter(subject=scored.pk)[number % 3]
        Attempt.objects.create(delivery=delivery, number=number, started_at=timezone.now())
        results.report(scored.pk, {"summary": f"again {number}"}, by="engine", correction="typo")
    with django_assert_max_num_queries(25):
        assert staff_browser.get(page_of(scored)).status_code == 200


def test_order_list_asks_as_often_for_one_row_as_for_many(
    staff_browser: Browser, order: Order, connection: Connection, django_assert_num_queries: Any
) -> None:
    staff_browser.get(LIST)
    with django_assert_num_queries(8) as one:
        staff_browser.get(LIST)
    for _ in range(5):
        bodies.place_order(connection)
    with django_assert_num_queries(len(one)):
        assert staff_browser.get(LIST).status_code == 200


def test_superseded_result_does_not_hide_the_delivered_one(
    staff_browser: Browser, engine: APIClient, scored: Order
) -> None:
    Delivery.objects.filter(kind="result").update(state=DeliveryState.DELIVERED)
    results.enqueue_result(scored)
    Delivery.objects.filter(kind="result", state=DeliveryState.PENDING).update(state=DeliveryState.SUPERSEDED)
    assert engine.get(f"/api/vendor/v1/orders/{scored.pk}").json()["delivery"] == "delivered"
    for query in ("", "?delivery=delivered"):
        page = text(staff_browser.get(LIST + query))
        assert (scored.pk in page, "Superseded" in page) == (True, False)
    assert staff_browser.get(page_of(scored)).context["delivery"].state == "delivered"


def test_order_list_shows_nothing_of_the_candidate(staff_browser: Browser, order: Order) -> None:
    page = text(staff_browser.get(LIST))
    assert (order.pk in page, "Ada" in page, "lovelace" in page) == (True, False, False)


def test_order_search_by_address_keeps_it_out_of_the_url(staff_browser: Browser, order: Order) -> None:
    answer = staff_browser.post(f"{LIST}find/", {"q": " ADA@lovelace.example "})
    assert answer["Location"] == f"{LIST}?id__in={order.pk}"
    assert order.pk in text(staff_browser.get(answer["Location"]))
    assert acts(action="order.searched") == [("order.searched", "candidate's address", "stella@vendor.example")]


def test_order_search_by_an_unknown_address_says_so(staff_browser: Browser, order: Order) -> None:
    answer = staff_browser.post(f"{LIST}find/", {"q": "nobody@mail.example"}, follow=True)
    assert "No order has this email address." in text(answer)


def test_order_search_says_what_it_takes(staff_browser: Browser, order: Order) -> None:
    page = text(staff_browser.get(f"{LIST}?q=Lovelace"))
    assert "The order&#x27;s id, SmartRecruiters&#x27; order id, or the candidate&#x27;s complete" in page
    assert ("0 found · <a" in page, "found ·" in text(staff_browser.get(LIST))) == (True, False)


def test_delivery_list_says_whose_they_are(staff_browser: Browser, order: Order, connection: Connection) -> None:
    page = text(staff_browser.get("/admin/outbox/delivery/"))
    assert (
        f'<td class="field-subject_with_customer">{order.pk}<span class="second">{connection.customer.name}</span></td>'
        in page
    )


def test_order_search_by_either_id(staff_browser: Browser, order: Order) -> None:
    for sought in (order.pk, order.smartrecruiters_order_id):
        answer = staff_browser.post(f"{LIST}find/", {"q": sought})
        assert answer["Location"] == f"{LIST}?q={sought}"
        assert order.pk in text(staff_browser.get(answer["Location"]))
    assert order.pk not in text(staff_browser.get(f"{LIST}?q=ord_other"))


@pytest.mark.parametrize(
    ("query", "is_found"),
    [("status=COMPLETED", True), ("status=PENDING", False), ("delivery=pending", True), ("delivery=none", False),
     ("delivery=failed", False), ("kind=ordinary", True), ("kind=inline", False), ("package__id__exact=skills", True)],
)  # fmt: skip
def test_order_filters(staff_browser: Browser, scored: Order, query: str, is_found: bool) -> None:
    assert (scored.pk in text(staff_browser.get(f"{LIST}?{query}"))) == is_found


def test_order_filter_by_customer(staff_browser: Browser, order: Order, other_connection: Connection) -> None:
    assert order.pk in text(staff_browser.get(LIST, {"customer": order.connection.customer_id}))
    assert order.pk not in text(staff_browser.get(LIST, {"customer": other_connection.customer_id}))


def test_order_without_a_report_is_found_as_pending(staff_browser: Browser, order: Order) -> None:
    assert order.pk in text(staff_browser.get(f"{LIST}?status=PENDING"))


def test_order_is_accepted_by_staff(staff_browser: Browser, order: Order) -> None:
    assert "no engine can lease it" in text(staff_browser.get(f"{LIST}{order.pk}/act/accept/"))
    order.refresh_from_db()
    assert order.accepted_at is None
    assert staff_browser.post(f"{LIST}{order.pk}/act/accept/")["Location"] == page_of(order)
    order.refresh_from_db()
    assert order.accepted_at is not None
    assert acts(action="order.accepted") == [("order.accepted", order.pk, "stella@vendor.example")]


def report(staff_browser: Browser, order: Order, **fields: Any) -> Any:
    return staff_browser.post(f"{LIST}{order.pk}/report/", fields)


def test_order_is_reported_by_staff(staff_browser: Browser, order: Order, staff: User) -> None:
    upload = SimpleUploadedFile("report.pdf", PDF, "application/pdf")
    answer = report(
        staff_browser,
        order,
        status="COMPLETED",
        score_raw="28",
        score_min="20",
        score_max="80",
        summary="Solid.",
        report=upload,
    )
    assert answer["Location"] == page_of(order)
    order.refresh_from_db()
    result = Result.objects.values("assessment_id", "status", "score_raw", "score_min", "score_max", "summary").get()
    assert (order.status, result) == (
        "COMPLETED",
        {
            "assessment_id": "",
            "status": "COMPLETED",
            "score_raw": 28,
            "score_min": 20,
            "score_max": 80,
            "summary": "Solid.",
        },
    )
    assert [(a.name, a.size) for a in order.attachments.all()] == [("report.pdf", len(PDF))]
    assert [e.by for e in order.events.all()[:2]] == [staff.email, staff.email]
    assert Delivery.objects.filter(subject=order.pk, kind="result", state="pending").count() == 1
    assert acts(action="order.reported") == [("order.reported", order.pk, staff.email)]


def test_order_is_reported_for_one_assessment(staff_browser: Browser, order: Order) -> None:
    report(staff_browser, order, part="logic", status="IN_PROGRESS")
    assert list(Result.objects.values_list("assessment_id", "status")) == [("logic", "IN_PROGRESS")]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Fill in at least one field."),
        ({"score_raw": "3"}, "Enter the score, the lowest and the highest score."),
        ({"score_raw": "90", "score_min": "20", "score_max": "80"}, "between the lowest and the highest"),
        ({"score_raw": "1", "score_min": "1", "score_max": "1"}, "between the lowest and the highest"),
        ({"score_raw": "2.5", "score_min": "1", "score_max": "3"}, "Enter a whole number."),
        ({"part": "swimming", "status": "COMPLETED"}, "Select a valid choice"),
    ],
)
def test_order_report_that_is_wrong_is_refused(
    staff_browser: Browser, order: Order, fields: dict[str, str], said: str
) -> None:
    assert said in text(report(staff_browser, order, **fields))
    assert not Result.objects.exists()


def test_order_report_with_a_strange_file_keeps_nothing(staff_browser: Browser, order: Order) -> None:
    answer = report(staff_browser, order, status="COMPLETED", report=SimpleUploadedFile("report.pdf", b"MZ no pdf"))
    assert "The file is not a PDF, PNG or JPEG." in text(answer)
    assert (Result.objects.exists(), order.attachments.exists()) == (False, False)


def test_order_report_after_the_end_needs_a_reason(staff_browser: Browser, scored: Order) -> None:
    assert "This change is a correction: enter the reason." in text(report(staff_browser, scored, score_label="Great"))
    assert report(staff_browser, scored, score_label="Great", correction="a typo").status_code == 302
    assert Result.objects.get().score_label == "Great"


def test_order_report_is_not_for_viewers(scored: Order) -> None:
    browser = Browser()
    browser.force_login(rows.make_user(None, "vic@vendor.example", role="viewer"))
    assert "Report a result" not in text(browser.get(page_of(scored)))
    assert report(browser, scored, status="EXPIRED").status_code == 403


def test_order_attachment_opens_without_its_link(staff_browser: Browser, order: Order) -> None:
    attachment, _ = attachments.add_file(order.pk, PDF, name="report.pdf", by="engine")
    page = text(staff_browser.get(page_of(order)))
    url = f"{LIST}{order.pk}/attachments/{attachment.pk}/"
    assert (url in page, attachment.link_token in page) == (True, False)
    answer = staff_browser.get(url)
    assert (answer.content, answer["Content-Type"]) == (PDF, "application/pdf")
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    attachment.refresh_from_db()
    assert attachment.opened_count == 0
    assert acts(action="order.report_opened") == [("order.report_opened", order.pk, "stella@vendor.example")]


def test_order_of_an_erased_candidate_takes_no_report(staff_browser: Browser, order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(erased_at=timezone.now(), candidate_email="", candidate_first_name="")
    page = text(staff_browser.get(page_of(order)))
    assert ("Erased <time" in page, "Report a result" in page) == (True, False)


def test_panel_shows_a_result_while_it_is_typed_and_stores_nothing(staff_browser: Browser, order: Order) -> None:
    typed = {"status": "COMPLETED", "score_raw": "28", "score_min": "20", "score_max": "80", "score_label": "Promising"}
    panel = text(staff_browser.post(f"{LIST}{quote(order.pk)}/report/preview/", typed))
    for said in (">28/80<", ">13 %<", "from 20 to 80", ">Promising<"):
        assert said in panel
    order.refresh_from_db()
    assert (order.status, order.results.count()) == ("", 0)


def test_panel_is_shown_by_a_button_where_no_script_runs(staff_browser: Browser, order: Order) -> None:
    [button] = re.findall("<noscript.*?</noscript>", text(staff_browser.get(page_of(order))))
    assert 'name="look"' in button
    typed = {"status": "COMPLETED", "score_raw": "28", "score_min": "20", "score_max": "80", "summary": "Solid."}
    page = text(report(staff_browser, order, **typed, look="yes"))
    for said in (">28/80<", ">13 %<", "Nothing has been reported yet", 'name="score_raw" value="28"', "Solid."):
        assert said in page
    order.refresh_from_db()
    assert (order.status, order.results.count(), Delivery.objects.filter(kind="result").count()) == ("", 0, 0)
    wrong = text(report(staff_browser, order, **{**typed, "score_raw": "90"}, look="yes"))
    assert ("between the lowest and the highest" in wrong, ">90/80<" in wrong) == (True, False)


def test_panel_leaves_out_what_is_not_right_yet(staff_browser: Browser, order: Order) -> None:
    panel = text(
        staff_browser.post(f"{LIST}{quote(order.pk)}/report/preview/", {"score_raw": "90", "score_label": "So far"})
    )
    assert "So far" in panel
    assert "90" not in panel


def test_order_page_mends_a_result_that_failed_and_says_by_whom(
    staff_browser: Browser, scored: Order, staff: User
) -> None:
    """From the order and back to it: the failure message, a confirmation page, and the timeline entry."""
    delivery = Delivery.objects.get(subject=scored.pk, kind="result")
    said = '422: {"errors": [{"message": "The order is closed."}]}'
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.FAILED, reason=said)
    wrong = "SmartRecruiters found something wrong with the result (422): “The order is closed”"
    assert f"The result is not in SmartRecruiters.</strong> {wrong}" in text(staff_browser.get(page_of(scored)))
    answer = staff_browser.post(f"/admin/outbox/delivery/{delivery.pk}/act/replay/", follow=True)
    assert answer.redirect_chain[-1][0] == page_of(scored)
    page = text(answer)
    assert "It is being sent again." in page
    assert "The result is sent again manually" in page
    assert f"· {staff.email}" in page
    assert "The result is not in SmartRecruiters." not in page


def test_order_page_offers_to_try_at_once_what_waits_after_a_failure(staff_browser: Browser, scored: Order) -> None:
    delivery = Delivery.objects.get(subject=scored.pk, kind="result")
    late = timezone.now() + timedelta(hours=2)
    Delivery.objects.filter(pk=delivery.pk).update(failures=5, due_at=late, reason="503")
    page = text(staff_browser.get(page_of(scored)))
    assert "SmartRecruiters was not available (503). Next attempt <time" in page
    assert f'href="/admin/outbox/delivery/{delivery.pk}/act/hurry/">Try again now' in page


def test_order_page_shows_every_hops_request_and_answer(staff_browser: Browser, scored: Order) -> None:
    results.report(scored.pk, {"summary": "More."}, by="engine", correction="it was too short")
    page = text(staff_browser.get(page_of(scored)))
    for said in (
        "POST /smartrecruiters/packages/orders → 202",
        f"PATCH /api/vendor/v1/orders/{scored.pk}/result → 200",
        "<dt>What changed</dt><dd>summary</dd> <dt>Why it was corrected</dt><dd>it was too short</dd>".replace(
            "</dd> <dt>", "</dd><dt>"
        ),
        "<dt>Candidate email</dt><dd>ada@lovelace.example</dd>",
    ):
        assert said in page


def test_order_page_shows_viewers_the_way_without_what_was_said(scored: Order) -> None:
    viewer = Browser()
    viewer.force_login(rows.make_user(None, "vera@vendor.example", role="viewer"))
    page = text(viewer.get(page_of(scored)))
    assert "Reported as completed" in page
    assert [word for word in ("Ada", "lovelace", "28/80", "Solid.", "Request and response") if word in page] == []
