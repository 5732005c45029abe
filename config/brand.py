"""The vendor's brand: his name, colour and logo, on every page.

The CSP forbids inline styles, so the colour comes as a style sheet of its own. A colour that cannot be read on the
page's ground is moved towards black or white until it can (WCAG 2.2, 1.4.3).
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

Colour = tuple[int, int, int]
WHITE, INK = (255, 255, 255), (17, 20, 26)
LIGHT_GROUND, DARK_GROUND = (238, 240, 244), (35, 40, 51)
READABLE = 4.6


def brand(_request: HttpRequest) -> dict[str, str]:
    """The vendor's name, colour and logo for every template."""
    return {
        "brand_name": settings.BRAND_NAME,
        "brand_colour": settings.BRAND_COLOUR,
        "brand_logo_url": settings.BRAND_LOGO_URL,
    }


def parsed(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def written(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def luminance(colour: Colour) -> float:
    """WCAG's relative luminance."""
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable(colour: Colour, ground: Colour) -> Colour:
    """The colour, or the nearest to it on its way to black or white that can be read on this ground."""
    towards = WHITE if luminance(ground) < 0.18 else (0, 0, 0)
    steps = [tuple(round(c + (t - c) * step / 20) for c, t in zip(colour, towards, strict=True)) for step in range(21)]
    return next((step for step in steps if contrast(step, ground) >= READABLE), towards)  # type: ignore[arg-type,return-value]


def palette(ground: Colour) -> str:
    accent = readable(parsed(settings.BRAND_COLOUR), ground)
    text = max((WHITE, INK), key=lambda candidate: contrast(candidate, accent))
    return f":root {{ --brand: {written(accent)}; --brand-on: {written(text)}; }}"


@require_safe
@cache_control(public=True, max_age=300)
def stylesheet(_request: HttpRequest) -> HttpResponse:
    """`--brand` and `--brand-on`, in light and dark."""
    css = f"{palette(LIGHT_GROUND)}\n@media (prefers-color-scheme: dark) {{ {palette(DARK_GROUND)} }}\n"
    return HttpResponse(css, content_type="text/css; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=300)
def icon(_request: HttpRequest) -> HttpResponse:
    """The tab's icon, in the vendor's colour."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28">'
        f'<rect width="28" height="28" rx="7" fill="{written(parsed(settings.BRAND_COLOUR))}"/>'
        '<path d="M8 14.5l4.2 4.2L20.5 10" fill="none" stroke="#fff" stroke-width="2.8" stroke-linecap="round" '
        'stroke-linejoin="round"/></svg>'
    )
    return HttpResponse(svg, content_type="image/svg+xml")
