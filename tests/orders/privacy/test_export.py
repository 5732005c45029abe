"""Export of a candidate's data (S13 in tests/reliability/README.md)."""

import io
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models
from django.test import Client as Browser

from integrations.encryption import Sealed, SealedField
from integrations.models import AuditEntry, Connection, IdempotencyRecord, User
from integrations.outbox.models import Attempt, Delivery
from orders.models import Attachment, Order, OrderEvent, Resource, Result, Upload
from orders.privacy import erasure_log, export
from tests import rows
from tests.orders import bodies
from tests.orders.admin.test_orders import page_of, text
from tests.orders.privacy import personal_data
from tests.orders.privacy.test_erasure import CANARY, EMAIL, bodies_pdf, folder, known  # noqa: F401

pytestmark = pytest.mark.django_db
SECTIONS = {
    Result: "results",
    Attachment: "attachments",
    Resource: "resources",
    Upload: "uploads",
    OrderEvent: "events",
    Delivery: "deliveries",
    Attempt: "attempts",
    IdempotencyRecord: "kept_answers",
}
REGISTERED = [
    (label, name)
    for listed in (personal_data.CANDIDATE_FIELDS, personal_data.ORDER_TEXT_FIELDS)
    for label, names in listed.items()
    for name in sorted(names)
]


def exported(email: str = EMAIL) -> zipfile.ZipFile:
    target = io.BytesIO()
    export.export(email, target)
    return zipfile.ZipFile(target)


def said(archive: zipfile.ZipFile) -> list[dict[str, Any]]:
    orders: list[dict[str, Any]] = json.loads(archive.read("candidate.json"))["orders"]
    return orders


def mark(model: type[models.Model], name: str, mark: str) -> None:
    """Put a mark into this column of one row."""
    row = model._default_manager.order_by("-pk").first()
    assert row is not None
    column = model._meta.get_field(name)
    if isinstance(column, SealedField):
        name = next(key for key, each in vars(model).items() if isinstance(each, Sealed) and each.column == name)
    setattr(row, name, {"mark": mark} if isinstance(column, models.JSONField) else mark)
    row.save(update_fields=[column.name])


@pytest.mark.parametrize(("label", "name"), REGISTERED)
def test_every_registered_column_is_in_the_export(known: Order, label: str, name: str) -> None:  # noqa: F811
    model = apps.get_model(label)
    if (label, name) == ("orders.order", "candidate_email"):
        assert said(exported())[0][name] == EMAIL
        return
    mark_ = f"mark-{name}"
    if label == "orders.attachment" and name in ("external_url", "file"):
        rows = Attachment.objects.filter(external_url="") if name == "file" else Attachment.objects.filter(file="")
        rows.update(**{name: mark_})
    else:
        mark(model, name, mark_)
    [order] = said(exported())
    rows_ = order[SECTIONS[model]] if model in SECTIONS else [order]
    column = name.removesuffix("_sealed")
    assert mark_ in json.dumps([row[column] for row in rows_])


def test_export_holds_the_files_and_all_orders_for_the_address(
    known: Order,  # noqa: F811
    other_connection: Connection,
) -> None:
    again = bodies.place_order(other_connection, candidate={"id": "c", "email": EMAIL.upper()})
    bodies.place_order(other_connection)
    archive = exported()
    orders = said(archive)
    assert [(order["id"], order["customer"]) for order in orders] == [
        (known.pk, "Northwind Retail"),
        (again.pk, "Harbour Clinics"),
    ]
    report = known.attachments.exclude(file="").get()
    assert sorted(archive.namelist()) == ["candidate.json", f"files/{report.pk}/{CANARY}.pdf"]
    assert archive.read(f"files/{report.pk}/{CANARY}.pdf") == bodies_pdf()
    assert orders[0]["results"][0]["score_raw"] == 28


def test_export_holds_nobody_elses_orders(known: Order, connection: Connection, engine: Any) -> None:  # noqa: F811
    other = bodies.place_order(connection)
    engine.post("/api/vendor/v1/orders/lease", {}, HTTP_IDEMPOTENCY_KEY="both")
    content = exported().read("candidate.json").decode()
    assert (other.pk in content, known.link_token_hash in content) == (False, False)


def test_export_leaves_out_what_steers_the_work(known: Order) -> None:  # noqa: F811
    [order] = said(exported())
    assert {"lease_expires_at", "result_callback_url", "link_token"} & order.keys() == set()


def test_export_holds_the_refused_calls_for_the_order(known: Order) -> None:  # noqa: F811
    rows.make_refused_call(order_id=known.smartrecruiters_order_id, errors="conflict")
    rows.make_refused_call(order_id=known.smartrecruiters_order_id, company_id="harbour-clinics")
    rows.make_refused_call()
    [order] = said(exported())
    assert [(call["order_id"], call["errors"]) for call in order["refused_calls"]] == [
        (known.smartrecruiters_order_id, "conflict")
    ]


def test_damaged_file_is_named(known: Order, folder: Path) -> None:  # noqa: F811
    report = known.attachments.exclude(file="").get()
    (folder / "files" / report.file).write_bytes(b"changed")
    archive = exported()
    assert archive.read(f"files/{report.pk}/damaged.txt") == b"This file is not available: its content has changed.\n"


def test_command_writes_a_private_file_and_audits(known: Order, tmp_path: Path) -> None:  # noqa: F811
    out, path = io.StringIO(), tmp_path / "export.zip"
    call_command("export_candidate", EMAIL.lower(), "--output", str(path), "--reason", "Asked by letter.", stdout=out)
    assert out.getvalue() == "Exported 1 orders with 1 files.\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [order["id"] for order in said(zipfile.ZipFile(path))] == [known.pk]
    entry = AuditEntry.objects.get(action="candidate.exported")
    detail = {"orders": [known.pk], "files": 1, "reason": "Asked by letter."}
    assert (entry.subject, entry.detail) == (erasure_log.make_pseudonym(EMAIL), detail)
    with pytest.raises(CommandError, match="File exists"):
        call_command("export_candidate", EMAIL, "--output", str(path))


def test_command_for_an_unknown_candidate_leaves_no_file(db: None, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with pytest.raises(CommandError, match="no order has this candidate"):
        call_command("export_candidate", "nobody@vendor.example", "--output", str(path))
    assert not path.exists()


def test_staff_export_from_the_orders_page(staff_browser: Browser, known: Order, staff: User) -> None:  # noqa: F811
    act = f"/admin/orders/order/{known.pk}/act/export/"
    assert act in text(staff_browser.get(page_of(known)))
    assert "Give it to the candidate only" in text(staff_browser.get(act))
    assert not AuditEntry.objects.filter(action="candidate.exported").exists()
    for nothing in ({}, {"reason": " "}):
        assert "Enter a reason first" in text(staff_browser.post(act, nothing))
    assert not AuditEntry.objects.filter(action="candidate.exported").exists()
    answer = staff_browser.post(act, {"reason": " He asked for it. " + "x" * 600})
    whose = erasure_log.make_pseudonym(EMAIL)
    assert answer["Content-Disposition"] == f'attachment; filename="candidate-{whose[:12]}.zip"'
    assert "no-store" in answer["Cache-Control"]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert [order["id"] for order in said(archive)] == [known.pk]
    entry = AuditEntry.objects.get(action="candidate.exported")
    assert (entry.subject, entry.actor_name, entry.ip) == (whose, staff.email, "127.0.0.1")
    assert entry.detail["reason"] == ("He asked for it. " + "x" * 600)[:500]
