"""The vendor's brand on every page: name, colour and logo.

The Content-Security-Policy forbids inline styles, so the colour is a style sheet of its own. A colour with too little
contrast to the page's background is moved towards black or white (WCAG 2.2, 1.4.3).
"""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from config.icon import draw_icon
from integrations import colours, mail


def brand_context(_request: HttpRequest) -> dict[str, str | bool]:
    """Template context processor: brand, name of the vendor's single sign-on, and how the portal is set up."""
    return {
        "brand_name": settings.BRAND_NAME,
        "brand_colour": settings.BRAND_COLOUR,
        "brand_logo_url": reverse("brand_logo") if settings.BRAND_LOGO else "",
        "is_email_enabled": mail.is_email_enabled(),
        "is_mfa_required": settings.STAFF_MFA == "required",
        "oidc_name": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
    }


def render_palette(background: colours.Colour) -> str:
    accent = colours.ensure_contrast(colours.parse_hex(settings.BRAND_COLOUR), background)
    text = colours.pick_text_colour(accent)
    return f":root {{ --brand: {colours.format_hex(accent)}; --brand-on: {colours.format_hex(text)}; }}"


@require_safe
@cache_control(public=True, max_age=300)
def brand_stylesheet(_request: HttpRequest) -> HttpResponse:
    """Serve the variables `--brand` and `--brand-on`, for light and dark."""
    light, dark = render_palette(colours.LIGHT_BACKGROUND), render_palette(colours.DARK_BACKGROUND)
    css = f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n"
    return HttpResponse(css, content_type="text/css; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=300)
def brand_logo(_request: HttpRequest) -> HttpResponse:
    """Serve BRAND_LOGO, with a policy that runs no script in an SVG."""
    if settings.BRAND_LOGO is None:
        raise Http404
    kind = "image/svg+xml" if settings.BRAND_LOGO.suffix.lower() == ".svg" else "image/png"
    response = HttpResponse(settings.BRAND_LOGO.read_bytes(), content_type=kind)
    response["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    return response


@require_safe
@cache_control(public=True, max_age=300)
def brand_icon(_request: HttpRequest) -> HttpResponse:
    """Serve the favicon in the brand's colour."""
    colour = colours.parse_hex(settings.BRAND_COLOUR)
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28">'
        f'<rect width="28" height="28" rx="7" fill="{colours.format_hex(colour)}"/>'
        '<path d="M8 14.5l4.2 4.2L20.5 10" fill="none" stroke-width="2.8" stroke-linecap="round" '
        f'stroke-linejoin="round" stroke="{colours.format_hex(colours.pick_text_colour(colour))}"/></svg>'
    )
    return HttpResponse(svg, content_type="image/svg+xml")


@require_safe
@cache_control(public=True, max_age=300)
def brand_touch_icon(_request: HttpRequest) -> HttpResponse:
    """Serve the icon for home screens, and for browsers without SVG favicons."""
    colour = colours.parse_hex(settings.BRAND_COLOUR)
    return HttpResponse(draw_icon(colour, colours.pick_text_colour(colour)), content_type="image/png")
