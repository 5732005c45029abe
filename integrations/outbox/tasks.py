"""Celery's part: it wakes and carries ids, nothing else."""

from celery import shared_task

from integrations.outbox import courier, dispatcher


@shared_task
def dispatch() -> None:
    dispatcher.dispatch(carry.delay)


@shared_task
def carry(stream_id: int) -> None:
    courier.carry(stream_id)
