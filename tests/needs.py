"""Markers of tests that need more than Python; such a test is skipped if its requirement is missing.

Under REQUIRE_ALL=1, as in .ci/run, a skipped test fails.
`--only-database` deselects tests that do not use the database.
"""

import os
import shutil
from collections.abc import Generator

import pytest

from tests import clamd, postgres

NEEDS = {
    "browser": ("Chromium", lambda: any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))),
    "postgresql": ("PostgreSQL", postgres.is_available),
    "clamav": ("ClamAV's daemon", clamd.find_program),
    "nginx": ("nginx", lambda: shutil.which("nginx") or shutil.which("/usr/sbin/nginx")),
    "pgbouncer": ("PgBouncer", lambda: shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")),
    "libreoffice": ("LibreOffice Calc", lambda: shutil.which("soffice")),
    "poppler": ("poppler-utils", lambda: shutil.which("pdfinfo") and shutil.which("pdftotext")),
    "redis": ("a Redis server", lambda: shutil.which("redis-server")),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only-database", action="store_true", help="run the tests that use the database alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("only_database"):
        config.hook.pytest_deselected(items=[item for item in items if not _uses_database(item)])
        items[:] = [item for item in items if _uses_database(item)]


def _uses_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or not fixtures.isdisjoint({"db", "transactional_db"})


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, (name, is_here) in NEEDS.items():
        if item.get_closest_marker(marker) and not is_here():
            pytest.skip(f"{item.nodeid}: {name} is not installed here")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and os.environ.get("REQUIRE_ALL") == "1":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} must not be skipped here: {report.longrepr}"
    return report
