"""Engine API from outside: the commands of its documentation, and Schemathesis against its OpenAPI description."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.apidocs import views
from tests.e2e.world import World, wait_for
from tests.integrations.simulator.process import ROOT, free_port

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-engine")]
REPORT = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Start a portal without a sample engine: the test acts as the engine."""
    with World(tmp_path_factory.mktemp("engine-api"), engine=False, WEBHOOKS_ALLOW_PRIVATE="1") as world:
        yield world


def run(world: World, folder: Path, *commands: str, **names: str) -> None:
    """Run commands in a shell in `folder`, as a reader of the page would."""
    client = world.seeded["engine"]
    names |= {"PORTAL": world.url, "CLIENT_ID": client["client_id"], "CLIENT_SECRET": client["client_secret"]}
    (folder / "lines.sh").write_text("\n".join(commands))
    done = subprocess.run(
        ["bash", "-O", "expand_aliases", "-eux", "lines.sh"],
        cwd=folder,
        env={**world.environment, **names},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def blocks(file: str) -> list[str]:
    """Return the page's commands, one text per step."""
    return [step.commands for step in views.parse_steps(file)]


def test_quick_start_of_the_page_brings_a_result_to_smartrecruiters(world: World, tmp_path: Path) -> None:
    world.connect_company("quick-start")
    placed = world.control.place_orders("quick-start", world.package_ids("SKILL_TEST")[0])
    (tmp_path / "report.pdf").write_bytes(REPORT)
    run(world, tmp_path, (ROOT / "templates" / views.QUICKSTART).read_text())
    wait_for("the result", lambda: world.order_statuses(placed) == ["COMPLETED"])
    result = world.control.get_order(placed[0]["order_id"])["result"]
    assert (result["score"], result["scoreLabel"]) == ({"raw": 28, "min": 20, "max": 80}, "Promising")
    assert [attachment["type"] for attachment in result["attachments"]] == ["PDF_URL"]
    assert world.control.list_breaches() == []


def test_webhooks_of_the_page_reach_its_endpoint(world: World, tmp_path: Path) -> None:
    """The page's endpoint accepts the test message, a repeated message, and a signature by either secret."""
    port = free_port()
    token, register, test, rotate, change, remove = blocks(views.QUICKSTART)[0], *blocks(views.WEBHOOKS)
    run(world, tmp_path, token, register, HOOK=f"http://127.0.0.1:{port}/")
    created = json.loads((tmp_path / "webhook.json").read_text())
    (tmp_path / "endpoint.py").write_text(views.render_text(views.RECEIVER))
    environment = {**os.environ, "WEBHOOK_SECRET": created["secret"], "HOOK_PORT": str(port), "PYTHONUNBUFFERED": "1"}
    with (tmp_path / "output").open("wb") as output:
        endpoint = subprocess.Popen(
            [sys.executable, "endpoint.py"], cwd=tmp_path, env=environment, stdout=output, stderr=subprocess.DEVNULL
        )
    try:
        run(world, tmp_path, token, f"WEBHOOK={created['id']}", test)
        wait_for("the test", lambda: "order.created {'test': True}" in (tmp_path / "output").read_text())
        run(world, tmp_path, token, f"WEBHOOK={created['id']}", rotate, test)
        wait_for("the next one", lambda: (tmp_path / "output").read_text().count("'test': True") == 2)
        run(world, tmp_path, token, f"WEBHOOK={created['id']}", change, remove)
    finally:
        endpoint.terminate()
        endpoint.wait(10)
    rotated = json.loads((tmp_path / "webhook.json").read_text())
    assert rotated == {**created, "secret": rotated["secret"]}
    assert rotated["secret"] != created["secret"]


def test_events_of_the_page_go_on_behind_the_cursor(world: World, tmp_path: Path) -> None:
    world.connect_company("by-pull")
    world.control.place_orders("by-pull", world.package_ids("SKILL_TEST")[0], count=2)
    token, (first, following) = blocks(views.QUICKSTART)[0], blocks(views.EVENTS)
    run(world, tmp_path, token, first, f"({following}) > following.json")
    events = json.loads((tmp_path / "events.json").read_text())
    assert {event["type"] for event in events["results"]} == {"connection.enabled", "order.created"}
    assert json.loads((tmp_path / "following.json").read_text()) == {"results": [], "next": None}


def test_every_call_keeps_to_its_description(world: World, tmp_path: Path) -> None:
    world.connect_company("schemathesis")
    world.control.place_orders("schemathesis", world.package_ids("SKILL_TEST")[0], count=3)
    program = str(Path(sys.executable).with_name("schemathesis"))
    configuration = str(Path(__file__).with_name("schemathesis.toml"))
    command = [program, "--config-file", configuration, "run", f"{world.url}/api/vendor/v1/schema"]
    options = ["--max-examples", "12", "--seed", "7", "--no-color", "--phases", "examples,coverage,fuzzing,stateful"]
    bearer = ["-H", f"Authorization: Bearer {world.engine_token()}"]
    done = subprocess.run([*command, *options, *bearer], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
