"""The audit log's hash chain, checkpoint and triggers (tests/reliability/README.md, S8)."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from integrations import audit
from integrations.audit import chain, triggers
from integrations.models import AuditEntry, User


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.PORTAL_DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def chained(staff: User) -> list[AuditEntry]:
    for number in range(1, 6):
        audit.record(
            "order.viewed", f"ord_{number}", actor=audit.Actor(staff, "2001:DB8::7"), found=number, how="näher"
        )
    assert chain.append_pending() == 5
    return list(AuditEntry.objects.order_by("number"))


@pytest.fixture
def owner(chained: list[AuditEntry]) -> None:
    """Drop the triggers, as an attacker with full access to the tables would."""
    triggers.drop_triggers(connection)


def verify() -> str:
    out = io.StringIO()
    call_command("audit_verify", stdout=out)
    return out.getvalue()


def wrong() -> list[str]:
    with pytest.raises(CommandError) as refusal:
        verify()
    assert refusal.value.returncode == 1
    return str(refusal.value).splitlines()


def changed(number: int, row: int) -> str:
    return f"entry {number} of the audit log (row {row}): changed, or not written by this portal"


def test_chain_is_whole_and_goes_on(chained: list[AuditEntry]) -> None:
    assert [entry.number for entry in chained] == [1, 2, 3, 4, 5]
    audit.record("order.viewed", "ord_6")
    head = f"The newest entry is 5, MAC {chained[-1].mac}."
    assert verify() == f"The audit log is intact. {head} Entries without a number yet: 1.\n"
    assert (chain.append_pending(), chain.append_pending()) == (1, 0)
    assert verify().endswith(" Entries without a number yet: 0.\n")


def test_chain_without_entries_is_whole(db: None) -> None:
    assert verify() == "The audit log is intact. It has no entries yet. Entries without a number yet: 0.\n"


def test_deleted_user_leaves_the_chain_whole(chained: list[AuditEntry], staff: User) -> None:
    staff.delete()
    assert AuditEntry.objects.filter(actor=None).count() == 5
    assert verify().startswith("The audit log is intact.")


@pytest.mark.parametrize(
    "change",
    [
        {"actor_name": "somebody@vendor.example"},
        {"action": "order.reported"},
        {"subject": "ord_9"},
        {"detail": {"found": 3}},
        {"ip": "192.0.2.1"},
        {"mac": "0" * 64},
    ],
)
def test_changed_entry_is_named(owner: None, chained: list[AuditEntry], change: dict[str, Any]) -> None:
    AuditEntry.objects.filter(number=3).update(**change)
    assert wrong()[0] == changed(3, chained[2].pk)


def test_deleted_entries_are_named(owner: None, chained: list[AuditEntry]) -> None:
    AuditEntry.objects.filter(number=1).delete()
    assert wrong() == ["entry 1 of the audit log: missing"]
    AuditEntry.objects.filter(number__in=[3, 4]).delete()
    assert wrong() == ["entry 1 of the audit log: missing", "entries 3 to 4 of the audit log: missing"]


def test_chain_made_anew_without_the_key_is_seen(owner: None, chained: list[AuditEntry], settings: Any) -> None:
    key, settings.SECRET_KEY = settings.SECRET_KEY, "another key " * 4
    AuditEntry.objects.update(number=None, mac="")
    chain.append_pending()
    settings.SECRET_KEY = key
    assert wrong() == [changed(entry.number or 0, entry.pk) for entry in chained]


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_make_one_chain() -> None:
    for number in range(20):
        audit.record("order.viewed", f"ord_{number}")

    def extend(_: int) -> int:
        try:
            return chain.append_pending()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(extend, range(8))) == 20
    assert sorted(AuditEntry.objects.values_list("number", flat=True)) == list(range(1, 21))
    assert verify().startswith("The audit log is intact.")


# The head outside the database


@pytest.fixture
def noted(
    owner: None, chained: list[AuditEntry], folder: Path, django_capture_on_commit_callbacks: Any
) -> list[AuditEntry]:
    audit.record("order.viewed", "ord_6")
    with django_capture_on_commit_callbacks(execute=True):
        chain.append_pending()
    entries = list(AuditEntry.objects.order_by("number"))
    assert (folder / "audit_head").read_text() == f"6 {entries[-1].mac}\n"
    assert verify().startswith("The audit log is intact.")
    return entries


def test_end_that_was_cut_off_is_seen_and_stays_seen(
    noted: list[AuditEntry], folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    AuditEntry.objects.filter(number__gt=4).delete()
    said = f"of the audit log: cut off, or the database is older than {folder / 'audit_head'}"
    assert wrong() == [f"entries 5 to 6 {said}"]
    for number in range(2):
        audit.record("order.viewed", f"ord_new_{number}")
        with django_capture_on_commit_callbacks(execute=True):
            chain.append_pending()
    assert wrong() == [f"entry 6 of the audit log: its MAC is not the one in {folder / 'audit_head'}"]
    (folder / "audit_head").unlink()
    assert verify().startswith("The audit log is intact.")


def test_head_is_kept_by_the_owner_alone_and_is_no_reason_to_stop(
    noted: list[AuditEntry], folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    (folder / "audit_head").unlink()
    (folder / "audit_head").mkdir()
    audit.record("order.viewed", "ord_7")
    with django_capture_on_commit_callbacks(execute=True):
        assert chain.append_pending() == 1


# The database's own guard


@pytest.mark.parametrize(
    "change",
    [
        {"actor_name": "somebody@vendor.example"},
        {"action": "order.reported"},
        {"subject": "ord_9"},
        {"detail": {"found": 3}},
        {"ip": "192.0.2.1"},
        {"at": timezone.now()},
        {"number": 9},
        {"number": None},
        {"mac": ""},
        {"mac": "0" * 64},
    ],
)
def test_entry_cannot_be_changed(chained: list[AuditEntry], change: dict[str, Any]) -> None:
    with pytest.raises(DatabaseError, match="the audit is append-only"), transaction.atomic():
        AuditEntry.objects.filter(number=3).update(**change)
    assert verify().startswith("The audit log is intact.")


def test_entry_cannot_be_given_to_somebody_else(chained: list[AuditEntry], alice: User) -> None:
    with pytest.raises(DatabaseError, match="the audit is append-only"), transaction.atomic():
        AuditEntry.objects.filter(number=3).update(actor=alice)


def test_entries_cannot_be_deleted(chained: list[AuditEntry]) -> None:
    audit.record("order.viewed", "ord_6")
    for entries in (AuditEntry.objects.all(), AuditEntry.objects.filter(number=None)):
        with pytest.raises(DatabaseError, match="the audit is append-only"), transaction.atomic():
            entries.delete()
    assert AuditEntry.objects.count() == 6


def test_table_cannot_be_emptied_at_once(chained: list[AuditEntry]) -> None:
    connection.check_constraints()  # else PostgreSQL refuses for what it still has to check itself
    empty = "TRUNCATE" if connection.vendor == "postgresql" else "DELETE FROM"
    with pytest.raises(DatabaseError, match="the audit is append-only"), transaction.atomic():
        connection.cursor().execute(f"{empty} integrations_auditentry")
    assert AuditEntry.objects.count() == 5
