from celery import shared_task

from assessments import imports


@shared_task
def import_next() -> None:
    imports.run_next()


@shared_task
def forget_imports() -> None:
    imports.delete_expired()
