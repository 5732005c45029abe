"""Settings of the stock way. Its database is STOCK_DATABASE_URL."""

import os

import environ

from integrations.database.limits import build_startup_options, choose_limits

SECRET_KEY = "only for the benchmark"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.bench.stock.views"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "oauth2_provider",
    "rest_framework",
    "tests.bench.stock",
]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
DATABASES = {"default": {**environ.Env.db_url_config(os.environ["STOCK_DATABASE_URL"]), "CONN_MAX_AGE": None}}
# As safe as the portal: what is answered is on the disk.
DATABASES["default"]["OPTIONS"] = (
    {
        "transaction_mode": "IMMEDIATE",
        "timeout": 4,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
    }
    if "sqlite" in str(DATABASES["default"]["ENGINE"])
    else {"options": build_startup_options(choose_limits(is_worker=False))}
)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["oauth2_provider.contrib.rest_framework.OAuth2Authentication"],
    "DEFAULT_PERMISSION_CLASSES": ["oauth2_provider.contrib.rest_framework.TokenHasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
OAUTH2_PROVIDER = {"SCOPES": {"orders_modify": "Place orders"}}
