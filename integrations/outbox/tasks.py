"""Celery tasks of the outbox. They carry ids only: the database is the record."""

from typing import Any

from celery import shared_task
from celery.signals import task_prerun, worker_ready, worker_shutting_down

from integrations.outbox import courier
from integrations.outbox.scheduling import dispatcher
from integrations.outbox.scheduling.watchdog import HeartbeatRecorder, Watchdog
from integrations.outbox.sending import executor

record_heartbeat = HeartbeatRecorder()


@shared_task
def dispatch() -> None:
    record_heartbeat()
    dispatcher.wake_couriers(carry.delay)


@shared_task
def carry(stream_id: int) -> None:
    courier.run(stream_id)


@worker_ready.connect
def start_watchdog(sender: Any, **_: Any) -> None:
    is_dispatcher = "courier" not in sender.app.amqp.queues.consume_from
    watchdog = Watchdog(f"{sender.hostname}", is_dispatcher=is_dispatcher)
    task_prerun.connect(watchdog.note_task_start, weak=False)
    watchdog.start()


@worker_shutting_down.connect
def stop_starting_calls(**_: Any) -> None:
    executor.stop_requested.set()
