"""What a SIGKILL leaves behind: everything that was answered, and no torn line."""

from pathlib import Path

from integrations.simulator.journal import Journal
from tests.integrations.simulator.fake_portal import FakePortal
from tests.integrations.simulator.process import API, Simulator


def test_restart_after_a_sigkill_remembers_everything(fresh: Simulator, portal_process: FakePortal) -> None:
    portal_process.reset()
    fresh.start()
    fresh.portal().call("PUT", f"{API}/partner/configuration", json=portal_process.configuration())
    customer = fresh.connect("northwind", client_id="ours")
    [order] = fresh.control.place("northwind", "skills")
    customer.patch(order["order_id"], {"status": "IN_PROGRESS"})
    customer.upload(order["order_id"])
    customer.patch(order["order_id"], {"bogus": 1})
    fresh.control.settings(token_lifetime=99)
    fresh.control.fault("slow", seconds=0, count=5)
    before = fresh.control.state()
    seen = fresh.control.order(order["order_id"])

    fresh.kill()
    with (fresh.folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"kind":"result","order_id":"')
    fresh.start()

    assert fresh.control.state() == before
    assert fresh.control.order(order["order_id"]) == seen
    assert customer.patch(order["order_id"], {"status": "COMPLETED"}).json()["status"] == "COMPLETED"


def test_order_is_on_record_before_its_call_goes_out(fresh: Simulator, portal_process: FakePortal) -> None:
    portal_process.reset()
    portal_process.answers["POST /orders"] = (0, {}, None)
    fresh.start()
    fresh.portal().call("PUT", f"{API}/partner/configuration", json=portal_process.configuration())
    fresh.connect("northwind")
    [order] = fresh.control.place("northwind", "skills")
    assert (order["status_code"], order["accepted"]) == (None, False)
    fresh.kill()
    fresh.start()
    portal_process.answers["POST /orders"] = (202, {}, None)
    assert fresh.control.retry(order["order_id"])["accepted"]
    first, second = (call["body"] for call in portal_process.of("POST /orders"))
    assert first == second


def test_torn_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.append({"kind": "first"})
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"kind":"sec')
    again = Journal(path)
    again.append({"kind": "second"})
    assert [event for event, _ in again.read()] == [{"kind": "first"}, {"kind": "second"}]


def test_torn_line_alone_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"kind":"' + b"x" * 200_000)
    assert (Journal(path).end, path.read_bytes()) == (0, b"")


def test_cursor_goes_on_where_it_stopped(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    for number in range(5):
        journal.append({"kind": "n", "number": number, "text": "ü"})
    events = list(journal.read())
    assert [event["number"] for event, _ in journal.read(events[2][1])] == [3, 4]
    assert events[-1][1] == journal.end
    assert [event["number"] for event in journal.tail(2)] == [4, 3]
