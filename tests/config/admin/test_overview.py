"""Staff's overview: issues, charts, setup checklist."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client as Browser
from django.utils.formats import date_format

from config.admin import overview, setup_checklist
from config.monitoring import degradations
from integrations.connections import partner_configuration
from integrations.models import (
    AuditEntry,
    Client,
    Connection,
    ConnectionState,
    Incident,
    IncidentKind,
    PartnerConfiguration,
    User,
)
from integrations.oauth import engine_clients
from integrations.outbox import clock, deliveries, statistics
from integrations.outbox.models import Delivery, DeliveryState, Heartbeat, Priority, Stream
from integrations.outbox.scheduling.watchdog import HeartbeatRecorder, Watchdog
from integrations.webhooks import endpoints
from orders.models import Order, Reconciliation
from orders.statistics import count_daily_orders
from tests import rows
from tests.orders import bodies

pytestmark = pytest.mark.django_db


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def done() -> str:
    """Return a letter for each step done: Address, Pair, pUblished, pacKages, Engine, Mail, Customer, Live."""
    return "".join(
        letter for letter, step in zip("apukemcl", setup_checklist.list_steps(), strict=True) if step.is_done
    )


def failed(key: str, reason: str, state: str = DeliveryState.FAILED) -> None:
    row = deliveries.enqueue("result", stream="connection:7", key=key, payload={})
    Delivery.objects.filter(pk=row.pk).update(state=state, reason=reason)


def test_dashboard_of_an_empty_portal_says_what_to_do(staff_browser: Browser, settings: Any) -> None:
    settings.SMARTRECRUITERS_CLIENT_ID = ""
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert done() == ""
    page = text(staff_browser.get("/admin/"))
    assert "Setup for your first customer: 0 of 8 steps done" in page
    assert "Nothing needs attention" in page


def test_dashboard_checklist_fills_step_by_step(alice: User, settings: Any) -> None:
    settings.SMARTRECRUITERS_CLIENT_ID = ""
    assert done() == "mc"
    row = PartnerConfiguration.load()
    row.master_client_secret = "x"
    row.published = partner_configuration.redact_key(partner_configuration.build_document(row), row.disable_key)
    row.save()
    assert done() == "pumc"
    rows.make_package("skills")
    assert done() == "pukmc"
    engine_clients.create_client("production")
    assert done() == "pukemc"
    rows.make_connection(alice.customers.get())
    assert done() == "pukemcl"
    settings.IS_LOOPBACK = False
    assert done() == "apukemcl"


def test_dashboard_checklist_is_of_tasks_and_leads_to_where_they_are_done(
    staff_browser: Browser, settings: Any
) -> None:
    settings.SMARTRECRUITERS_CLIENT_ID = ""
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    page = text(staff_browser.get("/admin/"))
    for said in (
        "SmartRecruiters cannot reach http://localhost:8000.",
        '/change/#id_master_client_id">Enter the master credentials</a>',
        '/change/">Publish the configuration</a>',
        "Emails are written to the log and not sent: no mail server is set (EMAIL_URL).",
    ):
        assert said in page
    assert 'id="id_master_client_id"' in text(staff_browser.get(setup_checklist.list_steps()[1].url))
    for step in setup_checklist.list_steps():
        assert staff_browser.get(step.url, follow=True).status_code == 200


def test_dashboard_checklist_wants_no_engine_where_staff_do_it(db: None) -> None:
    rows.make_package("references", "REFERENCE_CHECK", delivery="manual")
    assert "e" in done()


def test_dashboard_checklist_sees_that_the_configuration_changed_since(db: None) -> None:
    row = PartnerConfiguration.load()
    row.published = partner_configuration.redact_key(partner_configuration.build_document(row), row.disable_key)
    row.save()
    assert "u" in done()
    row.offers_inline = False
    row.save()
    assert "u" not in done()


def test_dashboard_checklist_names_the_demo_accounts_of_a_portal_that_others_reach(
    staff_browser: Browser, settings: Any
) -> None:
    def list_named() -> list[str]:
        return [step.instructions for step in setup_checklist.list_steps() if step.title == "Remove the demo accounts"]

    call_command("seed_demo", "--json", stdout=StringIO())
    assert list_named() == []
    settings.IS_LOOPBACK = False
    people = ["admin@demo.example", "ana@northwind.demo.example", "ben@harbour.demo.example"]
    said = "They can sign in: {}. Deactivate these people, and revoke the engine’s access."
    assert list_named() == [said.format(", ".join([*people, "demo-engine"]))]
    assert said.format(", ".join([*people, "demo-engine"])) in text(staff_browser.get("/admin/"))
    User.objects.filter(email=people[1]).update(is_active=False)
    Client.objects.filter(client_id="demo-engine").update(revoked_at=clock.now())
    assert list_named() == [said.format(f"{people[0]}, {people[2]}")]
    User.objects.filter(email__endswith="demo.example").delete()
    assert list_named() == []


def test_dashboard_shows_what_needs_a_hand(staff_browser: Browser, connection: Connection) -> None:
    Connection.objects.update(state=ConnectionState.NEEDS_RECONNECT, reason="Their pair was refused.")
    deliveries.hold_stream("master", "The master pair was refused.")
    deliveries.hold_stream(connection.stream_name, "The connection needs a reconnect.")
    for key in "abc":
        failed(key, "422 no such status")
    failed("d", "", DeliveryState.UNKNOWN)
    assert [(trouble.message, trouble.count) for trouble in overview.list_issues()] == [
        ("Northwind Retail (northwind) must reconnect. Their pair was refused.", 1),
        ("Deliveries of “SmartRecruiters, with the master credentials” are on hold. The master pair was refused.", 1),
        ("Result failed: 422 no such status", 3),
        ("Result may or may not have been sent", 1),
    ]
    page = text(staff_browser.get("/admin/"))
    assert "<strong>3 ×</strong> Result failed: 422 no such status" in page
    for trouble in overview.list_issues():
        assert staff_browser.get(trouble.url).status_code == 200


def test_dashboard_sees_that_nobody_carries_what_is_due(db: None) -> None:
    deliveries.enqueue("result", stream="connection:7", key="a", payload={})
    assert overview.list_issues() == []
    Delivery.objects.update(due_at=clock.now() - timedelta(minutes=6))
    assert [(trouble.message, trouble.count) for trouble in overview.list_issues()] == [(OVERDUE, 1)]


def pause(stream: str, *, minutes: float, until: float = 1, reason: str = "", waiting: int = 3) -> None:
    """Pause a stream since and until some minutes from now, with deliveries that are long due."""
    for number in range(waiting):
        deliveries.enqueue("webhook", stream=stream, key=f"{stream}:{number}", payload={})
    now = clock.now()
    Stream.objects.filter(name=stream).update(
        paused_since=now - timedelta(minutes=minutes), paused_until=now + timedelta(minutes=until), pause_reason=reason
    )
    Delivery.objects.update(due_at=now - timedelta(minutes=minutes))


REFUSED = "nobody answers at localhost:8345 (connection refused)"
OVERDUE = "Deliveries are overdue. No worker has started yet."


def test_dashboard_names_the_cause_of_a_pause(staff_browser: Browser) -> None:
    engine, _ = engine_clients.create_client("Staging engine")
    webhook = endpoints.register(engine, url="http://localhost:8345/hook", events=["order.created"])
    pause(webhook.stream_name, minutes=12, reason=REFUSED)
    [issue] = overview.list_issues()
    assert issue.message == f"3 deliveries wait for “Staging engine – http://localhost:8345/hook”. {REFUSED}."
    assert (issue.since, issue.count) == (Stream.objects.get(name=webhook.stream_name).paused_since, 1)
    assert f"{REFUSED}. Since " in text(staff_browser.get(issue.url))
    listed = text(staff_browser.get("/admin/integrations/webhook/"))
    assert (">Paused<" in listed, f'<span class="second">{REFUSED}</span>' in listed, ">Enabled<" in listed) == (
        *(True, True, False),
    )
    assert "deliveries are overdue. No worker has started yet" not in staff_browser.get("/readyz").json()["degraded"]


@pytest.mark.parametrize(
    ("state", "messages"),
    [
        ({"minutes": 2}, []),
        ({"minutes": 12, "waiting": 0}, []),
        ({"minutes": 12, "waiting": 1, "reason": "x"}, ["1 delivery waits for “Email to users”. x."]),
        ({"minutes": 12}, ["3 deliveries wait for “Email to users”."]),
        ({"minutes": 12, "until": -2}, ["3 deliveries wait for “Email to users”."]),
        ({"minutes": 12, "until": -6}, [OVERDUE]),
    ],
)
def test_dashboard_tells_a_pause_from_a_silent_worker(db: None, state: dict[str, Any], messages: list[str]) -> None:
    Stream.objects.create(name="email")
    pause("email", **state)
    assert [issue.message for issue in overview.list_issues()] == messages


def test_dashboard_shows_a_pause_beside_what_nobody_carries(db: None) -> None:
    pause("email", minutes=12, reason="The mail server was not available (503)")
    deliveries.enqueue("result", stream="connection:7", key="a", payload={})
    Delivery.objects.update(due_at=clock.now() - timedelta(minutes=6))
    assert [(issue.message, issue.count) for issue in overview.list_issues()] == [
        ("3 deliveries wait for “Email to users”. The mail server was not available (503).", 1),
        (OVERDUE, 1),
    ]


def test_dashboard_limits_the_paused_streams(staff_browser: Browser) -> None:
    for number in range(12):
        pause(f"webhook:w{number}", minutes=12, reason="x", waiting=1)
    check_rest("More queues are paused.", shown=10, rest=2, browser=staff_browser)


def check_rest(message: str, *, shown: int, rest: int, browser: Browser) -> None:
    """Expect issues of one kind, of which the last counts the rest and links to a list of all."""
    *first, last = overview.list_issues()
    assert (len(first), last.message, last.count) == (shown, message, rest)
    page = text(browser.get("/admin/"))
    assert (message in page, f'href="{last.url}">View all</a>' in page) == (True, True)
    listed: Any = browser.get(last.url)
    assert (listed.status_code, listed.context_data["cl"].result_count) == (200, shown + rest)


def hold_queues(count: int) -> None:
    for number in range(count):
        deliveries.hold_stream(f"connection:{number}", deliveries.HELD_BY_STAFF)


def break_connections(count: int) -> None:
    customer = rows.make_customer("Northwind Retail")
    for number in range(count):
        rows.make_connection(customer, f"company-{number}", state=ConnectionState.NEEDS_RECONNECT)


def open_incidents(count: int) -> None:
    customer, at = rows.make_customer("Northwind Retail"), clock.now()
    for number in range(count):
        Incident.objects.create(
            kind=IncidentKind.COMPANY_TRIES, subject=f"company-{number}", customer=customer, first_at=at, last_at=at
        )


def claim_companies(count: int) -> None:
    customer = rows.make_customer("Northwind Retail")
    for number in range(count):
        rows.make_claim(customer, f"company-{number}")


def disable_endpoints(count: int) -> None:
    engine, _ = engine_clients.create_client("production")
    for number in range(count):
        webhook = endpoints.register(engine, url=f"https://engine.example/{number}", events=["order.created"])
        endpoints.disable(webhook, "The endpoint answered 410: it is gone.")


def fail_for_reasons(count: int) -> None:
    for number in range(count):
        failed(str(number), f"reason {number}", (DeliveryState.FAILED, DeliveryState.UNKNOWN)[number % 2])


@pytest.mark.parametrize("rest", [0, 1, 5])
@pytest.mark.parametrize(
    ("provoke", "shown", "message"),
    [
        (hold_queues, 10, "More queues are on hold."),
        (break_connections, 10, "More customers must reconnect."),
        (open_incidents, 20, "More incidents are open."),
        (claim_companies, 20, "More customers ask to connect a company."),
        (disable_endpoints, 10, "More endpoints are disabled."),
        (fail_for_reasons, 8, "More deliveries failed, or may not have been sent."),
    ],
)
def test_dashboard_shows_a_few_of_a_kind_and_leads_to_the_rest(
    staff_browser: Browser, provoke: Callable[[int], None], shown: int, message: str, rest: int
) -> None:
    provoke(shown + rest)
    if rest:
        check_rest(message, shown=shown, rest=rest, browser=staff_browser)
    else:
        assert (len(overview.list_issues()), message in text(staff_browser.get("/admin/"))) == (shown, False)


def test_dashboard_shows_endpoints_that_are_off(staff_browser: Browser) -> None:
    engine, _ = engine_clients.create_client("production")
    webhook = endpoints.register(engine, url="https://engine.example/hook", events=["order.created"])
    assert overview.list_issues() == []
    endpoints.disable(webhook, "The endpoint answered 410: it is gone.")
    [trouble] = overview.list_issues()
    assert trouble.message == (
        "The endpoint https://engine.example/hook of “production” is disabled. The endpoint answered 410: it is gone."
    )
    staff_browser.post(trouble.url.replace("/change/", "/act/resume/"))
    assert overview.list_issues() == []
    staff_browser.post(trouble.url.replace("/change/", "/act/test/"))
    assert list(Delivery.objects.values_list("kind", flat=True)) == ["webhook"]
    assert list(
        AuditEntry.objects.filter(action__startswith="webhook.").order_by("pk").values_list("action", "subject")
    ) == [
        ("webhook.resumed", webhook.pk),
        ("webhook.tested", webhook.pk),
    ]


def test_dashboard_shows_what_the_comparison_missed(staff_browser: Browser, connection: Connection) -> None:
    rows.make_package("skills")
    order = bodies.place_order(connection)
    Reconciliation.objects.create(reported=1, gap=1, gaps={order.pk: "nothing of it is on its way"})
    [trouble] = overview.list_issues()
    assert (trouble.count, order.pk in text(staff_browser.get(trouble.url))) == (1, True)
    Reconciliation.objects.create(reported=1, confirmed=1)
    assert overview.list_issues() == []


def test_dashboard_sees_when_workers_fall_silent(staff_browser: Browser) -> None:
    beat = Heartbeat.objects.create(worker="courier@here", at=clock.now())
    assert overview.list_issues() == []
    assert "A worker was last seen" in text(staff_browser.get("/admin/"))
    beat.at -= timedelta(minutes=3)
    beat.save()
    assert [trouble.message for trouble in overview.list_issues()] == [
        "No worker has been seen for a while, so nothing is sent. "
        "Check that the workers are running and that the database is writable."
    ]


def test_dashboard_and_readiness_see_when_nobody_wakes_the_workers(staff_browser: Browser) -> None:
    """Without broker, scheduler or dispatcher, the couriers' heartbeats continue, but nothing is sent."""
    HeartbeatRecorder()()
    assert (overview.list_issues(), staff_browser.get("/readyz").json()["degraded"]) == ([], [])
    Heartbeat.objects.update(at=clock.now() - timedelta(days=2))
    Watchdog("courier@here", is_dispatcher=False).record_heartbeat()
    said = (
        "Nothing is sent because the workers are not woken. "
        "Check that the broker (REDIS_URL), the scheduler and the dispatcher are running."
    )
    assert [trouble.message for trouble in overview.list_issues()] == [said]
    assert staff_browser.get("/readyz").json() == {"status": "degraded", "degraded": [said]}


