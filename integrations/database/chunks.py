"""Iteration over many rows, in chunks."""

from collections.abc import Iterator
from typing import TypeVar

from django.db.models import Model, QuerySet

CHUNK_SIZE = 1000

M = TypeVar("M", bound=Model)


def iterate_in_chunks(rows: QuerySet[M], *, key: str = "pk", chunk_size: int = CHUNK_SIZE) -> Iterator[M]:
    """Yield the rows, ordered by `key`, which must be unique and not null.

    Unlike `QuerySet.iterator`, each chunk is a query of its own. A server-side cursor needs a transaction, or a session
    that is not shared through a pooler. Rows that appear meanwhile behind the last key are yielded, too.
    """
    remaining = rows.order_by(key)
    while chunk := list(remaining[:chunk_size]):
        last_key = getattr(chunk[-1], key)  # before the caller may delete the row, which clears it
        yield from chunk
        if len(chunk) < chunk_size:
            return
        remaining = rows.order_by(key).filter(**{f"{key}__gt": last_key})
