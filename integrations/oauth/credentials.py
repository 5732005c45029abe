"""Client credentials in a token request (RFC 6749, section 2.3.1)."""

import base64
import binascii
from collections.abc import Iterable
from urllib.parse import unquote_plus


def parse_client_credentials(authorization: str, form: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Return (client id, secret) from HTTP Basic, else from the form body; empty strings if missing."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        client_id, _, secret = text.partition(":")
        return unquote_plus(client_id), unquote_plus(secret)
    fields = dict(form)
    return fields.get("client_id", ""), fields.get("client_secret", "")
