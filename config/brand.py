from django.conf import settings
from django.http import HttpRequest


def brand(_request: HttpRequest) -> dict[str, str]:
    """The vendor's name, colour and logo for every template."""
    return {
        "brand_name": settings.BRAND_NAME,
        "brand_colour": settings.BRAND_COLOUR,
        "brand_logo_url": settings.BRAND_LOGO_URL,
    }
