"""Trusted origins and callback URLs, with the odd spellings about which parsers disagree."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integrations.http import path_segments, trusted_origins

GOOD = "https://api.smartrecruiters.com/assessment-api/v202010/orders/{}/results"
ORDER = "5f0f5f52-9f3f-4d6c-9b0e-0a8f6a3f3d11"


@pytest.fixture(autouse=True)
def _trusted(settings) -> None:
    settings.SMARTRECRUITERS_TRUSTED_ORIGINS = ["https://*.smartrecruiters.com", "https://api.smartrecruiters.com"]


@pytest.mark.parametrize(
    "url",
    [
        "https://www.smartrecruiters.com",
        "https://www.smartrecruiters.com/",
        "https://WWW.SmartRecruiters.com/x?y=z",
        "https://a.b.smartrecruiters.com/x",
        "https://api.smartrecruiters.com:443/x",
        "HTTPS://www.smartrecruiters.com/x",
        "https://www.smartrecruiters.com/#fragment",
        "https://www.smartrecruiters.com#/settings?x=1",
        "https://www.smartrecruiters.com/x?y=z#@evil.example",
        "https://www.smartrecruiters.com/?state=" + "x" * 7900,
    ],
)
def test_address_at_a_trusted_origin_is_trusted(url: str) -> None:
    assert trusted_origins.is_trusted(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example",
        "https://smartrecruiters.com",
        "http://www.smartrecruiters.com/",
        "//www.smartrecruiters.com/",
        "///www.smartrecruiters.com",
        "/relative",
        "",
        "?x",
        "javascript:alert(1)",
        "JaVaScRiPt://www.smartrecruiters.com/%0aalert(1)",
        "data:text/html,x",
        "ftp://www.smartrecruiters.com/",
        "https://www.smartrecruiters.com@evil.example/",
        "https://u:p@www.smartrecruiters.com/",
        "https://www.smartrecruiters.com.evil.example/",
        "https://evilsmartrecruiters.com/",
        "https://www.smartrecruiters.com%2eevil.example/",
        "https://www.smаrtrecruiters.com/",
        "https://ｗｗｗ.smartrecruiters.com/",
        "https://www。smartrecruiters。com/",
        "https://www.smartrecruiters.com./",
        "https://www.smartrecruiters.com:8443/",
        "https://[::1]/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://evil.example#@www.smartrecruiters.com",
        "https://evil.example?www.smartrecruiters.com",
        "http://127.0.0.1:9\\@api.smartrecruiters.com/x",
        "https://api.smartrecruiters.com\\@evil.example/",
        "https://www.smartrecruiters.com/\r\nSet-Cookie: x=1",
        "https://www.smartrecruiters.com/ x",
        " https://www.smartrecruiters.com/",
        "https://www..smartrecruiters.com/",
        "https://-.smartrecruiters.com/",
        "https://*.smartrecruiters.com/",
        "https://www.smartrecruiters.com\0/",
        "https://www.smartrecruiters.com/" + "x" * 8000,
        "https://www.smartrecruiters.com/#" + "x" * 8000,
        "https://www.smartrecruiters.com/#a b",
        "https://www.smartrecruiters.com/#ä",
    ],
)
def test_address_elsewhere_or_oddly_spelt_is_not_trusted(url: str) -> None:
    assert not trusted_origins.is_trusted(url)


@given(st.text(max_size=60))
@example("https://www.smartrecruiters.com\u2028")
def test_whatever_is_trusted_begins_with_the_origin_in_plain_ascii(text: str) -> None:
    for url in (
        text,
        f"https://{text}",
        f"https://www.smartrecruiters.com{text}",
        f"https://{text}.smartrecruiters.com/",
    ):
        if trusted_origins.is_trusted(url):
            host = url[8:].partition("/")[0].partition("?")[0].partition("#")[0].removesuffix(":443").lower()
            assert url.isascii()
            assert url.isprintable()
            assert host.endswith(".smartrecruiters.com")


@pytest.mark.parametrize("tail", ["", "/"])
def test_order_id_is_taken_out_of_the_callback(tail: str) -> None:
    assert trusted_origins.extract_order_id(GOOD.format(ORDER) + tail) == ORDER


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/assessment-api/v202010/orders/1/results",
        "https://api.smartrecruiters.com/assessment-api/v202010/partner/configuration",
        GOOD.format("../../partner"),
        GOOD.format(".."),
        GOOD.format("%2e%2e"),
        GOOD.format("a" * 65),
        GOOD.format("1") + "?x=1",
        GOOD.format("1") + "/more",
        GOOD.format("1").replace("v202010", "vX"),
        GOOD.format("1").replace("https", "http"),
    ],
)
def test_callback_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(trusted_origins.UntrustedURLError):
        trusted_origins.extract_order_id(url)


@pytest.mark.parametrize(
    "text", ["..", ".", "", "a/b", "../x", "%2e", "x?y", "x#y", "x;y", "é", "a" * 65, "a\n", "a b"]
)
def test_id_that_could_lead_elsewhere_never_enters_a_url(text: str) -> None:
    assert not path_segments.is_company_id(text)
    assert not path_segments.is_url_safe_id(text)
    with pytest.raises(path_segments.UnsafeIdentifierError):
        path_segments.build_path("/candidates", text)


@given(st.text(max_size=20))
def test_path_of_whatever_id_stays_one_segment(text: str) -> None:
    try:
        built = path_segments.build_path("/jobs", text, "hiring-team")
    except path_segments.UnsafeIdentifierError:
        return
    assert built == f"/jobs/{text}/hiring-team"
    assert built.count("/") == 3
    assert text not in (".", "..")


@pytest.mark.parametrize(
    "host", ["[0]", "[1.2.3.4]", "[::1::]", "[abcd]", "engine.example:65536", "engine.example:99999"]
)
def test_host_that_only_looks_like_an_address_is_none(host: str) -> None:
    assert trusted_origins.parse_url(f"https://{host}/") is None
    assert trusted_origins.parse_url("https://[2001:db8::1]:65535/") == ("https", "[2001:db8::1]", "65535", "/")
