"""Validation of settings from the environment. Every mistake is one line that says how to correct it."""

import contextlib
import ipaddress
import os
import re
import secrets
import ssl
from collections.abc import Mapping, Sequence
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

import environ
import idna
from cryptography.fernet import Fernet
from django.conf.locale import LANG_INFO
from django.core.exceptions import ImproperlyConfigured

from integrations.database.limits import build_startup_options
from integrations.http import tls
from integrations.http.trusted_origins import TRUSTED_ORIGIN, encode_host

LOOPBACK_HOSTS: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
HOST = re.compile(r"\.?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]")
DSN = re.compile(r"https?://[A-Za-z0-9_-]+@[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[\w.-]+)*/[0-9]+")
TRUE_VALUES, FALSE_VALUES = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
POSTGRESQL_SCHEMES = ("postgres", "postgresql")
BROKER_SCHEMES = ("redis", "rediss", "redis+socket", "unix")
BROKER_TLS_CHOICES = {"ssl_cert_reqs": ("required", "optional", "none"), "ssl_check_hostname": ("true", "false")}
BROKER_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
MIN_UNIQUE_CHARACTERS = 8
CLAMAV_PORT = 3310
MAX_SOCKET_PATH = 108  # sockaddr_un, with its NUL


def is_loopback(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def parse_port(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 65535):
        raise ImproperlyConfigured(f"PORT={value} is not a port: give a number from 1 to 65535")
    return int(value)


def parse_bool(name: str, value: str) -> bool:
    if value.lower() not in TRUE_VALUES + FALSE_VALUES:
        raise ImproperlyConfigured(f"{name}={value!r} is not a switch: write 1 or 0")
    return value.lower() in TRUE_VALUES


def parse_choice(name: str, value: str, *allowed: str) -> str:
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is unknown: write {' or '.join(filter(None, allowed))}")
    return value


def reject_debug(value: str) -> bool:
    """Raise ImproperlyConfigured if DEBUG is on: debug pages show settings, code and data to anyone."""
    if value.lower() not in FALSE_VALUES:
        raise ImproperlyConfigured(f"DEBUG={value} would show settings and data to anyone: remove DEBUG")
    return False


def parse_hosts(configured: Sequence[str], public_host: str) -> list[str]:
    configured = [host.strip() for host in configured]
    if any("*" in host or not host.strip(".") for host in configured):
        raise ImproperlyConfigured("ALLOWED_HOSTS=* would trust any Host header: list the host names of this portal")
    for host in configured:
        if not HOST.fullmatch(host):
            raise ImproperlyConfigured(
                f"ALLOWED_HOSTS={host!r} is not a host name: write it like portal.vendor.example, without port"
            )
    return list(configured) or [public_host]


def parse_proxies(configured: Sequence[str]) -> list[str]:
    """Validate IP addresses and networks."""
    for name in configured:
        try:
            network = ipaddress.ip_network(name, strict=False)
        except ValueError:
            raise ImproperlyConfigured(
                f"TRUSTED_PROXIES={name!r} is not an IP address: write it like 10.0.0.5 or 10.0.0.0/24"
            ) from None
        if network.prefixlen == 0:
            raise ImproperlyConfigured(
                f"TRUSTED_PROXIES={name} would let anyone forge an IP address: name the proxy’s own"
            )
    return list(configured)


def _can_split(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:  # brackets around anything but an IPv6 address
        return False
    return True


def parse_origin(name: str, url: str) -> str:
    """Validate an origin: `https`, or `http` for loopback names only, without a path."""
    url = url.rstrip("/")
    port = int(url.rpartition(":")[2]) if ORIGIN.fullmatch(url) and url.count(":") == 2 else 1
    if not ORIGIN.fullmatch(url) or not _can_split(url) or not 0 < port < 65536:
        raise ImproperlyConfigured(f"{name}={url!r} is not an origin; write it like https://portal.vendor.example")
    if url.startswith("http://") and not is_loopback(urlsplit(url).hostname or ""):
        raise ImproperlyConfigured(f"{name}={url!r} must be https; http is for loopback names only")
    return url


def parse_issuer(name: str, url: str) -> str:
    """Validate the URL of an OpenID Connect issuer: an origin, with or without a path."""
    parts = urlsplit(url if _can_split(url) else "")
    if parts.query or parts.fragment or parts.username or not parts.hostname:
        raise ImproperlyConfigured(f"{name} is not an issuer; write it like https://login.vendor.example/realms/staff")
    parse_origin(name, f"{parts.scheme}://{parts.netloc}")
    return url


def _encode_origin(pattern: str) -> str:
    if pattern.isascii():
        return pattern
    scheme, separator, authority = pattern.partition("://")
    host, colon, port = authority.partition(":")
    try:
        return f"{scheme}{separator}{encode_host(host)}{colon}{port}"
    except idna.IDNAError:
        return pattern


def parse_trusted_origins(patterns: Sequence[str]) -> list[str]:
    """Validate origin patterns. A `*` stands for labels of one domain, never for a top-level domain.

    International host names become punycode, as in the URLs that are compared with them.
    """
    patterns = [_encode_origin(pattern) for pattern in patterns]
    for pattern in patterns:
        host = pattern.partition("://")[2].removeprefix("*.")
        is_origin = _can_split(pattern) and TRUSTED_ORIGIN.fullmatch(pattern.rstrip("/"))
        if not is_origin or ("*." in pattern and "." not in host):
            raise ImproperlyConfigured(
                f"SMARTRECRUITERS_TRUSTED_ORIGINS={pattern!r} is not an origin; write it like "
                "https://*.smartrecruiters.com, without a path"
            )
    return list(patterns)


def parse_database_url(url: str, limits: Mapping[str, str]) -> dict[str, Any]:
    """Return Django's settings for DATABASE_URL, which may hold a password and is never shown.

    `limits` are the parameters of each transaction (integrations/database/limits.py).
    """
    try:
        # For other schemes the parser writes a warning with the whole URL.
        config = dict(environ.Env.db_url_config(url)) if urlsplit(url).scheme in POSTGRESQL_SCHEMES else {}
    except (ValueError, ImproperlyConfigured):
        config = {}
    if not config.get("NAME"):
        raise ImproperlyConfigured(
            "DATABASE_URL is not the URL of a PostgreSQL database: write it like postgres://user:password@host/name, "
            "or remove it to use the embedded one (SQLite in WAL mode, in PORTAL_DATA_DIR)"
        )
    config["OPTIONS"] = {**config.get("OPTIONS", {}), "connect_timeout": 4}
    if _is_transaction_pooled(config["OPTIONS"].pop("pool_mode", None)):
        _use_transaction_pooler(config, limits)
    else:
        own = config["OPTIONS"].get("options", "")
        config["OPTIONS"]["options"] = f"{own} {build_startup_options(limits)}".strip()
    return {**config, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}


def _is_transaction_pooled(mode: str | None) -> bool:
    if mode not in (None, "transaction"):
        raise ImproperlyConfigured(
            f"DATABASE_URL has pool_mode={mode}: write pool_mode=transaction, which suits a pooler in session mode, "
            "too, or remove it for a direct connection"
        )
    return mode is not None


def _use_transaction_pooler(config: dict[str, Any], limits: Mapping[str, str]) -> None:
    for name in ("options", "assume_role"):
        if name in config["OPTIONS"]:
            raise ImproperlyConfigured(
                f"DATABASE_URL has {name} beside pool_mode: a pooler does not keep it between transactions; "
                "remove it and set it in the server with ALTER ROLE … SET"
            )
    config["ENGINE"] = "integrations.database.pooler"
    config["OPTIONS"]["limits"] = dict(limits)
    config["DISABLE_SERVER_SIDE_CURSORS"] = True


def parse_broker_url(url: str, ca_file: Path | None = None) -> tuple[str, dict[str, Any] | None]:
    """Return the URL for Celery, and its TLS options for rediss://, which Celery would not verify by default."""
    try:
        parts = urlsplit(url)
        is_valid = _is_broker_url(parts)
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ImproperlyConfigured(
            "REDIS_URL is not the URL of a Redis server: write it like redis://host:6379/0, with special characters of "
            "the password percent-encoded, or remove it"
        )
    options = parse_qsl(parts.query, keep_blank_values=True)
    tls_options = {name: value for name, value in options if name.startswith("ssl_")}
    if parts.scheme != "rediss" and not (parts.scheme == "redis" and tls_options):
        return url, None
    rest = urlencode([pair for pair in options if pair[0] not in tls_options])
    return urlunsplit(parts._replace(query=rest)), _parse_broker_tls(tls_options, ca_file)


def _is_broker_url(parts: SplitResult) -> bool:
    """Return True for a known scheme with a valid port and database number. Raises ValueError for a bad port."""
    if parts.scheme not in ("redis", "rediss"):
        return parts.scheme in BROKER_SCHEMES
    # A `#` of a password ends the host name early; without this, it would be sent to localhost.
    return not parts.fragment and parts.port != 0 and re.fullmatch(r"(/[0-9]*)?", parts.path) is not None


def _parse_broker_tls(options: dict[str, str], ca_file: Path | None) -> dict[str, Any]:
    """Return redis-py's TLS options: verified, unless the URL says otherwise."""
    verified: dict[str, Any] = {"ssl_cert_reqs": "required", "ssl_check_hostname": "true"}
    if ca_file:
        verified["ssl_ca_certs"] = str(ca_file)
    found = verified | options
    found["ssl_cert_reqs"] = found["ssl_cert_reqs"].lower().removeprefix("cert_")
    for name, allowed in BROKER_TLS_CHOICES.items():
        if found[name] not in allowed:
            raise ImproperlyConfigured(f"REDIS_URL has {name}={found[name]}: write {' or '.join(allowed)}")
    for name in options:
        if name in BROKER_TLS_FILES and not Path(found[name]).is_file():
            raise ImproperlyConfigured(f"REDIS_URL has {name}={found[name]}: that is no file")
        if name not in (*BROKER_TLS_FILES, *BROKER_TLS_CHOICES):
            known = ", ".join([*BROKER_TLS_CHOICES, *BROKER_TLS_FILES])
            raise ImproperlyConfigured(f"REDIS_URL has {name}, which is unknown: the options of TLS are {known}")
    found["ssl_check_hostname"] = found["ssl_check_hostname"] == "true" and found["ssl_cert_reqs"] != "none"
    found["ssl_cert_reqs"] = getattr(ssl, f"CERT_{found['ssl_cert_reqs'].upper()}")
    return found


def parse_ca_file(name: str, value: str) -> Path | None:
    """Return the path of a PEM file with certificates of private CAs."""
    if not value:
        return None
    try:
        tls.build_ssl_context(value)
    except OSError:  # also ssl.SSLError
        raise ImproperlyConfigured(
            f"{name}={value!r} is not a PEM file with CA certificates; write its path, like /etc/portal/ca.pem"
        ) from None
    return Path(value).resolve()


def add_root_certificates(options: dict[str, Any], ca_file: Path | None) -> None:
    """Verify PostgreSQL's certificate against CA_FILE, where DATABASE_URL asks for that and names no file itself."""
    if ca_file and str(options.get("sslmode", "")).startswith("verify-"):
        options.setdefault("sslrootcert", str(ca_file))


def parse_scanner_url(name: str, url: str) -> str | tuple[str, int] | None:
    """Return the address of ClamAV's daemon: the path of its socket, or its host and port."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port if parts.port is not None else CLAMAV_PORT
    except ValueError:
        parts, port = urlsplit(""), 0
    is_plain = not (parts.username or parts.query or parts.fragment)
    if is_plain and parts.scheme == "tcp" and parts.hostname and port and parts.path in ("", "/"):
        return parts.hostname, port
    if is_plain and parts.scheme == "unix" and not parts.netloc and 1 < len(parts.path.encode()) < MAX_SOCKET_PATH:
        return parts.path
    raise ImproperlyConfigured(
        f"{name}={url!r} is not the address of a ClamAV daemon: write it like unix:///run/clamav/clamd.ctl or "
        "tcp://scanner.vendor.example:3310"
    )


def parse_email_url(url: str) -> dict[str, Any]:
    try:
        config = dict(environ.Env.email_url_config(url))
    except (ValueError, ImproperlyConfigured):
        config = {}
    if not config or (".smtp." in config["EMAIL_BACKEND"] and not config["EMAIL_HOST"]):
        raise ImproperlyConfigured(
            "EMAIL_URL is not the URL of a mail server: write it like smtp+tls://user:password@mail.vendor.example:587"
        )
    return config


def parse_rate(name: str, value: str) -> float:
    """Return a number per second, which may be below one."""
    with contextlib.suppress(ValueError):
        if 0.01 <= (rate := float(value)) <= 1000:
            return rate
    raise ImproperlyConfigured(f"{name}={value!r} is not a rate; write a number per second, like 20 or 0.5")


def parse_sender(name: str, value: str) -> str:
    if "@" not in parseaddr(value)[1] or not value.isprintable():
        raise ImproperlyConfigured(f"{name}={value!r} is not a sender; write it like Vendor <no-reply@vendor.example>")
    return value


def parse_contact(name: str, value: str) -> str:
    """Return the contact of `security.txt` as a URL. An email address is accepted without `mailto:`."""
    url = f"mailto:{value}" if "@" in value and ":" not in value else value
    if value and not re.fullmatch(r"(?:mailto:[!-~]+@[!-~]+|https://[!-~]+)", url):
        raise ImproperlyConfigured(
            f"{name}={value!r} is no contact; write an email address, or a URL like https://vendor.example/security"
        )
    return url


def parse_sentry_dsn(name: str, dsn: str) -> str:
    """Validate a Sentry DSN, which holds a key and is not shown."""
    if dsn and not DSN.fullmatch(dsn):
        raise ImproperlyConfigured(f"{name} is not a DSN; write it like https://key@errors.vendor.example/1")
    return dsn


def parse_colour(name: str, value: str) -> str:
    """Return the colour as `#rrggbb`; `#rgb` is accepted."""
    if re.fullmatch(r"#[0-9A-Fa-f]{3}", value):
        value = "#" + "".join(digit * 2 for digit in value[1:])
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        raise ImproperlyConfigured(f"{name}={value!r} is not a colour; write it like #2557a7")
    return value.lower()


def parse_logo_path(name: str, value: str) -> Path | None:
    """Return the path of the logo, a file that the portal serves itself."""
    if not value:
        return None
    path = Path(value)
    if path.suffix.lower() not in (".svg", ".png") or not path.is_file():
        raise ImproperlyConfigured(
            f"{name}={value!r} is not an SVG or PNG file; write its path, like /etc/portal/logo.svg"
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
    """Return the secret in the file, which is created with `new_secret` and mode 0600 if it is missing."""
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
    """Validate the Fernet keys, newest first, or generate one for the embedded database."""
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
                "ENCRYPTION_KEYS contains an invalid Fernet key: give 32 random bytes in URL-safe base64"
            ) from None
    return keys
