"""Celery's part: it wakes and carries ids, nothing else."""

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from integrations.outbox import courier, dispatcher


@shared_task
def dispatch() -> None:
    dispatcher.dispatch(carry.delay)


@shared_task
def carry(stream_id: int) -> None:
    courier.carry(stream_id)


@worker_shutting_down.connect
def stop_starting_calls(**_: Any) -> None:
    courier.stopping.set()
