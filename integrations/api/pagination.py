"""Keyset pagination of the engine's API, see "Lists" in orders/api/README.md."""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Model, Q
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from integrations.api.errors import UnprocessableError
from integrations.api.fields import unknown_key_error


@dataclass(frozen=True)
class Cursor:
    """Position behind the row with these values, or before it if `is_backwards`."""

    is_backwards: bool
    values: tuple[str, ...]

    def encode(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([int(self.is_backwards), *self.values]).encode()).decode()

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Decode a cursor. Raises ValueError for text that `encode` cannot have returned."""
        try:
            backwards, *values = json.loads(base64.b64decode(text, altchars=b"-_", validate=True))
        except (binascii.Error, TypeError, RecursionError) as error:
            raise ValueError from error
        if backwards not in (0, 1) or not all(isinstance(value, str) and value.isprintable() for value in values):
            raise ValueError
        return cls(bool(backwards), tuple(values))


def reject_unknown_params(request: Request, names: Sequence[str]) -> None:
    """Raise UnprocessableError for unknown and repeated parameters: a misspelt filter would return everything."""
    errors: dict[str, list[Any]] = {}
    for name, values in request.query_params.lists():
        if name not in names:
            errors[name] = [unknown_key_error(name, names, "parameter")]
        elif len(values) > 1:
            errors[name] = ["This occurs twice: send it once."]
    if errors:
        raise UnprocessableError(errors)


class KeysetPagination(BasePagination):
    """Return every row that exists throughout exactly once.

    The view sets `ordering`: columns that never change, the last one unique; all ascending, or all with a `-`.
    """

    page_size = 50
    max_page_size = 200

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        reject_unknown_params(request, ["limit", "cursor", *getattr(view, "filters", ())])
        self.columns = [name.lstrip("-") for name in view.ordering]
        self.is_descending = view.ordering[0].startswith("-")
        self.url = settings.PUBLIC_URL + request.get_full_path()
        limit, cursor = self.parse_limit(request), self._read_cursor(request)
        backwards = cursor is not None and cursor.is_backwards
        if cursor is not None:
            queryset = queryset.filter(self._build_keyset_filter(queryset.model, cursor))
        signed = ["-" * (self.is_descending != backwards) + name for name in self.columns]
        rows = list(queryset.order_by(*signed)[: limit + 1])
        page, has_more = rows[:limit], len(rows) > limit
        if backwards:
            page.reverse()
        self.has_next = bool(page) and (has_more or backwards)
        self.has_previous = bool(page) and (has_more if backwards else cursor is not None)
        self.page = page
        return page

    def get_paginated_response(self, data: Any) -> Response:
        following = self._build_page_url(self.page[-1], backwards=False) if self.has_next else None
        previous = self._build_page_url(self.page[0], backwards=True) if self.has_previous else None
        return Response({"results": data, "next": following, "previous": previous})

    def parse_limit(self, request: Request) -> int:
        """Return the page's size, at most `max_page_size`. Raises UnprocessableError."""
        text = request.query_params.get("limit", str(self.page_size))
        if re.fullmatch(r"[0-9]{1,9}", text) is None or int(text) == 0:
            raise UnprocessableError({"limit": [f"Send a whole number from 1 to {self.max_page_size}."]})
        return min(int(text), self.max_page_size)

    def _read_cursor(self, request: Request) -> Cursor | None:
        text = request.query_params.get("cursor")
        if text is None:
            return None
        try:
            cursor = Cursor.decode(text)
        except ValueError:
            raise self._build_cursor_error() from None
        if len(cursor.values) != len(self.columns):
            raise self._build_cursor_error()
        return cursor

    @staticmethod
    def _build_cursor_error() -> UnprocessableError:
        return UnprocessableError({"cursor": ["Use the cursor of a next or previous URL, or omit it to start."]})

    def _build_keyset_filter(self, model: type[Model], cursor: Cursor) -> Q:
        """Build (a, b) > (x, y) in the direction of travel as a > x OR (a = x AND b > y)."""
        lookup = "lt" if self.is_descending != cursor.is_backwards else "gt"
        beyond, equal = Q(), Q()
        for name, text in zip(self.columns, cursor.values, strict=True):
            try:
                value = model._meta.get_field(name).to_python(text)  # type: ignore[union-attr]
                if isinstance(value, datetime):
                    value = value.astimezone(UTC)
            except (ValidationError, OverflowError):
                raise self._build_cursor_error() from None
            beyond |= equal & Q(**{f"{name}__{lookup}": value})
            equal &= Q(**{name: value})
        return beyond

    def _build_page_url(self, row: Model, *, backwards: bool) -> str:
        values = tuple(row._meta.get_field(name).value_to_string(row) for name in self.columns)  # type: ignore[union-attr]
        return replace_query_param(self.url, "cursor", Cursor(backwards, values).encode())

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        rows = f"Rows per page: {self.page_size} by default, at most {self.max_page_size}."
        link = "From the `next` or `previous` URL of a list."
        return [
            {"name": "limit", "in": "query", "description": rows, "schema": {"type": "integer", "minimum": 1}},
            {"name": "cursor", "in": "query", "description": link, "schema": {"type": "string"}},
        ]
