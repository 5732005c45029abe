from celery import shared_task

from orders import expiry, files, reconciliation, reminders
from orders.privacy import erasure, retention


@shared_task
def expire() -> None:
    expiry.expire_due()


@shared_task
def remind() -> None:
    reminders.remind_due()


@shared_task
def reconcile() -> None:
    reconciliation.reconcile_recent()


@shared_task
def tidy() -> None:
    """Apply the retention policies, and delete orphaned files and the old content of SQLite's WAL."""
    retention.apply_policies()
    files.delete_orphans()
    erasure.truncate_wal()
