"""Everything that the scheduler starts, by several schedulers at once: two of them must do no harm."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from assessments import imports
from assessments.models import CatalogueImport
from config import celery_app
from integrations.audit import chain
from integrations.models import AuditEntry, Connection, Customer, Event, User
from integrations.outbox.models import Delivery, DeliveryState
from integrations.webhooks import events
from orders import results
from orders.models import Order
from tests import rows
from tests.orders import bodies
from tests.orders.test_parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)
ORDERS = 6  # for each job
SCHEDULERS = 3
# It wakes couriers through the broker. tests/integrations/outbox/test_faults.py has two dispatchers.
NEEDS_BROKER = {"integrations.outbox.tasks.dispatch"}


def run_all_at_once() -> None:
    """Run each scheduled task in several threads at the same moment."""
    celery_app.loader.import_default_modules()
    for name in sorted({entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} - NEEDS_BROKER):
        at_once(lambda _, task=celery_app.tasks[name]: task.run(), SCHEDULERS)


def place_orders(connection: Connection, package: str) -> list[str]:
    return [bodies.place_order(connection, assessmentPackageId=package).pk for _ in range(ORDERS)]


def test_several_schedulers_do_everything_once(
    connection: Connection, customer: Customer, staff: User, settings: Any, tmp_path: Path
) -> None:
    settings.PORTAL_DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "files"
    rows.make_package("expiring", expires_after_days=14)
    rows.make_package("reminding", remind_after_days=3, invite_candidate=True)
    rows.make_package("kept")
    expiring, reminding, kept = (place_orders(connection, name) for name in ("expiring", "reminding", "kept"))
    Order.objects.filter(pk__in=expiring).update(created_at=timezone.now() - timedelta(days=15))
    Order.objects.filter(pk__in=reminding).update(created_at=timezone.now() - timedelta(days=4))
    for order in kept:
        results.report(order, {"status": "COMPLETED"}, by="engine")
    Delivery.objects.filter(subject__in=kept).update(state=DeliveryState.DELIVERED)
    Order.objects.filter(pk__in=kept).update(updated_at=timezone.now() - timedelta(days=31))
    Customer.objects.filter(pk=customer.pk).update(retention_days=30)

    run_all_at_once()

    sent = Delivery.objects.filter(kind__in=["result", "reminder"]).exclude(subject__in=kept)
    assert Counter(sent.values_list("kind", "subject")) == {
        **{("result", order): 1 for order in expiring},
        **{("reminder", order): 1 for order in reminding},
    }
    erasures = AuditEntry.objects.filter(action="candidate.erased")
    assert Counter(order for entry in erasures for order in entry.detail["orders"]) == Counter(kept)
    assert sum(entry.detail["orders"] for entry in AuditEntry.objects.filter(action="retention.applied")) == ORDERS
    events.assign_numbers()  # to what the later tasks recorded
    chain.append_pending()
    numbers = list(Event.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    numbers = list(AuditEntry.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert list(chain.verify_chain()) == []


def test_several_schedulers_import_a_file_once(staff: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "SYNC_MAX_BYTES", 0)
    job = imports.start_import(by=staff, content=b"package,name,type\na,A,SKILL_TEST\n", retire_missing=False)
    run_all_at_once()
    job.refresh_from_db()
    assert imports.confirm_import(job)
    run_all_at_once()
    assert [each.state for each in CatalogueImport.objects.all()] == ["applied"]
    assert AuditEntry.objects.filter(action="catalogue.imported").count() == 1
