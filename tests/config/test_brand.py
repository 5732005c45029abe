"""The vendor's name, colour and logo."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Browser
from PIL import Image

from config import environment
from integrations import colours
from integrations.models import User

pytestmark = pytest.mark.django_db
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8"/></svg>'


@pytest.fixture
def logo(tmp_path: Path, settings: Any) -> str:
    (tmp_path / "logo.svg").write_text(SVG)
    settings.BRAND_LOGO, settings.BRAND_NAME = tmp_path / "logo.svg", "Testwerk"
    return '<img class="brand__logo" src="/brand-logo" alt="Testwerk">'


def test_logo_stands_on_every_kind_of_page(client: Browser, alice: User, staff: User, logo: str) -> None:
    pages = {"/accounts/login/": None, "/take/nothing": None, "/nothing": None, "/": alice, "/admin/": staff}
    for path, person in pages.items():
        if person is not None:
            client.force_login(person)
        assert logo in client.get(path).content.decode(), path


def test_logo_is_served_as_a_picture_in_which_nothing_runs(client: Browser, logo: str) -> None:
    answer = client.get("/brand-logo")
    assert (answer.content.decode(), answer["Content-Type"]) == (SVG, "image/svg+xml")
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_name_stands_where_there_is_no_logo(client: Browser, settings: Any) -> None:
    settings.BRAND_NAME = "Testwerk"
    assert client.get("/brand-logo").status_code == 404
    page = client.get("/accounts/login/").content.decode()
    assert ("Testwerk" in page, "brand__logo" in page) == (True, False)


@pytest.mark.parametrize("value", ["/nowhere/logo.svg", "https://cdn.example/logo.svg", __file__])
def test_logo_that_is_none_is_refused_at_the_start(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="is not an SVG or PNG file"):
        environment.parse_logo_path("BRAND_LOGO", value)


@pytest.mark.parametrize("colour", ["#2557a7", "#ffe066", "#000000", "#ffffff", "#777777"])
def test_colour_of_any_brand_can_be_read(client: Browser, settings: Any, colour: str) -> None:
    settings.BRAND_COLOUR = colour
    for ground in (colours.LIGHT_BACKGROUND, colours.DARK_BACKGROUND):
        accent = colours.ensure_contrast(colours.parse_hex(colour), ground)
        assert colours.contrast_ratio(accent, ground) >= 4.5
        assert colours.contrast_ratio(colours.pick_text_colour(accent), accent) >= 4.5
    assert client.get("/brand.css").content.decode().count("--brand-on:") == 2


@pytest.mark.parametrize(
    ("colour", "tick"),
    [
        ("#2557a7", (255, 255, 255)),
        ("#ffe066", (17, 20, 26)),
        ("#000000", (255, 255, 255)),
        ("#ffffff", (17, 20, 26)),
    ],
)
def test_icon_of_home_screens_is_a_picture_in_the_brands_colour(
    client: Browser, settings: Any, colour: str, tick: tuple[int, int, int]
) -> None:
    settings.BRAND_COLOUR = colour
    answer = client.get("/apple-touch-icon.png")
    with Image.open(io.BytesIO(answer.content)) as picture:
        pixels = picture.convert("RGB")
    assert (answer["Content-Type"], picture.format, picture.size) == ("image/png", "PNG", (180, 180))
    corners = {pixels.getpixel((x, y)) for x in (0, 179) for y in (0, 179)}
    assert (corners, pixels.getpixel((78, 120))) == ({colours.parse_hex(colour)}, tick)


def test_every_kind_of_page_names_its_icons(client: Browser, alice: User, staff: User) -> None:
    pages = {"/accounts/login/": None, "/take/nothing": None, "/": alice, "/admin/": staff}
    for path, person in pages.items():
        if person is not None:
            client.force_login(person)
        page = client.get(path).content.decode()
        assert '<link rel="apple-touch-icon" href="/apple-touch-icon.png">' in page, path
        assert '<link rel="icon" href="/favicon.ico" type="image/svg+xml" sizes="any">' in page, path
