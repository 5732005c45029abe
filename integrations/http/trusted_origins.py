"""Trusted origins and strict URL parsing, against open redirects and SSRF.

SMARTRECRUITERS_TRUSTED_ORIGINS is one list for callbacks, `redirect`, returns and framing. URL parsers disagree about
odd spellings, so a URL must be spelt plainly before it is compared.
"""

import ipaddress
import re
from functools import lru_cache

from django.conf import settings

STRICT_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>(?:[/?][!-\[\]-~]*)?)",
    re.ASCII,
)
STRICT_URL_PATTERN = re.sub(r"\?P<\w+>", "?:", STRICT_URL.pattern)  # without named groups, for JSON Schema
TRUSTED_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>(?:\*\.)?[A-Za-z0-9.\[\]:-]+?)(?::(?P<port>[0-9]{1,5}))?", re.ASCII
)
DEFAULT_PORTS = {"http": "80", "https": "443"}

CALLBACK_PATH = re.compile(r"/assessment-api/v[0-9]+/orders/(?P<order>[A-Za-z0-9-]{1,64})/results/?", re.ASCII)


class UntrustedURLError(ValueError):
    """The URL is malformed or its origin is not trusted."""


def parse_url(url: str) -> tuple[str, str, str, str] | None:
    """Return (scheme, host in lower case, port, rest) of a plainly spelt absolute URL, otherwise None.

    Refuses user info, fragments, backslashes, percent signs in the host, trailing dots, and non-ASCII characters.
    """
    match = STRICT_URL.fullmatch(url) if len(url) <= 2000 else None
    if match is None or "#" in url or int(match["port"] or 0) > 65535 or not _is_valid_host(match["host"]):
        return None
    scheme = match["scheme"]
    return scheme, match["host"].lower(), match["port"] or DEFAULT_PORTS[scheme], match["rest"]


def _is_valid_host(host: str) -> bool:
    """Return False for brackets around anything but an IPv6 address."""
    try:
        return not host.startswith("[") or bool(ipaddress.IPv6Address(host[1:-1]))
    except ValueError:
        return False


@lru_cache(maxsize=8)
def _parse_origins(origins: tuple[str, ...]) -> list[tuple[str, str, str]]:
    matches = [TRUSTED_ORIGIN.fullmatch(origin.rstrip("/")) for origin in origins]
    return [(m["scheme"], m["host"].lower(), m["port"] or DEFAULT_PORTS[m["scheme"]]) for m in matches if m]


def is_trusted(url: str) -> bool:
    """Return True for a plainly spelt URL at a trusted origin. `*` in a pattern is one or more labels, as in CSP."""
    parts = parse_url(url)
    if parts is None:
        return False
    scheme, host, port, _ = parts
    origins = _parse_origins(tuple(settings.SMARTRECRUITERS_TRUSTED_ORIGINS))
    return any(
        (scheme, port) == (trusted_scheme, trusted_port) and _matches_host(host, trusted_host)
        for trusted_scheme, trusted_host, trusted_port in origins
    )


def _matches_host(host: str, pattern: str) -> bool:
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]) and host != pattern[2:])


def extract_order_id(callback_url: str) -> str:
    """Return the order's id from `resultCallbackURL`, which is never called. Raises UntrustedURLError."""
    parts = parse_url(callback_url)
    if parts is None or not is_trusted(callback_url):
        raise UntrustedURLError("must be a URL at SmartRecruiters")
    match = CALLBACK_PATH.fullmatch(parts[3])
    if match is None:
        raise UntrustedURLError("must have the path /assessment-api/v…/orders/{id}/results")
    return match["order"]
