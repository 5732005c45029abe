"""Proof of an erasure: no trace of the candidate is left (S11 in tests/reliability/README.md).

Searched in the bytes of SQLite's file and WAL with their free pages, of a pg_dump, and of all files in the data folder.
"""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.test import Client as Browser
from rest_framework.test import APIClient

from integrations.models import AuditEntry, IdempotencyRecord, Session
from integrations.outbox import clock
from integrations.outbox.models import Attempt, Delivery, DeliveryState
from orders import files
from orders.models import Order
from orders.privacy import erasure
from tests import postgres
from tests.orders import bodies
from tests.orders.admin.test_orders import page_of

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/vendor/v1/orders"


@pytest.fixture
def mark() -> str:
    """Of this run alone: the file of the tests' database has seen other candidates."""
    return f"mark{secrets.token_hex(8)}"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.PORTAL_DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "files"
    return tmp_path


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        yield from ((name + end, Path(name + end).read_bytes()) for end in ("", "-wal") if Path(name + end).exists())
        yield "dump", "\n".join(connection.connection.iterdump()).encode()
    else:
        yield "pg_dump", pg_dump()


def pg_dump() -> bytes:
    where, programs = connection.settings_dict, postgres.find_binaries()
    assert programs is not None
    return subprocess.run(
        [programs / "pg_dump", "-h", where["HOST"], "-p", str(where["PORT"]), "-U", where["USER"], where["NAME"]],
        env={**os.environ, "PGPASSWORD": where["PASSWORD"]},
        check=True,
        capture_output=True,
    ).stdout


def where_is(mark: str, folder: Path) -> set[str]:
    """Also as JSON spells it, and as it stands in a Python literal."""
    return {Path(name).name for name, content in everything(folder) if mark.encode() in content.lower()}


def candidate(mark: str) -> dict[str, str]:
    return {
        "id": f"{mark}-id",
        "email": f"{mark}@candidates.example",
        "firstName": f"{mark}-first",
        "lastName": f"{mark}-last",
        "nickname": f"{mark}-unknown",
    }


def live(mark: str, smartrecruiters: APIClient, engine: APIClient, staff_browser: Browser) -> Order:
    """Everything that can happen with an order, each thing said several times and in several lengths."""
    body = bodies.order_body(candidate=candidate(mark), fields={"team": f"{mark}-field"}, somethingNew=f"{mark}-new")
    assert smartrecruiters.post(bodies.ORDERS, body).status_code == 202
    order = Order.objects.latest("created_at")
    assert engine.post(f"{URL}/lease", {"max": 100}, HTTP_IDEMPOTENCY_KEY="lease").status_code == 200
    launch = {"launch_url": f"https://engine.example/{mark}"}
    assert engine.post(f"{URL}/{order.pk}/accept", launch, HTTP_IDEMPOTENCY_KEY="accept").status_code == 200
    for length in (5, 3000, 200, 3900):
        report = {"summary": f"{mark} " * (length // 25), "score_label": f"{mark}-{length}"}
        assert engine.patch(f"{URL}/{order.pk}/result", report).status_code == 200
    pdf = f"%PDF-1.4\n{mark}\n%%EOF\n".encode()
    files.store(pdf)  # its process died before it wrote the row
    upload = {"file": SimpleUploadedFile(f"{mark}.pdf", pdf), "name": f"{mark}.pdf"}
    assert engine.post(f"{URL}/{order.pk}/attachments", upload, format="multipart").status_code == 201
    done = {"status": "COMPLETED", "name": f"{mark}-name"}
    assert engine.patch(f"{URL}/{order.pk}/result", done).status_code == 200
    again = {"score_label": f"{mark}-better", "correction": f"{mark}-reason"}
    assert engine.patch(f"{URL}/{order.pk}/result", again).status_code == 200
    order.resources.update(content={"email": f"{mark}@candidates.example", "phone_number": mark})
    Browser().get(f"/take/{order.link_token}")
    staff_browser.get(page_of(order))
    staff_browser.post("/admin/orders/order/find/", {"q": f"{mark}@candidates.example"})
    called(order, mark)
    return order


def called(order: Order, mark: str) -> None:
    """Create an attempt of every delivery, with request and response."""
    for delivery in Delivery.objects.filter(subject=order.pk):
        for number in (1, 2):
            Attempt.objects.create(
                delivery=delivery,
                number=number,
                started_at=clock.now(),
                status=400,
                request={"body": {**delivery.payload, "mark": mark * number * 40}},
                response=json.dumps({"message": mark * 30}),
                error=f"{mark}-error",
            )
        Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.FAILED, reason=f"400: {mark}")


def test_nothing_is_left_of_an_erased_candidate(
    package: Any, smartrecruiters: APIClient, engine: APIClient, staff_browser: Browser, folder: Path, mark: str
) -> None:
    order = live(mark, smartrecruiters, engine, staff_browser)
    others = candidate("others")
    assert smartrecruiters.post(bodies.ORDERS, bodies.order_body(candidate=others)).status_code == 202
    orphan = next(path for path in (folder / "files").iterdir() if not order.attachments.filter(file=path.name))
    assert len(where_is(mark, folder)) >= 3
    done = erasure.erase(f"{mark}@candidates.example")
    assert (done.orders, done.files) == (1, 1)
    assert where_is(mark, folder) == {orphan.name}
    os.utime(orphan, (0, 0))
    assert files.delete_orphans() == 1
    assert where_is(mark, folder) == set()
    assert "others@candidates.example" in {order.candidate_email for order in Order.objects.all()}
    assert {row.subject for row in AuditEntry.objects.filter(action="candidate.erased")} == {done.pseudonym}
    assert (IdempotencyRecord.objects.count(), LogEntry.objects.count(), Session.objects.count()) == (0, 0, 1)


def test_nothing_is_left_when_several_processes_wrote_it(
    package: Any, smartrecruiters: APIClient, engine: APIClient, staff_browser: Browser, folder: Path, mark: str
) -> None:
    """A page that another connection freed is overwritten, too."""
    order = live(mark, smartrecruiters, engine, staff_browser)

    def rewrite(number: int) -> None:
        try:
            order.results.update(summary=f"{mark} " * (40 * number % 190))
            Attempt.objects.filter(delivery__subject=order.pk).update(response=mark * (number * 60))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(rewrite, range(1, 9)))
    Attempt.objects.filter(delivery__subject=order.pk, number=2).delete()
    erasure.erase(f"{mark}@candidates.example")
    files.ORPHAN_GRACE_SECONDS, grace = 0, files.ORPHAN_GRACE_SECONDS
    try:
        files.delete_orphans()
    finally:
        files.ORPHAN_GRACE_SECONDS = grace
    assert where_is(mark, folder) == set()
