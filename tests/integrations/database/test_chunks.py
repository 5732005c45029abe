"""Iteration in chunks: each row once, whatever the caller does with the rows meanwhile."""

import pytest

from assessments.models import Package
from integrations.database.chunks import iterate_in_chunks
from tests.config.conftest import REPOSITORY

pytestmark = pytest.mark.django_db
APPS = ("config", "orders", "assessments", "integrations")


def make_packages(count: int) -> list[str]:
    ids = [f"package-{number:02}" for number in range(count)]
    Package.objects.bulk_create(Package(id=each, name=each.upper()) for each in reversed(ids))
    return ids


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 7])
def test_rows_come_once_and_in_order(count: int) -> None:
    ids = make_packages(count)
    assert [package.pk for package in iterate_in_chunks(Package.objects.all(), chunk_size=2)] == ids


def test_filter_and_deferred_columns_are_kept() -> None:
    make_packages(6)
    rows = Package.objects.exclude(pk="package-03").only("name")
    found = [
        (package.name, "type" in package.get_deferred_fields()) for package in iterate_in_chunks(rows, chunk_size=2)
    ]
    assert found == [(f"PACKAGE-0{number}", True) for number in (0, 1, 2, 4, 5)]


def test_another_unique_column_orders_the_rows() -> None:
    ids = make_packages(5)
    for number, package in enumerate(Package.objects.order_by("-pk")):
        Package.objects.filter(pk=package.pk).update(name=f"name {number}")
    assert [each.pk for each in iterate_in_chunks(Package.objects.all(), key="name", chunk_size=2)] == ids[::-1]


def test_rows_may_be_deleted_meanwhile() -> None:
    ids, seen = make_packages(5), []
    for package in iterate_in_chunks(Package.objects.all(), chunk_size=2):
        seen.append(package.pk)
        package.delete()
    assert (seen, Package.objects.count()) == (ids, 0)


def test_no_module_opens_a_server_side_cursor() -> None:
    """Outside a transaction such a cursor is lost behind a pooler; `iterate_in_chunks` needs none."""
    sources = [path for app in APPS for path in (REPOSITORY / app).rglob("*.py")]
    assert len(sources) > 300
    assert [path for path in sources if ".iterator(" in path.read_text()] == []
