"""No route gives a person without the second factor that a customer requires access to that customer."""

import pytest
from django.db import transaction

from integrations.models import Customer
from tests.everything import World, build_body, build_url
from tests.routes import ROUTES

pytestmark = pytest.mark.django_db


def test_no_route_shows_the_customer(world: World) -> None:
    """Every route that gives Alice more than a person of another customer gives her no more than that now."""
    with transaction.atomic():
        Customer.objects.filter(pk=world.northwind.pk).update(requires_second_factor=True)
        open_routes = []
        for row, methods in ROUTES.items():
            for method, answers in methods.items():
                if method == "*" or answers["alice"] == answers["charlie"]:
                    continue
                with transaction.atomic():
                    url = build_url(world, row)
                    answer = world.send_request("alice", method, url, *build_body(world, row, method))
                    transaction.set_rollback(True)
                if row == "consent_again":  # she approved it while she had access
                    continue
                if answer.status_code not in (302, 400, 403, 404) or "Northwind" in answer.headers.get("Location", ""):
                    open_routes.append(f"{method} {row}: {answer.status_code}")
        transaction.set_rollback(True)
    assert open_routes == []
