"""Durability of the journal: a SIGKILL loses no answered event and leaves no incomplete line."""

from pathlib import Path

from integrations.simulator.store.journal import Journal
from tests.integrations.simulator.fake_portal import FakePortal
from tests.integrations.simulator.process import API, Simulator


def test_restart_after_a_sigkill_remembers_everything(fresh: Simulator, portal_process: FakePortal) -> None:
    portal_process.reset()
    fresh.start()
    fresh.master_caller().call("PUT", f"{API}/partner/configuration", json=portal_process.build_configuration())
    customer = fresh.connect_company("northwind", client_id="ours")
    [order] = fresh.control.place_orders("northwind", "skills")
    customer.patch_result(order["order_id"], {"status": "IN_PROGRESS"})
    customer.upload_file(order["order_id"])
    customer.patch_result(order["order_id"], {"bogus": 1})
    fresh.control.change_settings(token_lifetime=99)
    fresh.control.set_fault("slow", seconds=0, count=5)
    before = fresh.control.get_state()
    seen = fresh.control.get_order(order["order_id"])

    fresh.kill()
    with (fresh.folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"kind":"result","order_id":"')
    fresh.start()

    assert fresh.control.get_state() == before
    assert fresh.control.get_order(order["order_id"]) == seen
    assert customer.patch_result(order["order_id"], {"status": "COMPLETED"}).json()["status"] == "COMPLETED"


def test_order_is_on_record_before_its_call_goes_out(fresh: Simulator, portal_process: FakePortal) -> None:
    portal_process.reset()
    portal_process.answers["POST /orders"] = (0, {}, None)
    fresh.start()
    fresh.master_caller().call("PUT", f"{API}/partner/configuration", json=portal_process.build_configuration())
    fresh.connect_company("northwind")
    [order] = fresh.control.place_orders("northwind", "skills")
    assert (order["status_code"], order["accepted"]) == (None, False)
    fresh.kill()
    fresh.start()
    portal_process.answers["POST /orders"] = (202, {}, None)
    assert fresh.control.retry_order(order["order_id"])["accepted"]
    first, second = (call["body"] for call in portal_process.calls_to("POST /orders"))
    assert first == second


def test_incomplete_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.append_event({"kind": "first"})
    content = path.read_bytes()
    path.write_bytes(content + b'{"kind":"sec')
    again = Journal(path)
    again.append_event({"kind": "second"})
    assert [event for event, _ in again.read_events()] == [{"kind": "first"}, {"kind": "second"}]


def test_incomplete_only_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"kind":"' + b"x" * 200_000)
    assert (Journal(path).end_offset, path.read_bytes()) == (0, b"")


def test_events_are_read_from_a_cursor(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    for number in range(5):
        journal.append_event({"kind": "n", "number": number, "text": "ü"})
    events = list(journal.read_events())
    assert [event["number"] for event, _ in journal.read_events(events[2][1])] == [3, 4]
    assert events[-1][1] == journal.end_offset
    assert [event["number"] for event in journal.tail_events(2)] == [4, 3]
