"""Validation of URLs from engines."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import engine_urls

GOOD = [
    "https://engine.example",
    "https://engine.example/take/1?x=y#/start",
    "https://Engine.Example:8443/",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]/",
    "https://xn--bcher-kva.example/",
]
LOOPBACK = ["http://localhost:8002/take", "http://127.0.0.1:8002/", "http://[::1]/", "http://engine.localhost/"]
LOOPBACK += ["http://engine.example/", "https://localhost/"]
BAD = [
    "",
    "engine.example",
    "//engine.example/",
    "/take",
    "javascript:alert(1)",
    "ftp://engine.example/",
    "https://",
    "https://user@engine.example/",
    "https://user:pass@engine.example/",
    "https://engine.example\\@evil.example/",
    "https://engine.example/ x",
    "https://engine.example/\r\nx: y",
    "https://engine.example/#a b",
    "https://bücher.example/",
    "https://10.0.0.1/",
    "https://192.168.1.1/",
    "https://172.16.0.1/",
    "https://169.254.169.254/latest",
    "https://0.0.0.0/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://010.0.0.1/",
    "https://224.0.0.1/",
]


@pytest.mark.parametrize("url", GOOD)
@pytest.mark.parametrize("is_loopback", [True, False])
def test_public_https_is_good(settings: Any, url: str, is_loopback: bool) -> None:
    settings.IS_LOOPBACK = is_loopback
    engine_urls.validate_url(url)


@pytest.mark.parametrize("url", LOOPBACK)
def test_http_and_loopback_are_good_on_a_loopback_portal_alone(settings: Any, url: str) -> None:
    settings.IS_LOOPBACK = True
    engine_urls.validate_url(url)
    settings.IS_LOOPBACK = False
    with pytest.raises(ValueError, match="must"):
        engine_urls.validate_url(url)


@pytest.mark.parametrize("url", BAD)
@pytest.mark.parametrize("is_loopback", [True, False])
def test_other_address_is_refused(settings: Any, url: str, is_loopback: bool) -> None:
    settings.IS_LOOPBACK = is_loopback
    with pytest.raises(ValueError, match="must"):
        engine_urls.validate_url(url)


@given(st.text(max_size=60).map(lambda rest: "https://" + rest))
def test_whatever_comes_is_good_or_refused(url: str) -> None:
    try:
        engine_urls.validate_url(url)
    except ValueError:
        return
    assert url.isascii()
    assert "\\" not in url.partition("#")[0]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://engine.example", "https://engine.example"),
        ("https://engine.example:8443/take?x=/y", "https://engine.example:8443"),
        ("http://localhost:8002?x", "http://localhost:8002"),
        ("https://engine.example?x=/y", "https://engine.example"),
        ("https://engine.example#/x", "https://engine.example"),
    ],
)
def test_origin_is_what_a_policy_names(url: str, origin: str) -> None:
    assert engine_urls.get_origin(url) == origin
