import pytest

from assessments.models import Package
from integrations.models import Connection
from orders.models import Order
from tests import rows
from tests.orders import bodies


@pytest.fixture
def package(db: None) -> Package:
    return rows.make_package("skills", assessments=("logic", "typing"))


@pytest.fixture
def order(package: Package, connection: Connection) -> Order:
    """An ordinary order of Northwind for `package`."""
    return bodies.place(connection)


@pytest.fixture
def inline_order(package: Package, connection: Connection) -> Order:
    return bodies.place(connection, **bodies.INLINE)
