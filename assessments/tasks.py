from celery import shared_task

from assessments import imports


@shared_task
def import_next() -> None:
    imports.work()


@shared_task
def forget_imports() -> None:
    imports.forget_old()
