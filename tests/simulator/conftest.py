from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.simulator.fake_portal import FakePortal
from tests.simulator.process import API, Caller, Simulator

_numbers = count(1)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path_factory.mktemp("simulator"))
    simulator.start()
    yield simulator
    simulator.kill()


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    """The session's simulator, without switches, breaches and changed settings of other tests."""
    running.control.clear_faults()
    running.control.clear_breaches()
    yield running
    running.control.clear_faults()
    running.control.settings(limits=True, latency=0.0, token_lifetime=1800, patch_types="json", upload_part="file")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Simulator]:
    """A simulator of this test's own, not yet started."""
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
    """A partner whose configuration is published."""
    portal_process.reset()
    answer = simulator.portal().call("PUT", f"{API}/partner/configuration", json=portal_process.configuration())
    assert answer.status_code == 200, answer.text
    return portal_process


@pytest.fixture
def company() -> str:
    """The id of a company nobody used before."""
    return f"company-{next(_numbers)}"


@pytest.fixture
def customer(simulator: Simulator, portal: FakePortal, company: str) -> Caller:
    """The portal, holding the credential of `company`, which is connected."""
    return simulator.connect(company)


@pytest.fixture
def order_id(simulator: Simulator, customer: Caller, company: str) -> str:
    """An accepted manual order of `company` for the package with the assessments `words` and `numbers`."""
    [order] = simulator.control.place(company, "skills")
    assert order["accepted"], order
    return str(order["order_id"])


@pytest.fixture
def breaches(simulator: Simulator) -> Callable[[], list[str]]:
    return lambda: [breach["what"] for breach in simulator.control.breaches()]
