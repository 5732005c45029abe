"""The vendor's brand: his name, colour and logo, on every page.

The CSP forbids inline styles, so the colour comes as a style sheet of its own. A colour that cannot be read on the
page's ground is moved towards black or white until it can (WCAG 2.2, 1.4.3).
"""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from integrations import colours


def brand_context(_request: HttpRequest) -> dict[str, str | bool]:
    """The vendor's name, colour and logo for every template, what his own sign-in is called, and whether his staff
    must have a second factor."""
    return {
        "brand_name": settings.BRAND_NAME,
        "brand_colour": settings.BRAND_COLOUR,
        "brand_logo_url": reverse("brand_logo") if settings.BRAND_LOGO else "",
        "is_mfa_required": settings.STAFF_MFA == "required",
        "oidc_name": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
    }


def render_palette(ground: colours.Colour) -> str:
    accent = colours.ensure_contrast(colours.parse_hex(settings.BRAND_COLOUR), ground)
    text = colours.pick_text_colour(accent)
    return f":root {{ --brand: {colours.format_hex(accent)}; --brand-on: {colours.format_hex(text)}; }}"


@require_safe
@cache_control(public=True, max_age=300)
def brand_stylesheet(_request: HttpRequest) -> HttpResponse:
    """`--brand` and `--brand-on`, in light and dark."""
    css = f"{render_palette(colours.LIGHT_BACKGROUND)}\n@media (prefers-color-scheme: dark) {{ {render_palette(colours.DARK_BACKGROUND)} }}\n"
    return HttpResponse(css, content_type="text/css; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=300)
def brand_logo(_request: HttpRequest) -> HttpResponse:
    """BRAND_LOGO, as a picture in which nothing runs."""
    if settings.BRAND_LOGO is None:
        raise Http404
    kind = "image/svg+xml" if settings.BRAND_LOGO.suffix.lower() == ".svg" else "image/png"
    response = HttpResponse(settings.BRAND_LOGO.read_bytes(), content_type=kind)
    response["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    return response


@require_safe
@cache_control(public=True, max_age=300)
def brand_icon(_request: HttpRequest) -> HttpResponse:
    """The tab's icon, in the vendor's colour."""
    colour = colours.parse_hex(settings.BRAND_COLOUR)
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28">'
        f'<rect width="28" height="28" rx="7" fill="{colours.format_hex(colour)}"/>'
        '<path d="M8 14.5l4.2 4.2L20.5 10" fill="none" stroke-width="2.8" stroke-linecap="round" '
        f'stroke-linejoin="round" stroke="{colours.format_hex(colours.pick_text_colour(colour))}"/></svg>'
    )
    return HttpResponse(svg, content_type="image/svg+xml")
