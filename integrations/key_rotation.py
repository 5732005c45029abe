"""Sealed values under rotating keys: which columns hold them, and how all of them come under the newest key."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction

from integrations.accounts import mfa
from integrations.encryption import Sealed, SealedField, Unreadable, is_newest, reseal, unseal

BATCH = 100


@dataclass(frozen=True)
class Column:
    model: type[models.Model]
    name: str

    def __str__(self) -> str:
        return f"{self.model._meta.label_lower}.{self.name}"

    @property
    def filled(self) -> models.QuerySet[Any]:
        return self.model._default_manager.exclude(**{self.name: ""})

    @property
    def path(self) -> str:
        """For lookups."""
        return self.name

    def open(self, row: models.Model) -> None:
        """Raises Unreadable: no key opens the row's value, or it was sealed for another row."""
        for name, descriptor in vars(self.model).items():
            if isinstance(descriptor, Sealed) and descriptor.column == self.name:
                getattr(row, name)

    def swap(self, key: object, sealed: str, new: str) -> bool:
        """Compare-and-set: False when the value is another one by now."""
        return self.filled.filter(pk=key, **{self.name: sealed}).update(**{self.name: new}) == 1


@dataclass(frozen=True)
class SecondFactor(Column):
    """A sealed value inside the JSON of an authenticator, under this name."""

    model: type[models.Model] = Authenticator
    name: str = ""

    def __str__(self) -> str:
        return f"{self.model._meta.label_lower}.data.{self.name}"

    @property
    def path(self) -> str:
        return f"data__{self.name}"

    @property
    def filled(self) -> models.QuerySet[Any]:
        return self.model._default_manager.filter(**{f"{self.path}__isnull": False})

    def open(self, row: models.Model) -> None:
        unseal(cast(Authenticator, row).data[self.name], owner=mfa.OWNER)

    @transaction.atomic
    def swap(self, key: object, sealed: str, new: str) -> bool:
        row = self.filled.select_for_update().filter(pk=key, **{self.path: sealed}).first()
        if row is not None:
            row.data[self.name] = new
            row.save(update_fields=["data"])
        return row is not None


@dataclass
class Count:
    """Of one column: rows under the newest key already, those that a former one opens, and those that none does."""

    newest: int = 0
    former: int = 0
    unreadable: list[str] = field(default_factory=list)


def columns() -> list[Column]:
    """Every sealed column of every model."""
    sealed = [
        Column(model, each.name)
        for model in apps.get_models()
        for each in model._meta.get_fields()
        if isinstance(each, SealedField)
    ]
    return [*sealed, *(SecondFactor(name=name) for name in mfa.NAMES)]


def sample() -> None:
    """Open the first and the last value of each column, which is cheap and meets a key that is gone.

    Raises Unreadable.
    """
    for column in columns():
        for order in ("pk", "-pk"):
            if (row := column.filled.order_by(order).first()) is not None:
                column.open(row)


def check(column: Column) -> Count:
    """Count, and change nothing."""
    count = Count()
    for batch in _batches(column):
        for key, sealed in batch:
            _sort(count, column, key, sealed)
    return count


def rotate(column: Column) -> Count:
    """Bring all values of the column under the newest key; `former` says how many of them were not.

    Works under traffic: in short transactions, and a value that changed meanwhile is left to whoever changed it, and
    looked at again. May be stopped and started again at any time. What no key opens stays as it is.
    """
    count = Count()
    for batch in _batches(column):
        old = [(key, sealed, new) for key, sealed in batch if (new := _sort(count, column, key, sealed))]
        with transaction.atomic():
            lost = [key for key, sealed, new in old if not column.swap(key, sealed, new)]
        for key in lost:
            _rotate_again(column, key)
    return count


def _batches(column: Column) -> Iterator[list[tuple[object, str]]]:
    rows = column.filled.order_by("pk").values_list("pk", column.path)
    batch = list(rows[:BATCH])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:BATCH])


def _sort(count: Count, column: Column, key: object, sealed: str) -> str:
    """Count one value; returns it under the newest key where it is under a former one."""
    if is_newest(sealed):
        count.newest += 1
        return ""
    try:
        new = reseal(sealed)
    except Unreadable:
        count.unreadable.append(f"{column} of row {key}")
        return ""
    count.former += 1
    return new


def _rotate_again(column: Column, key: object) -> None:
    """A process that does not know the newest key yet may have written meanwhile."""
    while sealed := column.filled.filter(pk=key).values_list(column.path, flat=True).first():
        if is_newest(sealed) or column.swap(key, sealed, reseal(sealed)):
            return
