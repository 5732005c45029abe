"""The engine's API as an outsider meets it: the quick start of its page, and its own description held against it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.world import World, wait_for
from tests.simulator.process import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-engine")]
REPORT = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Without a sample engine: the test is the engine."""
    with World(tmp_path_factory.mktemp("engine-api"), engine=False) as world:
        yield world


def test_quick_start_of_the_page_brings_a_result_to_smartrecruiters(world: World, tmp_path: Path) -> None:
    world.connect("quick-start")
    placed = world.control.place("quick-start", world.packages("SKILL_TEST")[0])
    (tmp_path / "report.pdf").write_bytes(REPORT)
    client = world.seeded["engine"]
    names = {"PORTAL": world.url, "CLIENT_ID": client["client_id"], "CLIENT_SECRET": client["client_secret"]}
    done = subprocess.run(
        ["bash", "-O", "expand_aliases", "-eux", ROOT / "templates/api/quickstart.sh"],
        cwd=tmp_path,
        env={**world.environment, **names},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    wait_for("the result", lambda: world.statuses(placed) == ["COMPLETED"])
    result = world.control.order(placed[0]["order_id"])["result"]
    assert (result["score"], result["scoreLabel"]) == ({"raw": 28, "min": 20, "max": 80}, "Promising")
    assert [attachment["type"] for attachment in result["attachments"]] == ["PDF_URL"]
    assert world.control.breaches() == []


def test_every_call_keeps_to_its_description(world: World, tmp_path: Path) -> None:
    world.connect("schemathesis")
    world.control.place("schemathesis", world.packages("SKILL_TEST")[0], count=3)
    program, configuration = (
        Path(sys.executable).with_name("schemathesis"),
        Path(__file__).with_name("schemathesis.toml"),
    )
    command = [program, "--config-file", configuration, "run", f"{world.url}/api/vendor/v1/schema"]
    options = ["--checks", "all", "--max-examples", "25", "--seed", "7", "--no-color", "--phases", "examples,fuzzing"]
    bearer = ["-H", f"Authorization: Bearer {world.engine_token()}"]
    done = subprocess.run([*command, *options, *bearer], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
