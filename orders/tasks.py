from celery import shared_task

from orders import expiry


@shared_task
def expire() -> None:
    expiry.expire_due()
