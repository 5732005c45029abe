"""Static files: only those that a page uses, with a policy of their own."""

from collections.abc import Iterable
from typing import Any

from django.contrib.staticfiles.finders import AppDirectoriesFinder

# Of the libraries' files. Django REST framework's browsable API and django-oauth-toolkit's pages are not among them.
USED = ("admin/", "account/js/onload.js", "mfa/js/webauthn.js", "mfa/js/webauthn-json.js")
# These generate slugs, which no model has (StaffAdmin.media in integrations/staff/model_admin.py).
UNUSED = ("admin/js/urlify.js", "admin/js/prepopulate.js", "admin/js/vendor/xregexp/", "admin/img/gis/")
POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


def is_used(path: str) -> bool:
    return path.startswith(USED) and not path.startswith(UNUSED)


class UsedFilesFinder(AppDirectoriesFinder):
    """Find the apps' files that pages use, and no others."""

    def find(self, path: str, *args: Any, **options: Any) -> Any:
        return super().find(path, *args, **options) if is_used(path) else []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        return (found for found in super().list(ignore_patterns) if is_used(found[0]))


def add_headers(headers: Any, path: str, url: str) -> None:
    """Set the policy of a file that is opened by itself; WhiteNoise calls this."""
    headers["Content-Security-Policy"] = POLICY
