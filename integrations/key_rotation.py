"""Sealed values under rotating keys: which columns hold them, and how all of them come under the newest key."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction

from integrations.accounts import mfa
from integrations.encryption import DecryptionError, Sealed, SealedField, has_newest_key, reseal, unseal

BATCH_SIZE = 100


@dataclass(frozen=True)
class SealedColumn:
    model: type[models.Model]
    name: str

    def __str__(self) -> str:
        return f"{self.model._meta.label_lower}.{self.name}"

    @property
    def filled_rows(self) -> models.QuerySet[Any]:
        return self.model._default_manager.exclude(**{self.name: ""})

    @property
    def lookup_path(self) -> str:
        """For lookups."""
        return self.name

    def decrypt_row(self, row: models.Model) -> None:
        """Raises DecryptionError: no key opens the row's value, or it was sealed for another row."""
        for name, descriptor in vars(self.model).items():
            if isinstance(descriptor, Sealed) and descriptor.column == self.name:
                getattr(row, name)

    def compare_and_set(self, pk: object, sealed: str, new: str) -> bool:
        """Compare-and-set: False when the value is another one by now."""
        return self.filled_rows.filter(pk=pk, **{self.name: sealed}).update(**{self.name: new}) == 1


@dataclass(frozen=True)
class AuthenticatorColumn(SealedColumn):
    """A sealed value inside the JSON of an authenticator, under this name."""

    model: type[models.Model] = Authenticator
    name: str = ""

    def __str__(self) -> str:
        return f"{self.model._meta.label_lower}.data.{self.name}"

    @property
    def lookup_path(self) -> str:
        return f"data__{self.name}"

    @property
    def filled_rows(self) -> models.QuerySet[Any]:
        return self.model._default_manager.filter(**{f"{self.lookup_path}__isnull": False})

    def decrypt_row(self, row: models.Model) -> None:
        unseal(cast(Authenticator, row).data[self.name], owner=mfa.SEAL_OWNER)

    @transaction.atomic
    def compare_and_set(self, pk: object, sealed: str, new: str) -> bool:
        row = self.filled_rows.select_for_update().filter(pk=pk, **{self.lookup_path: sealed}).first()
        if row is not None:
            row.data[self.name] = new
            row.save(update_fields=["data"])
        return row is not None


@dataclass
class RotationReport:
    """Of one column: rows under the newest key already, those that a former one opens, and those that none does."""

    newest: int = 0
    former: int = 0
    unreadable: list[str] = field(default_factory=list)


def find_sealed_columns() -> list[SealedColumn]:
    """Every sealed column of every model."""
    sealed = [
        SealedColumn(model, each.name)
        for model in apps.get_models()
        for each in model._meta.get_fields()
        if isinstance(each, SealedField)
    ]
    return [*sealed, *(AuthenticatorColumn(name=name) for name in mfa.SECRET_KEYS)]


def check_keys() -> None:
    """Open the first and the last value of each column, which is cheap and meets a key that is gone.

    Raises DecryptionError.
    """
    for column in find_sealed_columns():
        for order in ("pk", "-pk"):
            if (row := column.filled_rows.order_by(order).first()) is not None:
                column.decrypt_row(row)


def inspect_column(column: SealedColumn) -> RotationReport:
    """Count, and change nothing."""
    count = RotationReport()
    for batch in _iterate_batches(column):
        for key, sealed in batch:
            _classify_value(count, column, key, sealed)
    return count


def rotate_column(column: SealedColumn) -> RotationReport:
    """Bring all values of the column under the newest key; `former` says how many of them were not.

    Works under traffic: in short transactions, and a value that changed meanwhile is left to whoever changed it, and
    looked at again. May be stopped and started again at any time. What no key opens stays as it is.
    """
    count = RotationReport()
    for batch in _iterate_batches(column):
        old = [(key, sealed, new) for key, sealed in batch if (new := _classify_value(count, column, key, sealed))]
        with transaction.atomic():
            lost = [key for key, sealed, new in old if not column.compare_and_set(key, sealed, new)]
        for key in lost:
            _retry_rotation(column, key)
    return count


def _iterate_batches(column: SealedColumn) -> Iterator[list[tuple[object, str]]]:
    rows = column.filled_rows.order_by("pk").values_list("pk", column.lookup_path)
    batch = list(rows[:BATCH_SIZE])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:BATCH_SIZE])


def _classify_value(report: RotationReport, column: SealedColumn, pk: object, sealed: str) -> str:
    """Count one value; returns it under the newest key where it is under a former one."""
    if has_newest_key(sealed):
        report.newest += 1
        return ""
    try:
        new = reseal(sealed)
    except DecryptionError:
        report.unreadable.append(f"{column} of row {pk}")
        return ""
    report.former += 1
    return new


def _retry_rotation(column: SealedColumn, pk: object) -> None:
    """A process that does not know the newest key yet may have written meanwhile."""
    while sealed := column.filled_rows.filter(pk=pk).values_list(column.lookup_path, flat=True).first():
        if has_newest_key(sealed) or column.compare_and_set(pk, sealed, reseal(sealed)):
            return
