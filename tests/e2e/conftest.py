from collections.abc import Iterator

import pytest

from tests.e2e.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Start an embedded portal, with an engine that completes every order at once."""
    with World(tmp_path_factory.mktemp("world")) as world:
        yield world