def test_dashboard_and_readiness_see_a_full_disk(staff_browser: Browser, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(degradations, "MIN_FREE_BYTES", 2**62)
    said = r"The disk of the data folder is nearly full: \d+ MB are left. Free some space."
    [degraded] = staff_browser.get("/readyz").json()["degraded"]
    # Each asks anew, and others write to this disk meanwhile: the numbers may differ.
    assert re.fullmatch(said, degraded)
    assert re.search(said, text(staff_browser.get("/admin/")))
    settings.PORTAL_DATA_DIR = settings.PORTAL_DATA_DIR / "gone"
    assert staff_browser.get("/readyz").json()["degraded"] == [
        "The data folder cannot be read (No such file or directory). Check PORTAL_DATA_DIR."
    ]


def test_dashboard_counts_orders_by_status(staff_browser: Browser, connection: Connection) -> None:
    rows.make_package("skills")
    orders = [bodies.place_order(connection) for _ in range(3)]
    Order.objects.filter(pk=orders[0].pk).update(status="COMPLETED")
    found = overview.count_by_status(count_daily_orders())
    assert {each["status"]: each["count"] for each in found} == {
        "PENDING": 2,
        "IN_PROGRESS": 0,
        "COMPLETED": 1,
        "REJECTED": 0,
        "EXPIRED": 0,
    }
    for each in found:
        assert staff_browser.get(each["url"]).status_code == 200
    assert "3 orders in 30 days, 1 completed" in text(staff_browser.get("/admin/"))


def test_dashboard_leads_from_one_failed_result_to_its_order(staff_browser: Browser, connection: Connection) -> None:
    row = deliveries.enqueue("result", stream=connection.stream_name, key="a", payload={}, subject="ord_a")
    said = '422: {"errors": [{"code": "INVALID", "message": "the order is closed."}]}'
    Delivery.objects.filter(pk=row.pk).update(state=DeliveryState.FAILED, reason=said)
    [trouble] = overview.list_issues()
    assert (trouble.message, trouble.link_text, trouble.url) == (
        "Result failed: SmartRecruiters found something wrong with the result (422): “the order is closed”",
        "View order",
        "/admin/orders/order/ord_5Fa/change/",
    )


def delivered(seconds: float, ago: timedelta = timedelta(0)) -> None:
    row = deliveries.enqueue("result", stream="connection:7", key="a", payload={}, priority=Priority.RESULT)
    end = clock.now() - ago
    columns = {"created_at": end - timedelta(seconds=seconds), "finished_at": end}
    Delivery.objects.filter(pk=row.pk).update(state=DeliveryState.DELIVERED, **columns)


def test_dashboard_says_how_long_results_take(staff_browser: Browser) -> None:
    for seconds in range(1, 101):
        delivered(seconds / 10)
    delivered(7200, timedelta(days=3))
    today = statistics.list_days()[-1]
    assert [(lag.day, round(lag.median, 2), round(lag.p95, 2), lag.results) for lag in statistics.measure_lags()] == [
        (today - timedelta(days=3), 7200.0, 7200.0, 1),
        (today, 5.0, 9.5, 100),
    ]
    page = text(staff_browser.get("/admin/"))
    assert (
        '<h2 id="lag-heading">Half of the results today reached SmartRecruiters within 5.0 s, 95 % within 9.5 s</h2>'
        in page
    )
    assert '<th scope="row">' + f"{date_format(today, 'j F')}</th><td>100</td><td>5.0 s</td><td>9.5 s</td>" in page


def test_dashboard_shows_failures_by_reason_in_words(staff_browser: Browser) -> None:
    for key in "abc":
        failed(key, "503")
    failed("d", "503: busy", DeliveryState.HELD)
    failed("e", "the mail server did not take it (OSError)")
    found = overview.summarize_failures(statistics.list_stuck_deliveries())
    assert (found.title, found.other_count) == ("4 deliveries are failing, 1 on hold", 0)
    assert [(each.reason, each.count, each.share) for each in found.reasons] == [
        ("SmartRecruiters was not available (503)", 4, 80),
        ("the mail server did not take it (OSError)", 1, 20),
    ]
    assert '4<span class="visually-hidden">, 80 %</span>' in text(staff_browser.get("/admin/"))


def test_dashboard_says_with_one_voice_what_goes_on_by_itself(staff_browser: Browser) -> None:
    nothing = 'Nothing needs attention</h2> <p class="empty">Failures'
    page = text(staff_browser.get("/admin/"))
    assert (nothing in page, "The queue is empty." in page) == (True, True)
    failed("a", "503", DeliveryState.PENDING)
    Delivery.objects.update(failures=1, due_at=clock.now() + timedelta(minutes=5, seconds=30))
    failed("b", "The customer disconnected.", DeliveryState.HELD)
    assert overview.summarize_backlog(statistics.list_stuck_deliveries()).retrying_count == 1
    page = text(staff_browser.get("/admin/"))
    assert "1 delivery</a> failed and will be retried automatically; next attempt <time" in page
    assert "1 delivery is</a> on hold." in page
    assert "1 delivery is failing, 1 on hold" in page
    assert (nothing in page, "The queue is empty" in page) == (False, False)
    Delivery.objects.update(due_at=clock.now())
    assert "retried automatically; the next attempt is due." in text(staff_browser.get("/admin/"))


def test_dashboard_counts_results_that_have_not_arrived(staff_browser: Browser) -> None:
    delivered(1)
    delivered(2)
    for key in "bc":
        deliveries.enqueue("result", stream="connection:7", key=key, payload={}, priority=Priority.RESULT)
    assert "95 % within 2.0 s; 2 not delivered yet</h2>" in text(staff_browser.get("/admin/"))


def test_dashboard_takes_as_many_queries_for_many_rows_as_for_one(
    staff_browser: Browser, connection: Connection, django_assert_max_num_queries: Any
) -> None:
    rows.make_package("skills")

    def queries(number: int) -> int:
        bodies.place_order(connection)
        delivered(number)
        failed(f"failed-{number}", f"reason {number}")
        with django_assert_max_num_queries(25) as captured:
            staff_browser.get("/admin/")
        return len(captured)

    queries(0)
    assert len({queries(number) for number in range(1, 4)}) == 1


def test_dashboard_has_no_style_or_script_of_its_own(staff_browser: Browser, connection: Connection) -> None:
    rows.make_package("skills")
    bodies.place_order(connection)
    delivered(1)
    page = text(staff_browser.get("/admin/"))
    assert page.count('<svg class="plot"') == 2
    assert [word for word in ("style=", "<style", "onclick", "javascript:") if word in page] == []
