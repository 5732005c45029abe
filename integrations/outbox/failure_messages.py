"""Why a delivery did not succeed, as people say it: `503: {…}` becomes “SmartRecruiters was not available (503)”."""

import json
import re

from integrations.outbox.models import Delivery

STATUS_PATTERN = re.compile(r"(\d{3})(?:: (?P<text>.*))?", re.DOTALL)
MESSAGE_PATTERN = re.compile(r'"(?:message|detail|error_description)"\s*:\s*"((?:[^"\\\x00-\x1f]|\\["\\/]){1,160})"')

STATUS_PHRASES = {
    400: "found something wrong with {kind_phrase}",
    401: "did not accept our token for {kind_phrase}",
    403: "says that we may not send {kind_phrase}",
    404: "does not know what {kind_phrase} is about",
    409: "says that {kind_phrase} contradicts what it has",
    410: "wants no more of this",
    413: "found {kind_phrase} too large",
    415: "did not accept the content type of {kind_phrase}",
    422: "found something wrong with {kind_phrase}",
    429: "asked us to slow down",
    503: "was not available",
}
WEBHOOK_STATUS_PHRASES = {
    401: "did not accept {kind_phrase}, or its signature",
    403: "did not accept {kind_phrase}, or its signature",
    404: "has nothing at the webhook's address",
}
"""Where its server means something else: it gets no token, and the address is one that it gave us."""

PEER_NAMES = {
    "connection": "SmartRecruiters",
    "master": "SmartRecruiters",
    "webhook": "The engine",
    "email": "The mail server",
}


def describe_reason(delivery: Delivery) -> str:
    """Why a delivery stands as it does, in words."""
    other_side = PEER_NAMES.get(delivery.stream.kind, "The other side")
    return translate_reason(delivery.reason, other_side, f"the {delivery.kind.replace('_', ' ')}")


def describe_status(status: int, peer_name: str, kind_phrase: str) -> str:
    """What a status says: a sentence without its full stop."""
    answers = STATUS_PHRASES | WEBHOOK_STATUS_PHRASES if peer_name == PEER_NAMES["webhook"] else STATUS_PHRASES
    told = answers.get(status) or ("had an error" if status >= 500 else "did not take {kind_phrase}")
    return f"{peer_name} {told.format(kind_phrase=kind_phrase)} ({status})"


def translate_reason(reason: str, peer_name: str, kind_phrase: str) -> str:
    """A delivery's reason in words; what is words already stays."""
    found = STATUS_PATTERN.fullmatch(reason)
    if found is None:
        return reason
    said = _extract_message(found["text"] or "")
    told = describe_status(int(found[1]), peer_name, kind_phrase)
    return f"{told}: “{said}”" if said else told


def _extract_message(text: str) -> str:
    """What a JSON answer says to people, cut off or not; nothing of what it says to programs."""
    found = MESSAGE_PATTERN.search(text)
    return str(json.loads(f'"{found[1]}"')).strip().rstrip(".") if found else ""
