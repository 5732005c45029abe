"""Key rotation: find all encrypted columns and re-encrypt their values with the newest key."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction

from integrations.accounts.mfa import adapter as mfa
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
        return self.name

    def decrypt_row(self, row: models.Model) -> None:
        """Decrypt the row's value and discard it. Raises DecryptionError."""
        for name, descriptor in vars(self.model).items():
            if isinstance(descriptor, Sealed) and descriptor.column == self.name:
                getattr(row, name)

    def compare_and_set(self, pk: object, sealed: str, new: str) -> bool:
        """Replace `sealed` by `new`. Returns False if the value has changed meanwhile."""
        return self.filled_rows.filter(pk=pk, **{self.name: sealed}).update(**{self.name: new}) == 1


@dataclass(frozen=True)
class AuthenticatorColumn(SealedColumn):
    """Encrypted value under a key of an authenticator's JSON."""

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
    """Rows of one column: under the newest key, under a former key, and those that cannot be decrypted."""

    newest: int = 0
    former: int = 0
    unreadable: list[str] = field(default_factory=list)


def find_sealed_columns() -> list[SealedColumn]:
    """Return every encrypted column of every model."""
    sealed = [
        SealedColumn(model, each.name)
        for model in apps.get_models()
        for each in model._meta.get_fields()
        if isinstance(each, SealedField)
    ]
    return [*sealed, *(AuthenticatorColumn(name=name) for name in mfa.SECRET_KEYS)]


def check_keys() -> None:
    """Decrypt the first and the last value of each column, to notice a missing key cheaply. Raises DecryptionError."""
    for column in find_sealed_columns():
        for order in ("pk", "-pk"):
            if (row := column.filled_rows.order_by(order).first()) is not None:
                column.decrypt_row(row)


def inspect_column(column: SealedColumn) -> RotationReport:
    """Count the values by key without changing them."""
    report = RotationReport()
    for batch in _iterate_batches(column):
        for pk, sealed in batch:
            _classify_value(report, column, pk, sealed)
    return report


def rotate_column(column: SealedColumn) -> RotationReport:
    """Re-encrypt the column's values with the newest key; `former` counts the values that were changed.

    Safe under traffic, and may be interrupted and repeated: transactions are short, and a value that changed meanwhile
    is not overwritten but checked again. Values that cannot be decrypted stay as they are.
    """
    report = RotationReport()
    for batch in _iterate_batches(column):
        old = [(pk, sealed, new) for pk, sealed in batch if (new := _classify_value(report, column, pk, sealed))]
        with transaction.atomic():
            changed = [pk for pk, sealed, new in old if not column.compare_and_set(pk, sealed, new)]
        for pk in changed:
            _retry_rotation(column, pk)
    return report


def _iterate_batches(column: SealedColumn) -> Iterator[list[tuple[object, str]]]:
    rows = column.filled_rows.order_by("pk").values_list("pk", column.lookup_path)
    batch = list(rows[:BATCH_SIZE])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:BATCH_SIZE])


def _classify_value(report: RotationReport, column: SealedColumn, pk: object, sealed: str) -> str:
    """Count the value. Returns it re-encrypted if it is under a former key, else ""."""
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
    # The process that changed the value may not know the newest key yet.
    while sealed := column.filled_rows.filter(pk=pk).values_list(column.lookup_path, flat=True).first():
        if has_newest_key(sealed) or column.compare_and_set(pk, sealed, reseal(sealed)):
            return
