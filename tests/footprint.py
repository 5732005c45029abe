"""What the database holds, to see whether something left a mark in it."""

import hashlib
from collections.abc import Iterable

from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db.models import Model

from integrations.models import AuditEntry

UNCOUNTED: tuple[type[Model], ...] = (AuditEntry, Session, EmailAddress)
"""Written by refusals, too: who tried what; which sentence the next page is to show; and allauth's copy of somebody's
own address, which it makes as soon as it looks at him."""


def of_database(*, without: Iterable[type[Model]] = UNCOUNTED) -> dict[str, str]:
    """A digest of all rows, table by table."""
    models = [model for model in apps.get_models() if model not in without]
    return {model._meta.label: _digest(model) for model in models}


def _digest(model: type[Model]) -> str:
    rows = model._default_manager.order_by("pk").values_list()
    return hashlib.sha256(repr(list(rows)).encode()).hexdigest()
