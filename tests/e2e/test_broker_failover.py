"""A failover of Redis: for a while the portal talks to the former primary, which is a read-only replica now."""

import shutil
from pathlib import Path

import pytest
import redis

from tests.e2e.world import World, redis_server, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.xdist_group("e2e")]
WORKERS = ("courier", "dispatcher", "scheduler")


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="Redis is not installed")
def test_workers_go_on_after_a_failover(tmp_path: Path) -> None:
    with redis_server(tmp_path) as url, World(tmp_path / "world", REDIS_URL=url) as world:
        world.connect_company("failover")
        workers, package = world.find_pids(*WORKERS), world.package_ids("SKILL_TEST")[0]
        broker = redis.Redis.from_url(url)
        broker.replicaof("127.0.0.1", "9")
        placed = world.control.place_orders("failover", package, count=4)
        wait_for("the workers to notice", lambda: world.read_log().count("The broker (REDIS_URL)") >= 4)
        assert "COMPLETED" not in world.order_statuses(placed)
        broker.replicaof("NO", "ONE")
        wait_for("the results", lambda: set(world.order_statuses(placed)) == {"COMPLETED"})
        assert world.find_pids(*WORKERS) == workers  # none ended, to be started again with a growing delay
        assert world.read_log().count("The broker (REDIS_URL)") < 10
        assert world.control.list_breaches() == []
