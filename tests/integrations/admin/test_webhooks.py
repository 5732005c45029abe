"""The admin of webhooks: messages with their attempts, test messages, replay of a period."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from integrations.audit import Actor
from integrations.models import AuditEntry, Event, EventType, FormerSecret, User, Webhook
from integrations.outbox import courier
from integrations.outbox.models import Delivery, DeliveryState, Stream
from integrations.roles import StaffRole
from integrations.webhooks import endpoints, events, replay
from tests import rows
from tests.integrations.outbox.peer import Answer, Peer, run_peer

pytestmark = pytest.mark.django_db(transaction=True)
S = DeliveryState
LIST = "/admin/integrations/webhook/"
ALL_DAY = {"since": "2020-01-01T00:00", "until": "2100-01-01T00:00"}


@pytest.fixture
def peer(settings: Any) -> Iterator[Peer]:
    settings.WEBHOOKS_ALLOW_PRIVATE = True
    with run_peer() as peer:
        yield peer


@pytest.fixture
def webhook(peer: Peer) -> Webhook:
    client, _ = rows.make_client()
    return endpoints.register(client, url=f"{peer.url}/hook", events=["order.created", "order.expired"])


def happen(*orders: str, type: EventType = EventType.ORDER_CREATED) -> None:
    for order in orders:
        events.record_order_event(type, order)
    events.assign_numbers()


def carry(webhook: Webhook) -> None:
    courier.run(Stream.objects.get(name=webhook.stream_name).pk)


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def page_of(webhook: Webhook) -> str:
    return f"{LIST}{webhook.pk}"


def states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def test_empty_list_says_how_an_endpoint_is_registered(staff_browser: Browser) -> None:
    page = text(staff_browser.get(LIST))
    assert "Your engine registers them through the API" in page
    assert 'href="/api/vendor/v1/docs#webhooks"' in page


def test_page_says_which_secrets_sign(staff_browser: Browser, webhook: Webhook, staff: User) -> None:
    assert "Messages are signed with the secret<" in text(staff_browser.get(f"{page_of(webhook)}/change/"))
    for day in (1, 2):
        endpoints.rotate_secret(webhook, actor=Actor(staff))
        FormerSecret.objects.filter(expires_at__lt=datetime(2090, 1, 1, tzinfo=UTC)).update(
            expires_at=datetime(2090, 5, day, 14, 5, tzinfo=UTC)
        )
    expected = (
        "Messages are signed with the secret, the former one until 2 May, 14:05 UTC, "
        "the former one until 1 May, 14:05 UTC<"
    )
    assert expected in text(staff_browser.get(f"{page_of(webhook)}/change/"))
    FormerSecret.objects.update(expires_at=timezone.now())
    assert "Messages are signed with the secret<" in text(staff_browser.get(f"{page_of(webhook)}/change/"))


def test_list_with_an_endpoint_shows_it(staff_browser: Browser, webhook: Webhook) -> None:
    page = text(staff_browser.get(LIST))
    assert (webhook.url in page, "Your engine registers them" in page) == (True, False)


def test_every_try_is_shown(staff_browser: Browser, webhook: Webhook, peer: Peer) -> None:
    peer.script["/hook"] = [Answer(500)]
    happen("ord_1")
    carry(webhook)
    page = text(staff_browser.get(f"{page_of(webhook)}/change/"))
    delivery = Delivery.objects.get()
    assert "<td>ord_1</td>" in page
    assert "Next attempt <time" in page
    assert f'href="/admin/outbox/delivery/{delivery.pk}/change/">order.created</a>' in page
    detail = text(staff_browser.get(f"/admin/outbox/delivery/{delivery.pk}/change/"))
    assert f"POST {peer.url}/hook" in detail
    assert ">500</td>" in detail


def test_test_is_sent_and_shown(staff_browser: Browser, webhook: Webhook, peer: Peer) -> None:
    page = text(staff_browser.post(f"{page_of(webhook)}/act/test/", follow=True))
    assert "A test message was queued" in page
    assert "<td>a test</td>" in page
    carry(webhook)
    assert [received.body["data"] for received in peer.received] == [{"test": True}]


def test_stretch_of_time_is_counted_and_nothing_is_sent_by_that(staff_browser: Browser, webhook: Webhook) -> None:
    happen("ord_1", "ord_2")
    happen("ord_1", type=EventType.ORDER_EXPIRED)
    happen("ord_3", type=EventType.DELIVERY_FAILED)  # not among its events
    carry(webhook)
    page = text(staff_browser.get(f"{page_of(webhook)}/replay/", ALL_DAY))
    assert "<strong>3</strong> messages will be sent again. Nothing has been sent yet." in page
    assert re.findall(r"<li>(\d of) <code>([a-z.]+)</code></li>", page) == [
        ("2 of", "order.created"),
        ("1 of", "order.expired"),
    ]
    assert states() == [S.DELIVERED] * 3


def test_stretch_of_time_goes_again_under_the_same_ids(staff_browser: Browser, webhook: Webhook, peer: Peer) -> None:
    ids: list[str] = []
    peer.watch = lambda headers, body: ids.append(headers["webhook-id"])
    happen("ord_1", "ord_2")
    carry(webhook)
    page = text(staff_browser.post(f"{page_of(webhook)}/replay/", ALL_DAY, follow=True))
    assert "2 queued again, 0 were already queued." in page
    carry(webhook)
    first, second = [event.public_id for event in Event.objects.order_by("number")]
    assert sorted(ids) == sorted([first, second] * 2)
    entry = AuditEntry.objects.get(action="webhook.replayed")
    assert (entry.subject, entry.actor_name) == (webhook.pk, "stella@vendor.example")
    assert entry.detail == {**ALL_DAY, "sent": 2, "waiting": 0}


def test_message_that_is_on_its_way_is_never_doubled(staff_browser: Browser, webhook: Webhook) -> None:
    happen("ord_1")
    carry(webhook)
    happen("ord_2")
    assert "1 more is already queued and will be sent only once." in text(
        staff_browser.get(f"{page_of(webhook)}/replay/", ALL_DAY)
    )
    for _ in range(2):
        staff_browser.post(f"{page_of(webhook)}/replay/", ALL_DAY)
    assert states() == [S.DELIVERED, S.PENDING, S.PENDING]
    assert "There is nothing to send again: 2 messages are already queued" in text(
        staff_browser.get(f"{page_of(webhook)}/replay/", ALL_DAY)
    )


def test_message_that_failed_is_the_same_delivery_again(webhook: Webhook, peer: Peer) -> None:
    peer.script["/hook"] = [Answer(410)]
    happen("ord_1")
    carry(webhook)
    endpoints.update(webhook)
    now = timezone.now()
    done = replay.replay_events(webhook, now - timedelta(hours=1), now + timedelta(hours=1))
    assert (len(done.events), done.waiting_count, states()) == (1, 0, [S.PENDING])


def test_only_what_happened_in_the_stretch_goes_again(webhook: Webhook) -> None:
    happen("ord_1", "ord_2", "ord_3")
    carry(webhook)
    webhook.created_at -= timedelta(days=1)
    webhook.save(update_fields=["created_at"])
    middle = Event.objects.get(number=2)
    for number, minutes in ((1, -10), (3, 10)):
        Event.objects.filter(number=number).update(at=middle.at + timedelta(minutes=minutes))
    minute = timedelta(minutes=1)
    assert [e.number for e in replay.plan_replay(webhook, middle.at - minute, middle.at + minute).events] == [2]
    assert [e.number for e in replay.plan_replay(webhook, middle.at, middle.at + 10 * minute).events] == [
        2
    ]  # not its end


def test_nothing_from_before_the_registration_goes_out(peer: Peer) -> None:
    happen("ord_1")
    client, _ = rows.make_client()
    webhook = endpoints.register(client, url=f"{peer.url}/hook", events=["order.created"])
    now = timezone.now()
    assert replay.replay_events(webhook, now - timedelta(days=1), now + timedelta(days=1)).events == []


def test_endpoint_that_is_off_keeps_them(staff_browser: Browser, webhook: Webhook) -> None:
    happen("ord_1")
    carry(webhook)
    endpoints.disable(webhook, "The endpoint answered 410: it is gone.")
    assert "messages wait until it is switched on" in text(staff_browser.get(f"{page_of(webhook)}/replay/", ALL_DAY))
    staff_browser.post(f"{page_of(webhook)}/replay/", ALL_DAY)
    assert states() == [S.DELIVERED, S.HELD]


def test_endpoint_is_switched_on_again(staff_browser: Browser, webhook: Webhook) -> None:
    endpoints.disable(webhook, "The endpoint answered 410: it is gone.")
    happen("ord_1")
    assert states() == [S.HELD]
    staff_browser.post(f"{page_of(webhook)}/act/resume/")
    assert states() == [S.PENDING]
    carry(webhook)
    assert states() == [S.DELIVERED]


def test_too_many_at_once_are_refused(
    staff_browser: Browser, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "MAX_MESSAGES", 1)
    happen("ord_1", "ord_2")
    carry(webhook)
    for send in (staff_browser.get, staff_browser.post):
        assert "There are more than 1 messages in this time range" in text(send(f"{page_of(webhook)}/replay/", ALL_DAY))
    assert states() == [S.DELIVERED] * 2


def test_stretch_that_ends_before_it_begins_is_refused(staff_browser: Browser, webhook: Webhook) -> None:
    stretch = {"since": ALL_DAY["until"], "until": ALL_DAY["since"]}
    assert "choose a later time" in text(staff_browser.post(f"{page_of(webhook)}/replay/", stretch))


def test_replay_is_for_those_who_may_change_webhooks(webhook: Webhook) -> None:
    browser = Browser()
    browser.force_login(rows.make_user(None, "vic@vendor.example", role=StaffRole.VIEWER))
    happen("ord_1")
    carry(webhook)
    assert browser.post(f"{page_of(webhook)}/replay/", ALL_DAY).status_code == 403
    assert states() == [S.DELIVERED]


def test_list_counts_the_messages_that_fail(staff_browser: Browser, webhook: Webhook, peer: Peer) -> None:
    healthy = endpoints.register(webhook.client, url=f"{peer.url}/healthy", events=["order.created"])
    assert "0 messages" not in text(staff_browser.get(LIST))
    happen("ord_1", "ord_2")
    peer.script["/hook"] = [Answer(500)]
    carry(webhook)
    carry(healthy)
    Delivery.objects.filter(subject="ord_2", stream__name=webhook.stream_name).update(state=S.FAILED)
    page = text(staff_browser.get(LIST))
    messages = f'<a href="/admin/outbox/delivery/?q={webhook.stream_name.replace(":", "%3A")}">2 messages</a>'
    assert (page.count(messages), page.count("messages</a>")) == (1, 1)


def test_test_message_is_named_so(staff_browser: Browser, webhook: Webhook) -> None:
    endpoints.send_test_message(webhook)
    happen("ord_1")
    page = text(staff_browser.get(f"{page_of(webhook)}/change/"))
    assert re.findall(r'/change/">([^<]+)</a></th> <td>([^<]+)</td>', page) == [
        ("order.created", "ord_1"),
        ("Test message", "a test"),
    ]
