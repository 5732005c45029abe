"""Admin of deliveries and streams: pages, filters, replays."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from integrations import mail
from integrations.models import AuditEntry, Connection
from integrations.oauth import engine_clients
from integrations.outbox import clock, deliveries, handlers
from integrations.outbox.admin import replay_preview
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Stream

pytestmark = pytest.mark.django_db
LIST = "/admin/outbox/delivery/"
STELLA = "stella@vendor.example"
S = DeliveryState


class Parcel(handlers.Handler):
    kind = "parcel"

    def skip_reason(self, delivery: Delivery) -> str:
        return "the candidate was erased" if delivery.payload.get("erased") else ""


@pytest.fixture(autouse=True)
def _parcels() -> None:
    handlers.register(Parcel())


def parcel(state: str, key: str = "a", **columns: Any) -> Delivery:
    kind, payload = columns.pop("kind", "parcel"), columns.pop("payload", {})
    row = deliveries.enqueue(kind, stream="connection:7", key=key, payload=payload, subject=f"ord_{key}")
    Delivery.objects.filter(pk=row.pk).update(state=state, **columns)
    row.refresh_from_db()
    return row


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def states() -> dict[str, str]:
    return dict(Delivery.objects.values_list("key", "state"))


def acts(action: str) -> list[tuple[str, str]]:
    return list(AuditEntry.objects.filter(action=action).order_by("pk").values_list("subject", "actor_name"))


def choose(staff_browser: Browser, *chosen: Delivery, **fields: str) -> Any:
    return staff_browser.post(
        LIST, {"action": "replay", "_selected_action": [row.pk for row in chosen], **fields}, follow=True
    )


def test_delivery_page_shows_its_attempts_and_is_recorded(staff_browser: Browser) -> None:
    row = parcel(S.FAILED, reason="422 status not allowed")
    request = {"method": "PATCH", "url": "https://api.smartrecruiters.com/x", "body": {"status": "COMPLETED"}}
    Attempt.objects.create(
        delivery=row, number=1, started_at=timezone.now(), status=422, outcome="fail", request=request, response="<b>no"
    )
    page = text(staff_browser.get(f"{LIST}{row.pk}/change/"))
    for said in ("422 status not allowed", "PATCH https://api.smartrecruiters.com/x", "&lt;b&gt;no"):
        assert said in page
    assert acts("delivery.viewed") == [("ord_a", STELLA)]


@pytest.mark.parametrize(
    ("state", "buttons"),
    [(S.FAILED, ["replay"]), (S.UNKNOWN, ["replay", "settle"]), (S.PENDING, []), (S.DELIVERED, []), (S.HELD, [])],
)
def test_delivery_page_offers_what_may_be_done(staff_browser: Browser, state: str, buttons: list[str]) -> None:
    row = parcel(state)
    page = text(staff_browser.get(f"{LIST}{row.pk}/change/"))
    assert [name for name in ("replay", "settle") if f"/act/{name}/" in page] == buttons


def test_delivery_is_sent_again_after_a_page_that_says_so(staff_browser: Browser) -> None:
    row = parcel(S.FAILED)
    url = f"{LIST}{row.pk}/act/replay/"
    assert "This delivery is sent again, at once" in text(staff_browser.get(url))
    assert (states(), acts("delivery.replayed")) == ({"a": S.FAILED}, [])
    assert "It is being sent again." in text(staff_browser.post(url, follow=True))
    assert (states(), acts("delivery.replayed")) == ({"a": S.PENDING}, [("ord_a", STELLA)])


def test_delivery_that_is_unknown_warns_before_it_goes_again(staff_browser: Browser) -> None:
    row = parcel(S.UNKNOWN)
    assert "The other side may already have processed it" in text(staff_browser.get(f"{LIST}{row.pk}/act/replay/"))


def test_delivery_that_arrived_meanwhile_is_left_alone(staff_browser: Browser) -> None:
    row = parcel(S.DELIVERED)
    for act in ("replay", "hurry", "settle"):
        answer = staff_browser.post(f"{LIST}{row.pk}/act/{act}/", follow=True)
        assert "It has been delivered in the meantime, so nothing is left to do." in text(answer)
    assert (states(), AuditEntry.objects.filter(action__startswith="delivery.replay").count()) == (
        {"a": S.DELIVERED},
        0,
    )


def test_delivery_list_filters_in_the_words_of_its_chips(staff_browser: Browser) -> None:
    parcel(S.PENDING)
    page = text(staff_browser.get(f"{LIST}?state__exact=pending&kind=parcel"))
    for said in ("State: <strong>Waiting</strong>", ">On hold</a>", "Kind: <strong>parcel</strong>", ">ord_a<"):
        assert said in page
    assert ">Pending<" not in page


def test_delivery_that_is_unknown_is_settled_by_a_person(staff_browser: Browser) -> None:
    row = parcel(S.UNKNOWN)
    staff_browser.post(f"{LIST}{row.pk}/act/settle/")
    assert (states(), acts("delivery.settled")) == ({"a": S.DELIVERED}, [("ord_a", STELLA)])
    assert deliveries.mark_delivered(row) is False


def test_deliveries_sent_again_in_bulk_are_first_tried_on_paper(staff_browser: Browser) -> None:
    rows = [
        parcel(S.FAILED, "failed"),
        parcel(S.UNKNOWN, "unknown"),
        parcel(S.DELIVERED, "delivered"),
        parcel(S.FAILED, "erased", payload={"erased": True}),
        parcel(S.FAILED, "foreign", kind="no_such_kind"),
    ]
    before = states()
    page = text(choose(staff_browser, *rows))
    assert "<strong>2</strong> will be sent again, <strong>3</strong> will not" in page
    for said in ("Is not sent: it is delivered", "Is not sent: the candidate was erased", "does not know this kind"):
        assert said in page
    assert (states(), acts("delivery.replayed")) == (before, [])


def test_deliveries_sent_again_in_bulk_go_after_the_button(staff_browser: Browser) -> None:
    rows = [parcel(S.FAILED, "failed"), parcel(S.UNKNOWN, "unknown"), parcel(S.DELIVERED, "delivered")]
    assert "2 queued again, 1 left unchanged." in text(choose(staff_browser, *rows, confirmed="yes"))
    assert states() == {"failed": S.PENDING, "unknown": S.PENDING, "delivered": S.DELIVERED}
    assert sorted(acts("delivery.replayed")) == [("ord_failed", STELLA), ("ord_unknown", STELLA)]


def test_deliveries_of_a_held_stream_say_that_they_wait(staff_browser: Browser) -> None:
    row = parcel(S.FAILED)
    deliveries.hold_stream("connection:7", "The connection needs a reconnect.")
    assert "Is put on hold with its queue: The connection needs a reconnect" in text(choose(staff_browser, row))
    choose(staff_browser, row, confirmed="yes")
    assert states() == {"a": S.HELD}


@pytest.mark.parametrize(
    ("query", "found"),
    [("needs=hand", {"failed", "unknown"}), ("needs=late", {"late"}), ("state__exact=failed", {"failed"}),
     ("q=ord_late", {"late"}), ("q=refused", {"failed"})],
)  # fmt: skip
def test_delivery_list_finds(staff_browser: Browser, query: str, found: set[str]) -> None:
    parcel(S.FAILED, "failed", reason="refused"), parcel(S.UNKNOWN, "unknown"), parcel(S.DELIVERED, "delivered")
    parcel(S.PENDING, "late", attempts_made=1), parcel(S.PENDING, "fresh")
    page = text(staff_browser.get(f"{LIST}?{query}"))
    assert {key for key in states() if f">ord_{key}<" in page} == found


def test_delivery_list_asks_as_often_for_one_row_as_for_many(
    staff_browser: Browser, django_assert_num_queries: Any
) -> None:
    parcel(S.FAILED, "a")
    staff_browser.get(LIST)
    with django_assert_num_queries(9) as one:
        staff_browser.get(LIST)
    for key in "bcdef":
        parcel(S.FAILED, key)
    with django_assert_num_queries(len(one)):
        staff_browser.get(LIST)


def test_more_than_one_step_takes_are_sent_step_by_step(
    staff_browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_preview, "BATCH_SIZE", 2)
    rows = [parcel(S.FAILED, key) for key in "abcde"] + [parcel(S.FAILED, "erased", payload={"erased": True})]
    rows.append(parcel(S.DELIVERED, "delivered"))
    address = f"{LIST}?kind=parcel"
    all_of_them = {"action": "replay", "_selected_action": [rows[0].pk], "select_across": "1"}
    page = text(staff_browser.post(address, all_of_them))
    assert "<strong>2</strong> will be sent again, <strong>2</strong> will not." in page
    assert "<strong>3</strong> more were selected: at most 2 can be sent at once" in page
    assert (states()["e"], '<input type="hidden" name="rest" value="3">' in page) == (S.FAILED, True)
    chosen = {"action": "replay", "_selected_action": [rows[4].pk, rows[3].pk], "confirmed": "yes", "rest": "3"}
    said = text(staff_browser.post(address, chosen, follow=True))
    assert "2 queued again, 0 left unchanged." in said
    assert f'3 more were selected. <a href="{address}">Continue: select them in the list' in said
    again = {key for key, state in states().items() if state == S.PENDING}
    assert (again, "can be sent at once" in text(choose(staff_browser, rows[0], confirmed="yes", rest="x"))) == (
        {"d", "e"},
        False,
    )


def test_stream_is_called_as_people_know_it(staff_browser: Browser, connection: Connection) -> None:
    client, _ = engine_clients.create_client("Own engine")
    webhook = client.webhooks.create(url="https://engine.example/hook", events=[])
    candidates = mail.get_candidate_stream(connection.customer_id)
    for name in (connection.stream_name, webhook.stream_name, "email", candidates, "connection:4711", "email:cus_left"):
        deliveries.enqueue("parcel", stream=name, key=name, payload={})
    names = {
        connection.stream_name: "Northwind Retail – northwind",
        webhook.stream_name: "Own engine – https://engine.example/hook",
        "email": "Email to users",
        candidates: "Email to candidates of Northwind Retail",
        "connection:4711": "connection:4711",
        "email:cus_left": "email:cus_left",
    }
    page = text(staff_browser.get("/admin/outbox/stream/"))
    for name, called in names.items():
        assert f'>{called}<span class="second">{name}</span>' in page
    found = text(staff_browser.get("/admin/outbox/stream/?q=retail"))
    assert [name for name in names if f">{name}<" in found] == [connection.stream_name, candidates]


def test_page_of_a_stream_says_in_words_whose_it_is_and_what_it_waits_for(
    staff_browser: Browser, connection: Connection
) -> None:
    row = deliveries.enqueue("parcel", stream=connection.stream_name, key="a", payload={})
    waits = {"PATCH results": clock.now().timestamp() + 30.04, "GET jobs": clock.now().timestamp() - 5}
    Stream.objects.update(pause_seconds=8, next_calls=waits)
    page = text(staff_browser.get(f"/admin/outbox/stream/{row.stream_id}/change/"))
    link = f'<a href="/admin/integrations/connection/{connection.pk}/change/">Northwind Retail – northwind</a>'
    assert [said in page for said in (link, "<h1>Northwind Retail – northwind</h1>", ">8 s<")] == [True] * 3
    assert ("PATCH results: in 30.0 s" in page or "PATCH results: in 29." in page, "GET jobs" in page) == (True, False)
    assert "Northwind Retail – northwind</a>" in text(staff_browser.get(f"{LIST}{row.pk}/change/"))


def test_stream_without_an_owner_is_released_by_hand(staff_browser: Browser) -> None:
    deliveries.enqueue("parcel", stream="email", key="a", payload={})
    deliveries.hold_stream("email", "The mail server refuses us.")
    stream = Stream.objects.get(name="email")
    url = f"/admin/outbox/stream/{stream.pk}/act/release/"
    assert "Reason for the hold: The mail server refuses us." in text(staff_browser.get(url))
    assert "1 delivery is being sent." in text(staff_browser.post(url, follow=True))
    assert (states(), acts("stream.released")) == ({"a": S.PENDING}, [("email", STELLA)])


def test_stream_of_a_connection_is_held_and_released_by_staff(staff_browser: Browser) -> None:
    deliveries.enqueue("parcel", stream="connection:1", key="a", payload={})
    stream = Stream.objects.get()
    url = f"/admin/outbox/stream/{stream.pk}/act/"
    staff_browser.post(f"{url}hold/")
    deliveries.enqueue("parcel", stream="connection:1", key="b", payload={})
    assert states() == {"a": S.HELD, "b": S.HELD}
    staff_browser.post(f"{url}release/")
    assert (states(), acts("stream.held"), acts("stream.released")) == (
        {"a": S.PENDING, "b": S.PENDING},
        [("connection:1", STELLA)],
        [("connection:1", STELLA)],
    )


def test_stream_of_a_connection_is_not_released_by_hand(staff_browser: Browser) -> None:
    parcel(S.PENDING)
    deliveries.hold_stream("connection:7", "The customer ended the connection.")
    stream = Stream.objects.get(name="connection:7")
    assert "/act/release/" not in text(staff_browser.get(f"/admin/outbox/stream/{stream.pk}/change/"))
    staff_browser.post(f"/admin/outbox/stream/{stream.pk}/act/release/")
    assert states() == {"a": S.HELD}


def test_delivery_that_waits_after_a_failure_is_tried_at_once(staff_browser: Browser) -> None:
    late = timezone.now() + timedelta(hours=8)
    row = parcel(S.PENDING, failures=3, due_at=late, reason='503: {"message": "Try later."}')
    assert "SmartRecruiters was not available (503): “Try later”" in text(staff_browser.get(f"{LIST}{row.pk}/change/"))
    assert "It is sent now instead of on" in text(staff_browser.get(f"{LIST}{row.pk}/act/hurry/"))
    staff_browser.post(f"{LIST}{row.pk}/act/hurry/")
    row.refresh_from_db()
    assert (row.state, row.failures, row.due_at < late) == (S.PENDING, 3, True)
    assert acts("delivery.hurried") == [("ord_a", STELLA)]


def test_delivery_whose_turn_simply_has_not_come_is_not_hurried(staff_browser: Browser) -> None:
    row = parcel(S.PENDING)
    assert "/act/hurry/" not in text(staff_browser.get(f"{LIST}{row.pk}/change/"))
    assert "is no longer available" in text(staff_browser.post(f"{LIST}{row.pk}/act/hurry/", follow=True))


def test_replay_of_many_shows_how_far_it_is(staff_browser: Browser) -> None:
    rows = [parcel(S.FAILED, key=key) for key in "abcdef"]
    page = choose(staff_browser, *rows, confirmed="yes")
    address = page.redirect_chain[-1][0]
    assert "Queued again: 0 of 6 delivered" in text(page)
    assert '<meta http-equiv="refresh" content="2">' in text(page)
    later = timezone.now() + timedelta(minutes=5)
    for row, state, columns in zip(
        rows,
        (S.DELIVERED, S.DELIVERED, S.PENDING, S.FAILED, S.HELD, S.SUPERSEDED),
        ({}, {}, {"failures": 1, "due_at": later}, {}, {}, {}),
        strict=True,
    ):
        Delivery.objects.filter(pk=row.pk).update(state=state, **columns)
    page = text(staff_browser.get(address))
    assert "Queued again: 2 of 6 delivered" in page
    assert 'http-equiv="refresh"' not in page
    said = ["</span> <strong>1</strong> failed again and", "<strong>1</strong> failed again. <a", "no longer needed"]
    assert [words in page for words in said] == [True] * 3


def test_progress_of_an_unknown_replay_is_not_there(staff_browser: Browser) -> None:
    assert staff_browser.get(f"{LIST}progress/nothing/").status_code == 404


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["ord_b", "ord_c"]),
        ("?needs=hand", ["ord_c"]),
        ("?kind=parcel", ["ord_b", "ord_c"]),
        ("?state__exact=all", ["ord_a", "ord_b", "ord_c"]),
        ("?state__exact=superseded", ["ord_a"]),
        ("?state__exact=unheard", ["ord_b", "ord_c"]),
        ("?q=ord_a", ["ord_a"]),
    ],
)
def test_superseded_deliveries_are_listed_on_demand(staff_browser: Browser, query: str, shown: list[str]) -> None:
    for key, state in (("a", S.SUPERSEDED), ("b", S.DELIVERED), ("c", S.FAILED)):
        parcel(state, key)
    page = staff_browser.get(LIST + query, follow=True)
    assert sorted(row.subject for row in page.context["cl"].result_list) == shown


def test_list_says_how_many_were_found_only_of_a_search_or_a_filter(staff_browser: Browser) -> None:
    for number in range(1200):
        deliveries.enqueue("parcel", stream="connection:7", key=f"k{number}", payload={}, subject=f"ord_{number}")
    found = '1,200 found · <a href="?">show all</a>'
    pages = {query: text(staff_browser.get(LIST + query)) for query in ("", "?o=1", "?p=2", "?kind=parcel", "?q=ord_7")}
    assert {query: found in page for query, page in pages.items()} == {
        **dict.fromkeys(("", "?o=1", "?p=2", "?q=ord_7"), False),
        "?kind=parcel": True,
    }
    assert ("1,200 deliveries" in pages[""], "1 found · " in pages["?q=ord_7"]) == (True, True)
