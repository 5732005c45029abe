"""The first thing that every process does: read the settings, and end where they are unsafe (RELIABILITY.md, A18)."""

import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.supervisor.refusal import REFUSES

REFUSED = 3
"""The exit status at which gunicorn gives up, instead of starting its workers again and again."""


def read_settings() -> None:
    """Returns when they are good. Otherwise one line on stderr says what would be right, and the process ends."""
    try:
        settings.INSTALLED_APPS  # noqa: B018 (whatever is asked for first loads all of them)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"{REFUSES}{error}\n")
        raise SystemExit(REFUSED) from None
