"""What the environment says, checked: every mistake is one clear line that says what would be right."""

import ipaddress
import os
import re
import secrets
from collections.abc import Sequence
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.conf.locale import LANG_INFO
from django.core.exceptions import ImproperlyConfigured

from integrations.http.trusted_origins import TRUSTED_ORIGIN

LOOPBACK_HOSTS: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
HOST = re.compile(r"\.?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]")
DSN = re.compile(r"https?://[A-Za-z0-9_-]+@[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[\w.-]+)*/[0-9]+")
TRUE_VALUES, FALSE_VALUES = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
POSTGRESQL_SCHEMES = ("postgres", "postgresql")
BROKER_SCHEMES = ("redis", "rediss", "redis+socket", "unix")
MIN_UNIQUE_CHARACTERS = 8


def is_loopback(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def parse_port(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 65535):
        raise ImproperlyConfigured(f"PORT={value} is not a port: give a number from 1 to 65535")
    return int(value)


def parse_bool(name: str, value: str) -> bool:
    if value.lower() not in TRUE_VALUES + FALSE_VALUES:
        raise ImproperlyConfigured(f"{name}={value!r} is neither on nor off: write 1 or 0")
    return value.lower() in TRUE_VALUES


def parse_choice(name: str, value: str, *allowed: str) -> str:
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is unknown: write {' or '.join(filter(None, allowed))}")
    return value


def reject_debug(value: str) -> bool:
    """There is no debug mode: its pages show strangers settings, code and rows."""
    if value.lower() not in FALSE_VALUES:
        raise ImproperlyConfigured(f"DEBUG={value} would show strangers what is inside: leave DEBUG out")
    return False


def parse_hosts(configured: Sequence[str], public_host: str) -> list[str]:
    configured = [host.strip() for host in configured]
    if any("*" in host or not host.strip(".") for host in configured):
        raise ImproperlyConfigured("ALLOWED_HOSTS=* would trust any Host header: list the names that lead here")
    for host in configured:
        if not HOST.fullmatch(host):
            raise ImproperlyConfigured(
                f"ALLOWED_HOSTS={host!r} is no host’s name: write it like portal.vendor.example, without scheme or port"
            )
    return list(configured) or [public_host]


def parse_proxies(configured: Sequence[str]) -> list[str]:
    """Addresses, or networks of them."""
    for name in configured:
        try:
            network = ipaddress.ip_network(name, strict=False)
        except ValueError:
            raise ImproperlyConfigured(
                f"TRUSTED_PROXIES={name!r} is no address: write it like 10.0.0.5 or 10.0.0.0/24"
            ) from None
        if network.prefixlen == 0:
            raise ImproperlyConfigured(
                f"TRUSTED_PROXIES={name} would let anybody forge an address: name the proxy’s own"
            )
    return list(configured)


def parse_origin(name: str, url: str) -> str:
    """The origin of a configured address: `https`, or `http` for loopback names only, and nothing behind the host."""
    url = url.rstrip("/")
    if not ORIGIN.fullmatch(url) or not 0 < int(url.rpartition(":")[2] if url.count(":") == 2 else 1) < 65536:
        raise ImproperlyConfigured(f"{name}={url!r} is not an origin; write it like https://portal.vendor.example")
    if url.startswith("http://") and not is_loopback(urlsplit(url).hostname or ""):
        raise ImproperlyConfigured(f"{name}={url!r} must be https; http is for loopback names only")
    return url


def parse_issuer(name: str, url: str) -> str:
    """An OpenID provider's: an origin, and perhaps a path."""
    parts = urlsplit(url)
    if parts.query or parts.fragment or parts.username or not parts.hostname:
        raise ImproperlyConfigured(f"{name} is no issuer; write it like https://login.vendor.example/realms/staff")
    parse_origin(name, f"{parts.scheme}://{parts.netloc}")
    return url


def parse_trusted_origins(patterns: Sequence[str]) -> list[str]:
    """A `*` stands for labels of one domain, never for all of them."""
    for pattern in patterns:
        host = urlsplit(pattern).netloc.removeprefix("*.")
        if not TRUSTED_ORIGIN.fullmatch(pattern.rstrip("/")) or ("*." in pattern and "." not in host):
            raise ImproperlyConfigured(
                f"SMARTRECRUITERS_TRUSTED_ORIGINS={pattern!r} names no origin; write it like "
                "https://*.smartrecruiters.com, without a path"
            )
    return list(patterns)


def parse_database_url(url: str) -> dict[str, Any]:
    """Django's settings for DATABASE_URL, which may hold a password and so is never shown."""
    try:
        # Of another scheme the parser warns, with all that the address holds.
        found = dict(environ.Env.db_url_config(url)) if urlsplit(url).scheme in POSTGRESQL_SCHEMES else {}
    except (ValueError, ImproperlyConfigured):
        found = {}
    if not found.get("NAME"):
        raise ImproperlyConfigured(
            "DATABASE_URL names no PostgreSQL database: write it like postgres://user:password@host/name, "
            "or leave it out for the embedded one (SQLite in WAL mode, in PORTAL_DATA_DIR)"
        )
    return found


def parse_broker_url(url: str) -> str:
    if not _is_broker_url(url):
        raise ImproperlyConfigured(
            "REDIS_URL names no Redis server: write it like redis://host:6379/0, or leave it out"
        )
    return url


def _is_broker_url(url: str) -> bool:
    """With a port that is one, and a number as its database: else every process would end as soon as it needs it."""
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss"):
        return parts.scheme in BROKER_SCHEMES
    try:
        return parts.port != 0 and re.fullmatch(r"(/[0-9]*)?", parts.path) is not None
    except ValueError:
        return False


def parse_email_url(url: str) -> dict[str, Any]:
    try:
        found = dict(environ.Env.email_url_config(url))
    except (ValueError, ImproperlyConfigured):
        found = {}
    if not found or (".smtp." in found["EMAIL_BACKEND"] and not found["EMAIL_HOST"]):
        raise ImproperlyConfigured(
            "EMAIL_URL names no way to send: write it like smtp+tls://user:password@mail.vendor.example:587"
        )
    return found


def parse_sender(name: str, value: str) -> str:
    if "@" not in parseaddr(value)[1] or not value.isprintable():
        raise ImproperlyConfigured(f"{name}={value!r} is no sender; write it like Vendor <no-reply@vendor.example>")
    return value


def parse_sentry_dsn(name: str, dsn: str) -> str:
    """A Sentry DSN, which holds a key and so is not shown."""
    if dsn and not DSN.fullmatch(dsn):
        raise ImproperlyConfigured(f"{name} is no DSN; write it like https://key@errors.vendor.example/1")
    return dsn


def parse_colour(name: str, value: str) -> str:
    """`#rrggbb`; `#rgb` is written out."""
    if re.fullmatch(r"#[0-9A-Fa-f]{3}", value):
        value = "#" + "".join(digit * 2 for digit in value[1:])
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        raise ImproperlyConfigured(f"{name}={value!r} is no colour; write it like #2557a7")
    return value.lower()


def parse_logo_path(name: str, value: str) -> Path | None:
    """A picture that the portal serves itself: its pages load nothing from elsewhere."""
    if not value:
        return None
    path = Path(value)
    if path.suffix.lower() not in (".svg", ".png") or not path.is_file():
        raise ImproperlyConfigured(
            f"{name}={value!r} is no SVG or PNG file here; give its path, like /etc/portal/logo.svg"
        )
    return path


def list_language_codes(locale_path: Path) -> list[str]:
    """Return English, the language of the source texts, and the language of each `xx/LC_MESSAGES/django.po`."""
    names = (path.parent.parent.name for path in locale_path.glob("*/LC_MESSAGES/django.po"))
    return ["en", *sorted(name.replace("_", "-").lower() for name in names)]


def language_choices(codes: list[str]) -> list[tuple[str, str]]:
    """Pair each language code with the language's own name."""
    return [(code, LANG_INFO.get(code, {}).get("name_local", code)) for code in codes]


def ensure_secret(path: Path, new_secret: str) -> str:
    """A secret made at the first start and kept, mode 0600, in the data folder of an embedded installation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    if not path.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(new_secret)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # two processes that start at once agree on the first one's secret
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def resolve_secret_key(configured: str, *, embedded: bool, folder: Path) -> str:
    if configured:
        if len(configured) < 32 or len(set(configured)) < MIN_UNIQUE_CHARACTERS or "insecure" in configured:
            raise ImproperlyConfigured("SECRET_KEY is too weak: give at least 32 random characters")
        return configured
    if not embedded:
        raise ImproperlyConfigured("SECRET_KEY is missing: with DATABASE_URL set, give at least 32 random characters")
    return ensure_secret(folder / "secret_key", secrets.token_urlsafe(48))


def resolve_encryption_keys(configured: list[str], *, embedded: bool, folder: Path) -> list[str]:
    """Fernet keys, newest first."""
    keys = [key.strip() for key in configured if key.strip()]
    if not keys:
        if not embedded:
            raise ImproperlyConfigured(
                "ENCRYPTION_KEYS is missing: with DATABASE_URL set, give one or more Fernet keys, newest first"
            )
        keys = [ensure_secret(folder / "encryption_key", Fernet.generate_key().decode())]
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                "ENCRYPTION_KEYS holds something that is no Fernet key: 32 random bytes in URL-safe base64"
            ) from None
    return keys
