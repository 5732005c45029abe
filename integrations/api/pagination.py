"""Lists of the engine's API: `{"results", "next", "previous"}`, paged by a key and not by an offset (INTERFACE.md)."""

from django.conf import settings
from rest_framework.pagination import CursorPagination


class KeyPagination(CursorPagination):
    """A row that is there throughout comes exactly once. A view sets `ordering` to what never changes."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "limit"

    def encode_cursor(self, cursor: object) -> str:
        link: str = super().encode_cursor(cursor)
        return settings.PUBLIC_URL + link[link.index("/", link.index("://") + 3) :] if "://" in link else link
