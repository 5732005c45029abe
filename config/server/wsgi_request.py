"""WSGI request that decodes every text as UTF-8."""

from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    """WSGI request that ignores the charset of its Content-Type.

    Django decodes URL and form with any codec that the caller names, even `hex` or `zlib`, and raises outside of all
    middleware.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {}
            meta["CONTENT_TYPE"] = ""  # DRF parses it again
