"""`/.well-known/security.txt` (RFC 9116): where to report a vulnerability."""

from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from config.errors import PLAIN_TEXT

PATH = ".well-known/security.txt"
VALID_FOR = timedelta(days=180)  # the setting is as current as this process


@require_safe
def security_txt(_request: HttpRequest) -> HttpResponse:
    if not settings.SECURITY_CONTACT:
        raise Http404
    lines = [
        f"Contact: {settings.SECURITY_CONTACT}",
        f"Expires: {timezone.now() + VALID_FOR:%Y-%m-%dT00:00:00Z}",
        f"Canonical: {settings.PUBLIC_URL}/{PATH}",
    ]
    return HttpResponse("".join(f"{line}\n" for line in lines), content_type=PLAIN_TEXT)
