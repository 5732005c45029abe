"""Django's settings, read from the environment or `.env`. config/README.md lists the variables."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from config import environment
from config.env_file import check_env_file
from config.monitoring.logs import build_logging
from config.server import processes
from config.static_files import add_headers as add_static_headers
from integrations.database.limits import LOCK_SECONDS, choose_limits
from integrations.outbox.sending import failpoints

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env_file = env("PORTAL_ENV_FILE", default=str(BASE_DIR / ".env"))
if problem := check_env_file(env_file, is_named="PORTAL_ENV_FILE" in env.ENVIRON):
    raise ImproperlyConfigured(problem)
if env_file and Path(env_file).is_file():
    env.read_env(env_file)

# Where it runs
PORT = environment.parse_port(env("PORT", default="") or "8000")
PUBLIC_URL = environment.parse_origin("PUBLIC_URL", env("PUBLIC_URL", default="") or f"http://localhost:{PORT}")
PUBLIC_HOST = urlsplit(PUBLIC_URL).hostname or ""
IS_LOOPBACK = environment.is_loopback(PUBLIC_HOST)
IS_HTTPS = PUBLIC_URL.startswith("https://")
PORTAL_DATA_DIR = Path(env("PORTAL_DATA_DIR", default="") or BASE_DIR / "var").resolve()
DEBUG = environment.reject_debug(env("DEBUG", default=""))
ALLOWED_HOSTS = environment.parse_hosts(env.list("ALLOWED_HOSTS", default=[]), PUBLIC_HOST)
if IS_LOOPBACK and not IS_HTTPS:
    ALLOWED_HOSTS += [*environment.LOOPBACK_HOSTS, ".localhost"]
TRUSTED_PROXIES = environment.parse_proxies(env.list("TRUSTED_PROXIES", default=[]))
USE_X_FORWARDED_HOST = False
CA_FILE = environment.parse_ca_file("CA_FILE", env("CA_FILE", default=""))

# Database: SQLite in the data folder, or DATABASE_URL
IS_EMBEDDED = not env("DATABASE_URL", default="")
DATABASE_LIMITS = choose_limits(is_worker=False)  # of a request; a worker has its own (config/celery.py)
DATABASE_MIN_CONNECTIONS, DATABASE_MAX_CONNECTIONS = processes.MIN_CONNECTIONS, processes.MAX_CONNECTIONS
DATABASES: dict[str, dict[str, Any]]
if IS_EMBEDDED:
    PORTAL_DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": PORTAL_DATA_DIR / "portal.sqlite3",
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": LOCK_SECONDS,
                # secure_delete overwrites deleted and changed data in the file.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                "PRAGMA secure_delete=ON",
            },
        }
    }
else:
    DATABASES = {"default": environment.parse_database_url(env("DATABASE_URL"), DATABASE_LIMITS)}
    environment.add_root_certificates(DATABASES["default"]["OPTIONS"], CA_FILE)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Keys
SECRET_KEY = environment.resolve_secret_key(env("SECRET_KEY", default=""), embedded=IS_EMBEDDED, folder=PORTAL_DATA_DIR)
ENCRYPTION_KEYS = environment.resolve_encryption_keys(
    env.list("ENCRYPTION_KEYS", default=[]), embedded=IS_EMBEDDED, folder=PORTAL_DATA_DIR
)

# SmartRecruiters
SMARTRECRUITERS_API_URL = environment.parse_origin(
    "SMARTRECRUITERS_API_URL", env("SMARTRECRUITERS_API_URL", default="") or "https://api.smartrecruiters.com"
)
SMARTRECRUITERS_IS_LOOPBACK = environment.is_loopback(urlsplit(SMARTRECRUITERS_API_URL).hostname or "")
SMARTRECRUITERS_CLIENT_ID = env("SMARTRECRUITERS_CLIENT_ID", default="")
SMARTRECRUITERS_CLIENT_SECRET = env("SMARTRECRUITERS_CLIENT_SECRET", default="")
if bool(SMARTRECRUITERS_CLIENT_ID) != bool(SMARTRECRUITERS_CLIENT_SECRET):
    raise ImproperlyConfigured(
        "SMARTRECRUITERS_CLIENT_ID and SMARTRECRUITERS_CLIENT_SECRET belong together: set both or neither"
    )
SMARTRECRUITERS_TRUSTED_ORIGINS = [
    *environment.parse_trusted_origins(
        env("SMARTRECRUITERS_TRUSTED_ORIGINS", default="").split() or ["https://*.smartrecruiters.com"]
    ),
    SMARTRECRUITERS_API_URL,
]
WEBHOOKS_ALLOW_PRIVATE = environment.parse_bool("WEBHOOKS_ALLOW_PRIVATE", env("WEBHOOKS_ALLOW_PRIVATE", default=""))

# The vendor's brand, on every page and in every email
BRAND_NAME = env("BRAND_NAME", default="Assessments")
BRAND_COLOUR = environment.parse_colour("BRAND_COLOUR", env("BRAND_COLOUR", default="") or "#2557a7")
BRAND_LOGO = environment.parse_logo_path("BRAND_LOGO", env("BRAND_LOGO", default=""))

INSTALLED_APPS = [
    "config.apps.PortalConfig",
    "config.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
    "django_structlog",
    "drf_spectacular",
    "oauth2_provider",
    "rest_framework",
    "integrations",
    "integrations.outbox",
    "assessments",
    "orders",
]
MIDDLEWARE = [
    "config.middleware.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.RequestLogMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.middleware.HostMiddleware",
    "config.middleware.RequireHttpsMiddleware",
    "config.middleware.IncompleteBodyMiddleware",
    "integrations.api.errors.ProblemMiddleware",
    "integrations.api.deadline.DatabaseDeadlineMiddleware",
    "integrations.connections.popup.PopupMiddleware",
    "integrations.accounts.sessions.PortalSessionMiddleware",
    "config.middleware.CandidateLocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "config.middleware.RejectNulMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "integrations.accounts.sessions.SessionTimeoutMiddleware",
    "config.middleware.DecryptionErrorMiddleware",
    "config.middleware.PostOnlyPageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.middleware.StaffMfaMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.brand.brand_context",
            ],
        },
    }
]
STATIC_URL = "static/"
STATIC_ROOT = PORTAL_DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "config.static_files.UsedFilesFinder",
]
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_ADD_HEADERS_FUNCTION = add_static_headers
MEDIA_ROOT = PORTAL_DATA_DIR / "files"
FILE_UPLOAD_PERMISSIONS = 0o600
CLAMAV_ADDRESS = environment.parse_scanner_url("CLAMAV_URL", env("CLAMAV_URL", default=""))
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
CACHES = {
    # In the database: rate limits must hold across processes, and the broker may hang.
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},  # at Django's 300, an attacker's attempts would evict each other's counters
    }
}

# Language and time
LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "templates" / "locale"]
LANGUAGES = environment.language_choices(environment.list_language_codes(LOCALE_PATHS[0]))
FORMAT_MODULE_PATH = ["config.formats"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

# Sign-in
AUTH_USER_MODEL = "integrations.User"
AUTHENTICATION_BACKENDS = ["integrations.accounts.adapter.ActiveCustomersBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "integrations.accounts.passwords.GuessableValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "integrations.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_FORMS = {
    "user_token": "integrations.accounts.forms.UserTokenForm",
    "login": "integrations.accounts.forms.LoginForm",
    "change_password": "integrations.accounts.forms.ChangePasswordForm",
    "reset_password": "integrations.accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "integrations.accounts.forms.ResetPasswordKeyForm",
}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
# Failed attempts per IP address (of IPv6, its /64), and per account and IP address. login_throttle.py has the others,
# and leaves these out for browsers in which the owner signed in before.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "login_failed": "60/5m/ip,10/5m/key",
    "reset_password": "20/m/ip,100/d/ip",  # not per address, which a stranger could use up (emails.py)
}
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
# For those who were signed in (adapter.py). The page of sign-in says so by this URL: a message would need a session.
ACCOUNT_LOGOUT_REDIRECT_URL = "/?signed_out=1"
PASSWORD_RESET_TIMEOUT = 7 * 24 * 3600  # of the first link; password_links.py has the hour of later ones
ACCOUNT_DEFAULT_HTTP_PROTOCOL = PUBLIC_URL.split(":")[0]
STAFF_MFA = environment.parse_choice(
    "STAFF_MFA", env("STAFF_MFA", default="") or ("optional" if IS_LOOPBACK else "required"), "required", "optional"
)
MFA_ADAPTER = "integrations.accounts.mfa.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "activate_totp": "integrations.accounts.mfa.forms.ActivateAppForm",
    "login_webauthn": "integrations.accounts.mfa.forms.LoginForm",
    "authenticate_webauthn": "integrations.accounts.mfa.forms.AuthenticateForm",
    "reauthenticate_webauthn": "integrations.accounts.mfa.forms.ReauthenticateForm",
    "add_webauthn": "integrations.accounts.mfa.forms.AddForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}  # passkeys cannot be guessed, and an office shares one IP address
MFA_TOTP_ISSUER = BRAND_NAME
MFA_ALLOW_UNVERIFIED_EMAIL = True  # invitations are sent to that email address

# The vendor's own identity provider (integrations/accounts/sso.py)
OIDC_ISSUER = env("OIDC_ISSUER", default="") and environment.parse_issuer("OIDC_ISSUER", env("OIDC_ISSUER"))
OIDC_CLIENT_ID = env("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env("OIDC_CLIENT_SECRET", default="")
OIDC_NAME = env("OIDC_NAME", default="") or f"{BRAND_NAME} account"
OIDC_STAFF_ROLE = environment.parse_choice(
    "OIDC_STAFF_ROLE", env("OIDC_STAFF_ROLE", default=""), "", "viewer", "support"
)
OIDC_SECOND_FACTOR = environment.parse_bool("OIDC_SECOND_FACTOR", env("OIDC_SECOND_FACTOR", default=""))
if OIDC_ISSUER and not (OIDC_CLIENT_ID and OIDC_CLIENT_SECRET):
    raise ImproperlyConfigured("OIDC_ISSUER is set: give OIDC_CLIENT_ID and OIDC_CLIENT_SECRET too")
if not OIDC_ISSUER and (OIDC_CLIENT_ID or OIDC_CLIENT_SECRET):
    raise ImproperlyConfigured("OIDC_CLIENT_ID or OIDC_CLIENT_SECRET is set: give OIDC_ISSUER too, or remove them")
SOCIALACCOUNT_ADAPTER = "integrations.accounts.sso.SSOAccountAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True  # with a form, form-action would have to name every host of the provider

# Cookies and headers
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if IS_HTTPS else "csrf"
DEVICE_COOKIE_NAME = "__Host-device" if IS_HTTPS else "device"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SESSION_ENGINE = "integrations.accounts.session_store"
SESSION_COOKIE_AGE = 12 * 3600  # integrations/accounts/sessions.py ends idle sessions sooner
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no further cookie
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SECURE_HSTS_SECONDS = 31536000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
# With no-referrer, Chromium would post our own forms with `Origin: null`.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS and TRUSTED_PROXIES else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "style-src": ["'self'"],
        "script-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    }
}

# Tokens that the portal issues (integrations/oauth/README.md)
OAUTH2_PROVIDER_APPLICATION_MODEL = "integrations.Client"
OAUTH2_PROVIDER = {
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",
    "OAUTH2_VALIDATOR_CLASS": "integrations.oauth.validators.ClientCredentialsValidator",
    # RFC 9700, also for grants that the portal does not offer
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "CLIENT_SECRET_HASHER": "sha256_random",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 1800,
    "SCOPES": {
        "packages_view": "Read the packages that the customer may order",
        "orders_modify": "Place orders",
        "vendor": "The engine's API",
    },
    "DEFAULT_SCOPES": [],
}
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "integrations.oauth.hashers.RandomSecretHasher",
]

# REST
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["integrations.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["integrations.api.authentication.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["integrations.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "integrations.api.negotiation.JSONContentNegotiation",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "integrations.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_METADATA_CLASS": None,
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Engine API",
    "DESCRIPTION": "The API of a vendor's assessment engine: put packages, accept orders, report results.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/vendor/v1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PREPROCESSING_HOOKS": ["integrations.api.openapi.select_engine_routes"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "integrations.api.openapi.add_problem_responses",
        "config.apidocs.examples.add_examples",
    ],
    "ENUM_NAME_OVERRIDES": {
        "StatusEnum": "orders.models.Status",
        "AssessmentTypeEnum": "integrations.models.AssessmentType",
        "PackageDeliveryEnum": "assessments.models.DeliveredBy",
        "AttachmentTypeEnum": "orders.models.AttachmentType",
        "EventTypeEnum": "integrations.models.EventType",
    },
}

# Celery (integrations/outbox/README.md)
CELERY_BROKER_URL, CELERY_BROKER_USE_SSL = environment.parse_broker_url(
    env("REDIS_URL", default="") or "redis://127.0.0.1:6379/0", CA_FILE
)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": not CELERY_BROKER_URL.startswith("redis+socket"),
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_TASK_ACKS_LATE = CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TASK_DEFAULT_QUEUE = "dispatch"
CELERY_TASK_ROUTES = {
    "integrations.outbox.tasks.carry": {"queue": "courier"},
    "assessments.tasks.import_next": {"queue": "courier"},
}
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # in memory: a SIGKILL can corrupt a schedule file
CELERY_BEAT_SCHEDULE = {
    "dispatch": {"task": "integrations.outbox.tasks.dispatch", "schedule": 1.0, "options": {"expires": 5}},
    "number events": {"task": "integrations.tasks.number_events", "schedule": 1.0, "options": {"expires": 5}},
    "import packages": {"task": "assessments.tasks.import_next", "schedule": 1.0, "options": {"expires": 5}},
    "chain audit": {"task": "integrations.tasks.chain_audit", "schedule": 5.0, "options": {"expires": 5}},
    "expire orders": {"task": "orders.tasks.expire", "schedule": 60.0, "options": {"expires": 50}},
    "remind candidates": {"task": "orders.tasks.remind", "schedule": 60.0, "options": {"expires": 50}},
    "reconcile": {"task": "orders.tasks.reconcile", "schedule": 3600.0},
    "forget imports": {"task": "assessments.tasks.forget_imports", "schedule": 3600.0},
    "tidy up": {"task": "orders.tasks.tidy", "schedule": 3600.0},
    "clear expired tokens": {"task": "integrations.tasks.clear_expired", "schedule": 3600.0},
}

# The outbox (integrations/outbox/README.md); for tests only
OUTBOX_TIME_SCALE = env.float("OUTBOX_TIME_SCALE", 1.0)
OUTBOX_FAILPOINTS = failpoints.parse_failpoints(env("OUTBOX_FAILPOINTS", default=""))
if (OUTBOX_TIME_SCALE != 1.0 or OUTBOX_FAILPOINTS) and not IS_LOOPBACK:
    raise ImproperlyConfigured("OUTBOX_TIME_SCALE and OUTBOX_FAILPOINTS are for tests: PUBLIC_URL must be loopback")

# Email, logs, metrics
EMAIL_CONFIG = environment.parse_email_url(env("EMAIL_URL", default="") or "consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 20
EMAIL_RATE = environment.parse_rate("EMAIL_RATE", env("EMAIL_RATE", default="") or "20")
DEFAULT_FROM_EMAIL = environment.parse_sender(
    "EMAIL_FROM", env("EMAIL_FROM", default="") or f"{BRAND_NAME} <no-reply@{PUBLIC_HOST.strip('[]')}>"
)
METRICS_TOKEN = env("METRICS_TOKEN", default="")
SECURITY_CONTACT = environment.parse_contact("SECURITY_CONTACT", env("SECURITY_CONTACT", default=""))
SENTRY_DSN = environment.parse_sentry_dsn("SENTRY_DSN", env("SENTRY_DSN", default=""))
LOG_FORMAT = environment.parse_choice("LOG_FORMAT", env("LOG_FORMAT", default="") or "console", "console", "json")
LOG_LEVEL = environment.parse_choice(
    "LOG_LEVEL", env("LOG_LEVEL", default="") or "INFO", "DEBUG", "INFO", "WARNING", "ERROR"
)
LOGGING = build_logging(LOG_FORMAT, LOG_LEVEL, SENTRY_DSN)
# HTTP is not redirected: a redirect would hide that a client sends its secret in clear.
SILENCED_SYSTEM_CHECKS = ["security.W008"]
