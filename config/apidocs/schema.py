"""The OpenAPI description of the engine API, generated once in each process at the first request."""

from functools import lru_cache
from threading import Lock
from typing import Any

from drf_spectacular.generators import SchemaGenerator

_schema_lock = Lock()


def get_schema() -> dict[str, Any]:
    # Under a lock: drf-spectacular's extensions break when two threads load them at once.
    with _schema_lock:
        return _build_schema()


@lru_cache(maxsize=1)
def _build_schema() -> dict[str, Any]:
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return schema
