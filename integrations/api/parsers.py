"""Request parsers of the API: strict JSON (`integrations/strict_json.py`) with a size limit."""

import re
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from integrations.api.errors import BodyTooLargeError, UnsupportedBodyError
from integrations.strict_json import MalformedJSONError, parse_json

MAX_BODY_BYTES = 64 * 1024


class StrictJSONParser(BaseParser):
    """Parse a JSON object in UTF-8. Subclasses raise `max_body_bytes` for views with larger bodies."""

    media_type = "application/json"
    max_body_bytes = MAX_BODY_BYTES

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        meta = (parser_context or {})["request"].META
        if meta.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
            raise UnsupportedBodyError("Send the body without Content-Encoding.")
        charset = re.search(r"charset\s*=\s*\"?([^\s;\"]+)", media_type or "", re.I)
        if charset and charset[1].lower() not in ("utf-8", "utf8"):
            raise UnsupportedBodyError("Send the body as UTF-8.")
        too_large = BodyTooLargeError(f"The body may have at most {self.max_body_bytes} bytes.")
        if int(meta.get("CONTENT_LENGTH") or 0) > self.max_body_bytes:
            raise too_large
        body = stream.read(self.max_body_bytes + 1)
        if len(body) > self.max_body_bytes:
            raise too_large
        try:
            parsed = parse_json(body)
        except MalformedJSONError as error:
            raise ParseError(f"The body is not valid JSON: {error}.") from None
        if not isinstance(parsed, dict):
            raise ParseError("The body must be a JSON object.")
        return parsed


class MergePatchParser(StrictJSONParser):
    media_type = "application/merge-patch+json"
