"""What the environment says, checked: every mistake is one clear line that says what would be right."""

import os
import re
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def is_loopback(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def origin(name: str, url: str) -> str:
    """The origin of a configured address: `https`, or `http` for loopback names only, and nothing behind the host."""
    parts = urlsplit(url.rstrip("/"))
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or parts.path or parts.query or parts.username:
        raise ImproperlyConfigured(f"{name}={url!r} is not an origin; write it like https://portal.vendor.example")
    if parts.scheme == "http" and not is_loopback(host):
        raise ImproperlyConfigured(f"{name}={url!r} must be https; http is for loopback names only")
    return f"{parts.scheme}://{parts.netloc}"


def colour(name: str, value: str) -> str:
    """`#rrggbb`; `#rgb` is written out."""
    if re.fullmatch(r"#[0-9A-Fa-f]{3}", value):
        value = "#" + "".join(digit * 2 for digit in value[1:])
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        raise ImproperlyConfigured(f"{name}={value!r} is no colour; write it like #2557a7")
    return value.lower()


def kept_secret(path: Path, make: str) -> str:
    """A secret made at the first start and kept, mode 0600, in the data folder of an embedded installation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    if not path.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # two processes that start at once agree on the first one's secret
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def secret_key(configured: str, *, embedded: bool, folder: Path) -> str:
    if configured:
        if len(configured) < 32 or "insecure" in configured:
            raise ImproperlyConfigured("SECRET_KEY is too weak: give at least 32 random characters")
        return configured
    if not embedded:
        raise ImproperlyConfigured("SECRET_KEY is missing: with DATABASE_URL set, give at least 32 random characters")
    return kept_secret(folder / "secret_key", secrets.token_urlsafe(48))


def encryption_keys(configured: list[str], *, embedded: bool, folder: Path) -> list[str]:
    """Fernet keys, newest first."""
    keys = [key.strip() for key in configured if key.strip()]
    if not keys:
        if not embedded:
            raise ImproperlyConfigured(
                "ENCRYPTION_KEYS is missing: with DATABASE_URL set, give one or more Fernet keys, newest first"
            )
        keys = [kept_secret(folder / "encryption_key", Fernet.generate_key().decode())]
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                "ENCRYPTION_KEYS holds something that is no Fernet key: 32 random bytes in URL-safe base64"
            ) from None
    return keys
