import io
import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from config.start import read_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
read_settings()

django_application = get_wsgi_application()
MAX_CHUNKED = 11 * 1024 * 1024


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Django, with a length for chunked bodies: without one it would see an empty body (SmartRecruiters may chunk)."""
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked" and not environ.get("CONTENT_LENGTH"):
        body = environ["wsgi.input"].read(MAX_CHUNKED + 1)
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
    return django_application(environ, start_response)
