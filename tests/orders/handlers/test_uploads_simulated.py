"""The upload of reports against the strict simulator, which keeps a ledger and names every breach of the protocol."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from integrations.models import Connection
from integrations.outbox import clock, courier
from integrations.outbox.models import Delivery, Priority, Stream
from orders import attachments, results
from orders.models import Order, Upload
from tests import rows
from tests.integrations.simulator.fake_portal import FakePortal
from tests.integrations.simulator.process import API, Simulator
from tests.orders import bodies

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PDF = b"%PDF-1.4\n%%EOF"
Carry = Callable[[], None]
Json = dict[str, Any]
_numbers = count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator, portal = Simulator(tmp_path_factory.mktemp("simulator")), FakePortal()
    simulator.start()
    answer = simulator.master_caller().call("PUT", f"{API}/partner/configuration", json=portal.build_configuration())
    assert answer.status_code == 200, answer.text
    yield simulator
    simulator.kill()
    portal.stop()


@pytest.fixture
def simulator(running: Simulator, settings: Any, tmp_path: Path) -> Iterator[Simulator]:
    settings.SMARTRECRUITERS_API_URL = running.url
    settings.MEDIA_ROOT = tmp_path / "files"
    yield running
    running.control.clear_faults()
    running.control.clear_breaches()
    running.control.change_settings(upload_limit=10 * 1024 * 1024, limits=True)


@pytest.fixture
def uploading(simulator: Simulator) -> Connection:
    """Connect a company whose reports are uploaded."""
    company = f"company-{next(_numbers)}"
    pair = simulator.connect_company(company)
    rows.make_package("skills", assessments=("words", "numbers"))
    rows.make_package("on-the-spot", "INLINE_ASSESSMENT")
    return rows.make_connection(
        rows.make_customer(),
        company,
        their_client_id=pair.client_id,
        their_client_secret=pair.client_secret,
        report_delivery="upload",
    )


@pytest.fixture
def run_courier(uploading: Connection) -> Carry:
    def until_quiet() -> None:
        for _ in range(5):
            Delivery.objects.filter(state="pending").update(due_at=clock.now())
            Stream.objects.update(paused_until=None)
            courier.run(Stream.objects.get(name=uploading.stream_name).pk)

    return until_quiet


def place(simulator: Simulator, connection: Connection, **wish: Any) -> Order:
    [placed] = simulator.control.place_orders(connection.company_id, wish.pop("package", "skills"), **wish)
    more = {"assessmentPackageId": "on-the-spot", **bodies.INLINE} if wish else {}
    order = bodies.place_order(connection, order_id=placed["order_id"], **more)
    Delivery.objects.filter(priority=Priority.FETCH).delete()
    return order


def shown(simulator: Simulator, order: Order) -> Json:
    return simulator.control.get_order(order.smartrecruiters_order_id)


def listed(simulator: Simulator, order: Order) -> list[str]:
    return [each["url"] for each in shown(simulator, order)["result"].get("attachments", [])]


def ours(order: Order) -> list[str]:
    return [f"http://localhost:8000/files/{each.link_token}" for each in order.attachments.all()]


def theirs(simulator: Simulator, order: Order) -> list[str]:
    return [upload["url"] for upload in shown(simulator, order)["uploads"]]


def add(order: Order, number: int = 0, **more: Any) -> None:
    attachments.add_file(order.pk, PDF + b"\n" * number, name=f"report-{number}.pdf", by="engine", **more)


def test_two_reports_and_one_of_an_assessment_stay_through_all_results(
    simulator: Simulator, uploading: Connection, run_courier: Carry
) -> None:
    order = place(simulator, uploading)
    for number in range(2):
        add(order, number)
    add(order, 2, assessment_id="words")
    for status in ("IN_PROGRESS", "COMPLETED"):
        results.report(order.pk, {"status": status}, by="engine")
        run_courier()
    first, second, third = [upload.url for upload in Upload.objects.all()]
    assert sorted(theirs(simulator, order)) == sorted([first, second, third])
    assert shown(simulator, order)["result"] == {
        "status": "COMPLETED",
        "attachments": [{"type": "PDF_URL", "url": url} for url in (first, second)],
        "assessmentResults": [{"assessmentId": "words", "attachments": [{"type": "PDF_URL", "url": third}]}],
    }
    assert simulator.control.list_breaches() == []


def test_five_repeats_are_one_upload(simulator: Simulator, uploading: Connection, run_courier: Carry) -> None:
    order = place(simulator, uploading)
    for number in range(5):
        add(order)
        results.report(order.pk, {"status": "COMPLETED"} if number == 0 else {}, by="engine")
        run_courier()
    assert listed(simulator, order) == theirs(simulator, order)
    assert (len(theirs(simulator, order)), simulator.control.list_breaches()) == (1, [])


@pytest.mark.parametrize(
    "fault",
    [{"action": "drop"}, {"action": "status", "status": 500}, {"action": "html200"}, {"action": "truncated"}],
    ids=str,
)
def test_lost_answer_is_found_and_never_doubled(
    simulator: Simulator, uploading: Connection, run_courier: Carry, fault: Json
) -> None:
    order = place(simulator, uploading)
    simulator.control.set_fault(**fault, route="attachment", count=1, after_effect=True)
    add(order)
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    run_courier()
    assert listed(simulator, order) == theirs(simulator, order)
    assert (len(theirs(simulator, order)), simulator.control.list_breaches()) == (1, [])


def test_call_that_had_no_effect_ends_as_a_link(
    simulator: Simulator, uploading: Connection, run_courier: Carry
) -> None:
    order = place(simulator, uploading)
    simulator.control.set_fault("drop", route="attachment", count=1)
    add(order)
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    run_courier()
    assert (theirs(simulator, order), listed(simulator, order)) == ([], ours(order))
    assert simulator.control.list_breaches() == []


def test_report_that_is_too_large_ends_as_a_link(
    simulator: Simulator, uploading: Connection, run_courier: Carry
) -> None:
    order = place(simulator, uploading)
    simulator.control.change_settings(upload_limit=10)
    add(order)
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    run_courier()
    assert (theirs(simulator, order), listed(simulator, order)) == ([], ours(order))
    assert simulator.control.list_breaches() == []


def test_inline_order_is_never_uploaded_for(simulator: Simulator, uploading: Connection, run_courier: Carry) -> None:
    order = place(simulator, uploading, package="on-the-spot", inline=True)
    add(order)
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    run_courier()
    assert listed(simulator, order) == ours(order)
    assert simulator.control.list_breaches() == []


def test_many_orders_under_every_fault_lose_and_double_no_report(
    simulator: Simulator, uploading: Connection, run_courier: Carry
) -> None:
    orders = [place(simulator, uploading) for _ in range(6)]
    for action in ("drop", "status", "truncated", "html200"):
        for after_effect in (True, False):
            simulator.control.set_fault(action, route="attachment", count=1, after_effect=after_effect)
            simulator.control.set_fault(action, route="result", count=1, after_effect=after_effect)
    for order in orders:
        for number in range(2):
            add(order, number)
        results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    for _ in range(3):
        run_courier()
    simulator.control.clear_faults()
    run_courier()
    for order in orders:
        digests = [upload["sha256"] for upload in shown(simulator, order)["uploads"]]
        assert len(digests) == len(set(digests))
        assert len(listed(simulator, order)) == len(set(listed(simulator, order))) == 2
    assert simulator.control.list_breaches() == []
