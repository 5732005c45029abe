"""Settings for tests: a temporary data folder, and faster password hashing and database."""

import atexit
import os
import shutil
import tempfile

os.environ["PORTAL_ENV_FILE"] = ""
if "PORTAL_DATA_DIR" not in os.environ:  # xdist's workers share the one of the process that starts them
    os.environ["PORTAL_DATA_DIR"] = tempfile.mkdtemp(prefix="portal-tests-")
    atexit.register(shutil.rmtree, os.environ["PORTAL_DATA_DIR"], ignore_errors=True)
if "TEST_DATABASE_URL" in os.environ:
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
    os.environ.setdefault("SECRET_KEY", "for-tests-only-" + "0123456789abcdef" * 3)
    os.environ.setdefault("ENCRYPTION_KEYS", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
else:
    os.environ.pop("DATABASE_URL", None)
os.environ["SMARTRECRUITERS_CLIENT_ID"] = "vendor-master"
os.environ["SMARTRECRUITERS_CLIENT_SECRET"] = "vendor-master-secret"

from config.settings import *

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "integrations.oauth.hashers.RandomSecretHasher",
]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns of a missing folder
WHITENOISE_AUTOREFRESH = True  # otherwise every test's client lists all static files again

if "TEST_DATABASE_URL" not in os.environ:
    # A file, since threads that share an in-memory database meet locks without a time-out; synchronous=OFF, since no
    # test simulates a power cut.
    DATABASES["default"]["TEST"] = {"NAME": PORTAL_DATA_DIR / "test.sqlite3"}
    DATABASES["default"]["OPTIONS"]["timeout"] = (
        30  # for threads on a busy machine; test_settings.py checks the real one
    )
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON"
    )
