"""Validation of URLs from engines: the start of an assessment, and reports."""

import re

from django.conf import settings

from integrations.http import ip_addresses, trusted_origins

NUMERIC_LABEL_PATTERN = re.compile(r"[0-9]+|0x[0-9a-f]*")


def validate_url(url: str) -> None:
    """Check the rules of orders/api/README.md, "URLs from an engine".

    Raises ValueError with the valid form, as the end of a sentence that starts with "The URL".
    """
    parts = trusted_origins.parse_return_url(url)
    if parts is None:
        raise ValueError(
            "must be a plain https URL, like https://engine.example/take/42, in ASCII and without user info"
        )
    scheme, host, _, _ = parts
    if scheme != "https" and not settings.IS_LOOPBACK:
        raise ValueError("must begin with https://")
    if _is_private_host(host):
        raise ValueError("must have a public host, not a private IP address")


def _is_private_host(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return not settings.IS_LOOPBACK
    if not host.startswith("[") and NUMERIC_LABEL_PATTERN.fullmatch(host.rpartition(".")[2]) is None:
        return False
    try:
        is_loopback = ip_addresses.unmap_ipv4(host).is_loopback
    except ValueError:
        return True  # browsers read 2130706433 and 0x7f.1 as IP addresses, too
    return not settings.IS_LOOPBACK if is_loopback else not ip_addresses.is_public_ip(host)


def get_origin(url: str) -> str:
    """Return the origin of a validated URL, as Content-Security-Policy writes it."""
    return re.split(r"(?<=[^/:])[/?#]", url, maxsplit=1)[0]
