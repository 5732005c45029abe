"""Reading of request bodies, before Django gets the request.

A body that ends before its Content-Length is no request (RFC 9112, section 8). Django cannot tell: its multipart parser
takes what came for the whole form, so half an upload would be carried out, and would claim its idempotency key. Here
every body is read to its end first. `config.middleware.IncompleteBodyMiddleware` answers those that have none.
"""

import tempfile
from typing import IO, Any

from gunicorn.http.errors import ParseException

MAX_BODY = 13 * 1024 * 1024  # a report of 10 MB with its form, or 12 MB of anything else
MAX_IN_MEMORY = 1024 * 1024
PIECE = 64 * 1024
BODY_ERROR = "portal.body_error"


def read_body(environ: dict[str, Any]) -> None:
    """Replace `wsgi.input` by the whole body, and set its length; or set BODY_ERROR to the status of a refusal."""
    is_chunked = bool(environ.get("HTTP_TRANSFER_ENCODING")) and not environ.get("CONTENT_LENGTH")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if not is_chunked and not length:
        return
    body: IO[bytes] = tempfile.SpooledTemporaryFile(MAX_IN_MEMORY)  # noqa: SIM115  (closed with the request)
    try:
        count = _copy(environ["wsgi.input"], body, MAX_BODY + 1 if is_chunked else length)
    except (OSError, ParseException):  # cut off, too slow, or malformed chunks
        count = -1
    if is_chunked and count > MAX_BODY:
        environ[BODY_ERROR] = 413
    elif count < 0 or (not is_chunked and count < length):
        environ[BODY_ERROR] = 400
    body.seek(0)
    # Django takes a chunked body, which has no length, for an empty one.
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = body, str(max(0, count))


def _copy(source: Any, target: IO[bytes], limit: int) -> int:
    """Copy up to `limit` bytes, and return how many there were."""
    count = 0
    while count < limit and (piece := source.read(min(PIECE, limit - count))):
        count += target.write(piece)
    return count
