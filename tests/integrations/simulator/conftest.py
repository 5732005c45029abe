from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import count
from pathlib import Path

import pytest

from integrations.simulator.store.entities import Settings
from tests.integrations.simulator.fake_portal import FakePortal
from tests.integrations.simulator.process import API, Caller, Simulator

_company_numbers = count(1)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path_factory.mktemp("simulator"))
    simulator.start()
    yield simulator
    simulator.kill()


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    """Return the session's simulator, reset, without rate limits: tests are faster than a portal."""
    running.control.clear_faults()
    running.control.clear_breaches()
    running.control.change_settings(**{**asdict(Settings()), "limits": False})
    return running


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Simulator]:
    """Create a simulator for one test, which is not started."""
    simulator = Simulator(tmp_path / "simulator")
    yield simulator
    simulator.kill()


@pytest.fixture(scope="session")
def portal_process() -> Iterator[FakePortal]:
    portal = FakePortal()
    yield portal
    portal.stop()


@pytest.fixture
def portal(portal_process: FakePortal, simulator: Simulator) -> FakePortal:
    """Return a fake portal with a published configuration."""
    portal_process.reset()
    answer = simulator.master_caller().call(
        "PUT", f"{API}/partner/configuration", json=portal_process.build_configuration()
    )
    assert answer.status_code == 200, answer.text
    return portal_process


@pytest.fixture
def company() -> str:
    """Return an unused company id."""
    return f"company-{next(_company_numbers)}"


@pytest.fixture
def customer(simulator: Simulator, portal: FakePortal, company: str) -> Caller:
    """Connect `company`, and return a caller with its credentials."""
    return simulator.connect_company(company)


@pytest.fixture
def order_id(simulator: Simulator, customer: Caller, company: str) -> str:
    """Place an order of `company` for the package with the assessments `words` and `numbers`."""
    [order] = simulator.control.place_orders(company, "skills")
    assert order["accepted"], order
    return str(order["order_id"])


@pytest.fixture
def breaches(simulator: Simulator) -> Callable[[], list[str]]:
    return lambda: [breach["what"] for breach in simulator.control.list_breaches()]
