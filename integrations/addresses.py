from django.http import HttpRequest


def address_of(request: HttpRequest) -> str | None:
    """The address of who asks. Proxies are seen through by config.middleware.TrustedProxies, if they are trusted."""
    return request.META.get("REMOTE_ADDR") or None
