"""Naive alternatives to compare with: a Celery task per result with `autoretry_for`, and a loop with `requests`.

Both read the result and the company's token from the same database. They do nothing else: no outcome is stored, and
the tokens exist already, so that the comparison is about delivery, not about OAuth.
"""

import os
import time
from collections.abc import Iterable
from types import ModuleType

import requests
from celery import Celery
from celery.signals import worker_init

PATH = "/assessment-api/v202010/orders/{}/results"

app = Celery("naive", broker=os.environ.get("NAIVE_BROKER"))
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True)


@worker_init.connect
def set_up(**_: object) -> None:
    import django

    django.setup()


@app.task(autoretry_for=(requests.RequestException,), retry_backoff=True, retry_jitter=True, max_retries=10)
def send(order: str) -> None:
    send_patch(requests, order)


def send_patch(http: ModuleType | requests.Session, order_id: str) -> None:
    from orders.models import Order

    order = Order.objects.select_related("connection").get(smartrecruiters_order_id=order_id)
    result = order.results.get(assessment_id="")
    score = {"raw": result.score_raw, "min": result.score_min, "max": result.score_max}
    http.patch(
        os.environ["SMARTRECRUITERS_API_URL"] + PATH.format(order_id),
        json={"status": result.status, "score": score},
        headers={"Authorization": f"Bearer {order.connection.access_token}"},
        timeout=15,
    ).raise_for_status()


def send_in_loop(orders: Iterable[str], seconds: float) -> None:
    """Send the results one after the other, for at most `seconds`."""
    session = requests.Session()
    deadline = time.monotonic() + seconds
    for order in orders:
        if time.monotonic() > deadline:
            return
        try:
            send_patch(session, order)
        except requests.RequestException:
            time.sleep(1)
