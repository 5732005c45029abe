"""Which addresses we trust: SMARTRECRUITERS_TRUSTED_ORIGINS, matched label by label.

One list for callbacks, `redirect`, returns and framing (INTERFACE.md). Parsers disagree about odd spellings, and the
one who connects may not be the one who checked (RELIABILITY.md, finding 2): so an address must be spelt plainly first.
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
STRICT_URL_PATTERN = re.sub(r"\?P<\w+>", "?:", STRICT_URL.pattern)
"""The same for other readers of regular expressions: an API's description."""
TRUSTED_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>(?:\*\.)?[A-Za-z0-9.\[\]:-]+?)(?::(?P<port>[0-9]{1,5}))?", re.ASCII
)
DEFAULT_PORTS = {"http": "80", "https": "443"}

CALLBACK_PATH = re.compile(r"/assessment-api/v[0-9]+/orders/(?P<order>[A-Za-z0-9-]{1,64})/results/?", re.ASCII)


class UntrustedURLError(ValueError):
    """The address is malformed or leads to a host that SMARTRECRUITERS_TRUSTED_ORIGINS does not name."""


def parse_url(url: str) -> tuple[str, str, str, str] | None:
    """(scheme, host in lower case, port, rest) of a plainly spelt absolute address, else None.

    No user info, no fragment, no backslash, no percent sign in the host, no trailing dot, ASCII only.
    """
    match = STRICT_URL.fullmatch(url) if len(url) <= 2000 else None
    if match is None or "#" in url or int(match["port"] or 0) > 65535 or not _is_valid_host(match["host"]):
        return None
    scheme = match["scheme"]
    return scheme, match["host"].lower(), match["port"] or DEFAULT_PORTS[scheme], match["rest"]


def _is_valid_host(host: str) -> bool:
    """In brackets stands an IPv6 address, and nothing that only looks like one."""
    try:
        return not host.startswith("[") or bool(ipaddress.IPv6Address(host[1:-1]))
    except ValueError:
        return False


@lru_cache(maxsize=8)
def _parse_origins(origins: tuple[str, ...]) -> list[tuple[str, str, str]]:
    found = [TRUSTED_ORIGIN.fullmatch(origin.rstrip("/")) for origin in origins]
    return [(m["scheme"], m["host"].lower(), m["port"] or DEFAULT_PORTS[m["scheme"]]) for m in found if m]


def is_trusted(url: str) -> bool:
    """Is this a plainly spelt address at a trusted origin? `*` in a pattern stands for one or more labels."""
    parts = parse_url(url)
    if parts is None:
        return False
    scheme, host, port, _ = parts
    for wanted_scheme, wanted_host, wanted_port in _parse_origins(tuple(settings.SMARTRECRUITERS_TRUSTED_ORIGINS)):
        if (scheme, port) == (wanted_scheme, wanted_port) and (
            host == wanted_host
            or (wanted_host.startswith("*.") and host.endswith(wanted_host[1:]) and host != wanted_host[2:])
        ):
            return True
    return False


def extract_order_id(callback_url: str) -> str:
    """The order's id out of `resultCallbackURL`. The address itself is data and never called.

    Raises UntrustedURLError when the origin is not trusted or the path is not that of a result.
    """
    parts = parse_url(callback_url)
    if parts is None or not is_trusted(callback_url):
        raise UntrustedURLError("must be an address at SmartRecruiters")
    match = CALLBACK_PATH.fullmatch(parts[3])
    if match is None:
        raise UntrustedURLError("must have the path /assessment-api/v…/orders/{id}/results")
    return match["order"]
