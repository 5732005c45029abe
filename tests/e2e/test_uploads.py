"""Reports as files, through all processes: the engine API, the courier, the simulator's ledger."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.e2e.world import World, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-uploads")]
UPLOAD = """
from integrations.models import PartnerConfiguration
row = PartnerConfiguration.load()
row.report_delivery = "upload"
row.save(update_fields=["report_delivery"])
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Start a portal that uploads reports, with an engine that completes every order at once."""
    with World(tmp_path_factory.mktemp("uploads")) as world:
        world.run_manage("shell", "-c", UPLOAD)
        yield world


def list_attachments(world: World, order: dict[str, Any]) -> list[str]:
    result = world.control.get_order(order["order_id"])["result"]
    return [each["url"] for each in result.get("attachments", [])]


def list_uploads(world: World, order: dict[str, Any]) -> list[str]:
    return [each["url"] for each in world.control.get_order(order["order_id"])["uploads"]]


def test_reports_of_ordinary_orders_are_uploaded_and_inline_ones_linked(world: World) -> None:
    world.connect_company("uploads")
    ordinary = world.control.place_orders("uploads", world.package_ids("SKILL_TEST")[0], count=5)
    inline = world.control.place_orders("uploads", world.package_ids("INLINE_ASSESSMENT")[0], inline=True)
    placed = [*ordinary, *inline]
    wait_for("the reports", lambda: all(list_attachments(world, order) for order in placed), 150)
    wait_for("the results", lambda: world.order_statuses(placed) == ["COMPLETED"] * 6)
    wait_for("quiet", lambda: "pending 0" in count_pending(world))
    assert [list_attachments(world, order) for order in ordinary] == [list_uploads(world, order) for order in ordinary]
    assert {len(list_uploads(world, order)) for order in ordinary} == {1}
    assert [list_uploads(world, order) for order in inline] == [[]]
    for order in placed:
        assert requests.get(list_attachments(world, order)[0], timeout=10).content[:5] == b"%PDF-"
    assert world.control.list_breaches() == []


def test_upload_whose_answer_is_lost_is_found_and_not_doubled(world: World) -> None:
    world.connect_company("uploads-lost")
    world.control.set_fault("drop", route="attachment", company="uploads-lost", count=2, after_effect=True)
    placed = world.control.place_orders("uploads-lost", world.package_ids("SKILL_TEST")[0], count=3)
    wait_for("the reports", lambda: all(list_attachments(world, order) for order in placed), 150)
    wait_for("quiet", lambda: "pending 0" in count_pending(world))
    assert [list_attachments(world, order) for order in placed] == [list_uploads(world, order) for order in placed]
    assert {len(list_uploads(world, order)) for order in placed} == {1}
    assert world.control.list_breaches() == []


def count_pending(world: World) -> str:
    script = "from integrations.outbox.models import Delivery; print('pending', Delivery.objects.filter("
    script += "kind__in=['result', 'upload'], state__in=['pending', 'in_flight', 'unknown']).count())"
    return world.run_manage("shell", "-c", script)
