"""Public and private IP addresses, for SSRF protection, and the IP address of a client."""

import ipaddress

from django.http import HttpRequest

NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Not global by IANA's registries of special-purpose addresses, but global for some Pythons: IETF protocol assignments,
# 6to4 relays (deprecated by RFC 7526), and documentation (RFC 9637).
NOT_PUBLIC = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))
IPV6_PREFIX = 64  # what one line or machine gets: its owner can use each of its addresses
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public_ip(text: str) -> bool:
    """Return True for a public IP address, also if embedded in an IPv6 one. Raises ValueError for a name."""
    address = unmap_ipv4(text)
    is_special = address.is_multicast or address.is_reserved or getattr(address, "is_site_local", False)
    return address.is_global and not is_special and not any(address in network for network in NOT_PUBLIC)


def unmap_ipv4(text: str) -> IPAddress:
    """Parse an IP address, and unwrap an IPv4 one that is embedded in IPv6. Raises ValueError."""
    address = ipaddress.ip_address(text.strip("[]"))
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def get_client_ip(request: HttpRequest) -> str | None:
    """Return the client's IP address. TrustedProxyMiddleware has replaced that of a trusted proxy."""
    return request.META.get("REMOTE_ADDR") or None


def get_client_network(request: HttpRequest) -> str:
    """Return the key of a rate limiter: the client's IPv4 address, or the /64 of its IPv6 address, or ""."""
    ip = get_client_ip(request) or ""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.IPv6Network((address, IPV6_PREFIX), strict=False))
