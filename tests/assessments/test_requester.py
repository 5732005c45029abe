import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessments.requester import InvalidRequesterError, parse_requester

EMAIL = "rita@northwind.example"


def encode_header(text: str) -> str:
    """Return the header as WSGI passes its UTF-8 bytes."""
    return text.encode().decode("latin-1")


@pytest.mark.parametrize(
    "header",
    [
        '{"email": "rita@northwind.example"}',
        '{"email":"rita@northwind.example","userId":"u1"}',
        "email,rita@northwind.example",
        "email, rita@northwind.example",
        "rita@northwind.example",
        "  rita@northwind.example ",
        '{"email":"rita@northwind.example "}',
        '{"Email": "rita@northwind.example"}',
        '"rita@northwind.example"',
        '"{\\"email\\":\\"rita@northwind.example\\"}"',
        "email=rita@northwind.example",
        "email=rita@northwind.example,userId=5f",
        "userId=5f,email=rita@northwind.example",
        "email,rita@northwind.example,userId,5f",
        "userId,5f,email,rita@northwind.example",
        "%7B%22email%22%3A%22rita%40northwind.example%22%7D",
        "%7b%22email%22:%22rita@northwind.example%22%7d",
        "rita%40northwind.example",
        "email%2Crita%40northwind.example",
        "<rita@northwind.example>",
        "Rita <rita@northwind.example>",
        '"Ruiz, Rita" <rita@northwind.example>',
        "mailto:rita@northwind.example",
        "\u200brita@northwind.example\u00a0",
    ],
)
def test_parse_requester_of_every_spelling(header: str) -> None:
    assert parse_requester(encode_header(header)) == EMAIL


@pytest.mark.parametrize(
    "header",
    [
        *("", " ", "{}", " { } ", "null", '""', "%7B%7D"),
        *('{"email": null}', '{"email": ""}', '{"email": " "}', '{"userId": "5f"}', '{"userId": "5f", "email": null}'),
        *("email,", "email=", "email,,userId,5f", "userId,5f,email,", "userId,5f", "userId=5f", "email=,userId=5f"),
    ],
)
def test_parse_requester_that_names_nobody(header: str) -> None:
    """The requester is optional, and so is its email address."""
    assert parse_requester(header) == ""


def test_parse_requester_of_another_alphabet() -> None:
    assert parse_requester(encode_header('{"email": "zoë@müller.example"}')) == "zoë@müller.example"


@pytest.mark.parametrize(
    "header",
    [
        "rita",
        "@northwind.example",
        "rita@",
        "rita@a@b.example",
        "rita @northwind.example",
        "email;rita@northwind.example",
        "name,rita@northwind.example",
        "userId",
        "userId,5f,email",
        "email=rita@northwind.example,email=eve@harbour.example",
        "email,rita@northwind.example,email,eve@harbour.example",
        "eve@harbour.example <rita@northwind.example>",
        "%7B%22email%22%3A%7D",
        "rita@northwind.example,rita@northwind.example",
        "rita@northwind.example\r\nX: y",
        "{",
        "[]",
        '["rita@northwind.example"]',
        '{"email": 1}',
        '{"email": ["rita@northwind.example"]}',
        '{"email": "rita@northwind.example", "email": "eve@harbour.example"}',
        '{"email": "rita@northwind.example"},{"email": "eve@harbour.example"}',
        '{"email": "rita\\u0000@northwind.example"}',
        '{"email": "\\ud800@northwind.example"}',
        "eyJlbWFpbCI6InJpdGFAbm9ydGh3aW5kLmV4YW1wbGUifQ==",
        "\xff\xfe@northwind.example",
        "{" * 16_000,
        "a" * 16_000 + "@northwind.example",
        json.dumps({"email": EMAIL, "padding": "x" * 16_000}),
    ],
)
def test_parse_requester_of_anything_else(header: str) -> None:
    with pytest.raises(InvalidRequesterError, match="Send"):
        parse_requester(header)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_parse_requester_of_arbitrary_text(header: str) -> None:
    """Expect an email address with one domain, nobody, or InvalidRequesterError."""
    try:
        email = parse_requester(header)
    except InvalidRequesterError:
        return
    assert email.count("@") == (1 if email else 0)
    assert email.isprintable()


@given(st.emails(), st.sampled_from(["{}", "email,{}", "json"]))
def test_parse_requester_of_generated_emails(email: str, spelling: str) -> None:
    header = json.dumps({"email": email}) if spelling == "json" else spelling.format(email)
    if any(character in email for character in "={}/?#"):
        return
    assert parse_requester(header) == email
