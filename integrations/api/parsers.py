"""Request parsers of the API: strict JSON (`integrations/strict_json.py`) with a size limit."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from integrations.api.errors import BodyTooLargeError, UnsupportedEncodingError
from integrations.strict_json import MalformedJSONError, parse_json

MAX_BODY_BYTES = 64 * 1024


class StrictJSONParser(BaseParser):
    """Parse a JSON object in UTF-8, whatever charset the request names (RFC 8259, section 11).

    Subclasses raise `max_body_bytes` for views with larger bodies. With `replaces_invalid`, text that a database cannot
    store is changed instead of refused. A body that is not accepted stays in the request's `refused_body`.
    """

    media_type = "application/json"
    max_body_bytes = MAX_BODY_BYTES
    replaces_invalid = False

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        request = (parser_context or {})["request"]
        meta = request.META
        if meta.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
            raise UnsupportedEncodingError("Send the body without Content-Encoding.")
        too_large = BodyTooLargeError(f"The body may have at most {self.max_body_bytes} bytes.")
        if int(meta.get("CONTENT_LENGTH") or 0) > self.max_body_bytes:
            raise too_large
        body = stream.read(self.max_body_bytes + 1)
        if len(body) > self.max_body_bytes:
            raise too_large
        try:
            parsed = parse_json(body, replaces_invalid=self.replaces_invalid)
        except MalformedJSONError as error:
            request.refused_body = body
            raise ParseError(f"The body is not valid JSON: {error}.") from None
        if not isinstance(parsed, dict):
            raise ParseError("The body must be a JSON object.")
        return parsed


class MergePatchParser(StrictJSONParser):
    media_type = "application/merge-patch+json"
