from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    """Takes every text for UTF-8, whatever its Content-Type says.

    Django reads address and form by a charset that the caller names, `hex` and `zlib` among them, and fails on those,
    or on a parameter in a charset that it does not know, before anything of ours is there to answer.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {}
            meta["CONTENT_TYPE"] = ""  # the parsers of bodies read it again
