"""Django settings of the simulator, which has no database and no sessions."""

import secrets
from pathlib import Path
from urllib.parse import urlsplit

from integrations.simulator import environment

_HERE = Path(__file__).parent

SECRET_KEY = secrets.token_urlsafe(32)
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", urlsplit(environment.PUBLIC_URL).hostname or "localhost"]
ROOT_URLCONF = "integrations.simulator.urls"
INSTALLED_APPS: list[str] = []
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_HERE / "templates"],
        "OPTIONS": {"builtins": ["integrations.simulator.pages.tags"]},
    }
]
USE_TZ = True
TIME_ZONE = "UTC"
APPEND_SLASH = False
# The consent window shows the portal's pages; popup.js must still be able to close it.
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin-allow-popups"
# Cookies ignore ports: the portal on the same host has its own csrftoken.
CSRF_COOKIE_NAME = "simulator_csrftoken"
CSRF_COOKIE_HTTPONLY = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 24 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 24 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    # Refused calls are expected and are recorded in the ledger; only exceptions are logged.
    "filters": {"crash": {"()": "django.utils.log.CallbackFilter", "callback": lambda record: record.exc_info}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "filters": ["crash"]}},
    "loggers": {"django": {"handlers": ["stderr"], "level": "ERROR"}},
}
