"""Which network addresses are everybody's. An engine's webhook must lead to such a one, not into our own network."""

import ipaddress

from django.http import HttpRequest

NAT64 = ipaddress.ip_network("64:ff9b::/96")
IETF_PROTOCOL_ASSIGNMENTS = ipaddress.ip_network("192.0.0.0/24")
"""Of IANA's own uses; older Pythons take most of it for global."""
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public_ip(text: str) -> bool:
    """Of an address as numbers, in whatever clothes. Raises ValueError for what is none, a name for one."""
    address = unmap_ipv4(text)
    is_special = address.is_multicast or address.is_reserved or getattr(address, "is_site_local", False)
    return address.is_global and not is_special and address not in IETF_PROTOCOL_ASSIGNMENTS


def unmap_ipv4(text: str) -> IPAddress:
    """The IPv4 address that an IPv6 one stands for, where it does. Raises ValueError."""
    address = ipaddress.ip_address(text.strip("[]"))
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def get_client_ip(request: HttpRequest) -> str | None:
    """The address of who asks. Proxies are seen through by config.middleware.TrustedProxyMiddleware, if they are trusted."""
    return request.META.get("REMOTE_ADDR") or None
