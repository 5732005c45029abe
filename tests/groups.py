"""Support for `xdist_group` under pytest 9.2.

xdist 3.8 cannot extend its node ids, so that `--dist loadgroup` would ignore all groups, and every worker would start
its own end-to-end worlds.
"""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        group = item.get_closest_marker("xdist_group")
        if group is not None and not item.nodeid.endswith(suffix := f"@{group.args[0]}"):
            item._id = type(item._id).parse(item.nodeid + suffix)
