"""Trusted origins and strict URL parsing, against open redirects and SSRF.

SMARTRECRUITERS_TRUSTED_ORIGINS is one list for callbacks, `redirect`, returns and framing. URL parsers disagree about
odd spellings, so a URL must be spelt plainly before it is compared.
"""

import ipaddress
import re
import unicodedata
from functools import lru_cache

import idna
from django.conf import settings

STRICT_URL = re.compile(
    r"(?P<scheme>[Hh][Tt][Tt][Pp][Ss]?)://"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>(?:[/?][!-\[\]-~]*)?)",
    re.ASCII,
)
STRICT_URL_PATTERN = re.sub(r"\?P<\w+>", "?:", STRICT_URL.pattern)  # without named groups, for JSON Schema
FRAGMENT = re.compile(r"[!-~]*", re.ASCII)
LOOSE_URL = re.compile(r"\A(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?]*)(?P<rest>.*)", re.DOTALL)
AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:]*)(?P<port>:[0-9]{1,5})?")
MAX_URL_LENGTH = 8000  # what RFC 9112, section 3, recommends for a request line
TRUSTED_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>(?:\*\.)?[A-Za-z0-9.\[\]:-]+?)(?::(?P<port>[0-9]{1,5}))?", re.ASCII
)
DEFAULT_PORTS = {"http": "80", "https": "443"}

CALLBACK_PATH = re.compile(r"/assessment-api/v[0-9]+/orders/(?P<order>[A-Za-z0-9-]{1,64})/results/?", re.ASCII)


class UntrustedURLError(ValueError):
    """The URL is malformed or its origin is not trusted."""


class MalformedURLError(ValueError):
    """The URL is malformed. The message ends a sentence like "The URL …", and does not repeat the URL."""


def parse_url(url: str) -> tuple[str, str, str, str] | None:
    """Return (scheme and host in lower case, port, rest) of a plainly spelt absolute URL, otherwise None.

    Refuses user info, fragments, backslashes, percent signs in the host, trailing dots, and non-ASCII characters.
    """
    match = STRICT_URL.fullmatch(url) if len(url) <= MAX_URL_LENGTH else None
    if match is None or "#" in url or int(match["port"] or 0) > 65535 or not _is_valid_host(match["host"]):
        return None
    scheme = match["scheme"].lower()
    return scheme, match["host"].lower(), match["port"] or DEFAULT_PORTS[scheme], match["rest"]


def _is_valid_host(host: str) -> bool:
    """Return False for brackets around anything but an IPv6 address."""
    try:
        return not host.startswith("[") or bool(ipaddress.IPv6Address(host[1:-1]))
    except ValueError:
        return False


def parse_return_url(url: str) -> tuple[str, str, str, str] | None:
    """Return the parts of a URL that a browser is sent to, without its fragment."""
    base, _, fragment = url.partition("#")
    return parse_url(base) if len(url) <= MAX_URL_LENGTH and FRAGMENT.fullmatch(fragment) else None


def normalize_return_url(url: str) -> str:
    """Return the URL as a browser is sent to it: scheme and host in lower case, an international host in punycode.

    Raises MalformedURLError.
    """
    if len(url) > MAX_URL_LENGTH:
        raise MalformedURLError(f"must have at most {MAX_URL_LENGTH} characters")
    base, hash_sign, fragment = url.partition("#")
    match = LOOSE_URL.fullmatch(base)
    if match is None or match["scheme"].lower() not in DEFAULT_PORTS:
        raise MalformedURLError("must begin with https://")
    if "@" in match["authority"]:
        raise MalformedURLError("must not contain a user name")
    origin = f"{match['scheme'].lower()}://{_normalize_authority(match['authority'])}"
    if parse_url(origin) is None:
        raise MalformedURLError("must have a valid host")
    normalized = f"{origin}{match['rest']}{hash_sign}{fragment}"
    if parse_return_url(normalized) is None:
        raise MalformedURLError("must be percent-encoded where it has spaces, backslashes or non-ASCII letters")
    return normalized


def _normalize_authority(authority: str) -> str:
    match = AUTHORITY.fullmatch(authority)
    try:
        return f"{encode_host(match['host'])}{match['port'] or ''}" if match else ""
    except idna.IDNAError:
        return ""


def encode_host(host: str) -> str:
    """Return the host in lower case, with its international labels in punycode. Raises idna.IDNAError.

    Characters are not mapped to ASCII: a full-width letter or an ideographic full stop is an error, as IDNA 2008 says.
    """
    labels = unicodedata.normalize("NFC", host).lower().split(".")
    return ".".join(label if label.isascii() else idna.alabel(label).decode() for label in labels)


@lru_cache(maxsize=8)
def _parse_origins(origins: tuple[str, ...]) -> list[tuple[str, str, str]]:
    matches = [TRUSTED_ORIGIN.fullmatch(origin.rstrip("/")) for origin in origins]
    return [(m["scheme"], m["host"].lower(), m["port"] or DEFAULT_PORTS[m["scheme"]]) for m in matches if m]


def is_trusted(url: str) -> bool:
    """Return True for a plainly spelt URL at a trusted origin. `*` in a pattern is one or more labels, as in CSP."""
    parts = parse_return_url(url)
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
