"""Public and private IP addresses, for SSRF protection, and the IP address of a client."""

import ipaddress

from django.http import HttpRequest

NAT64 = ipaddress.ip_network("64:ff9b::/96")
IETF_PROTOCOL_ASSIGNMENTS = ipaddress.ip_network("192.0.0.0/24")  # global for older Pythons, in most parts
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public_ip(text: str) -> bool:
    """Return True for a public IP address, also if embedded in an IPv6 one. Raises ValueError for a name."""
    address = unmap_ipv4(text)
    is_special = address.is_multicast or address.is_reserved or getattr(address, "is_site_local", False)
    return address.is_global and not is_special and address not in IETF_PROTOCOL_ASSIGNMENTS


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
