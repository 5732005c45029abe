"""Webhook signatures by the Standard Webhooks specification: secrets and headers."""

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook as Signer


def make_secret() -> str:
    """Return `whsec_` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def build_headers(active_secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Build the headers of a message, with a signature per active secret. `timestamp` is in epoch seconds."""
    sent_at, text = datetime.fromtimestamp(timestamp, UTC), body.decode()
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(Signer(secret).sign(message_id, sent_at, text) for secret in active_secrets),
    }
