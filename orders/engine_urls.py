"""Addresses that an engine gives us: where its assessment starts, and where its reports lie."""

import re

from django.conf import settings

from integrations.http import ip_addresses, trusted_origins

FRAGMENT_PATTERN = re.compile(r"[!-~]*", re.ASCII)
NUMERIC_LABEL_PATTERN = re.compile(r"[0-9]+|0x[0-9a-f]*")


def validate_url(url: str) -> None:
    """https, no user info, no private address literal; on a loopback portal http and loopback too (INTERFACE.md).

    Raises ValueError with what would be right, as the end of a sentence.
    """
    address, _, fragment = url.partition("#")
    parts = trusted_origins.parse_url(address)
    if parts is None or FRAGMENT_PATTERN.fullmatch(fragment) is None:
        raise ValueError(
            "must be a plain https address, like https://engine.example/take/42, in ASCII and without user info"
        )
    scheme, host, _, _ = parts
    if scheme != "https" and not settings.IS_LOOPBACK:
        raise ValueError("must begin with https://")
    if _is_private_host(host):
        raise ValueError("must lead to a public host, not to a private address")


def _is_private_host(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return not settings.IS_LOOPBACK
    if not host.startswith("[") and NUMERIC_LABEL_PATTERN.fullmatch(host.rpartition(".")[2]) is None:
        return False
    try:
        is_loopback = ip_addresses.unmap_ipv4(host).is_loopback
    except ValueError:
        return True  # browsers read 2130706433 and 0x7f.1 as addresses, too
    return not settings.IS_LOOPBACK if is_loopback else not ip_addresses.is_public_ip(host)


def get_origin(url: str) -> str:
    """`https://host:port` of a checked address, as Content-Security-Policy writes it."""
    return re.split(r"(?<=[^/:])[/?#]", url, maxsplit=1)[0]
