from celery import shared_task

from orders import expiry, reconciliation, reminders


@shared_task
def expire() -> None:
    expiry.expire_due()


@shared_task
def remind() -> None:
    reminders.remind_due()


@shared_task
def reconcile() -> None:
    reconciliation.reconcile_lately()
