"""Why a delivery did not succeed, as people say it: `503: {…}` becomes “SmartRecruiters was not available (503)”."""

import json
import re

from integrations.outbox.models import Delivery

STATUS = re.compile(r"(\d{3})(?:: (?P<text>.*))?", re.DOTALL)
MESSAGE = re.compile(r'"(?:message|detail|error_description)"\s*:\s*"((?:[^"\\\x00-\x1f]|\\["\\/]){1,160})"')

ANSWERS = {
    400: "found something wrong with {cargo}",
    401: "did not accept our token for {cargo}",
    403: "says that we may not send {cargo}",
    404: "does not know what {cargo} is about",
    409: "says that {cargo} contradicts what it has",
    410: "wants no more of this",
    413: "found {cargo} too large",
    415: "did not accept the content type of {cargo}",
    422: "found something wrong with {cargo}",
    429: "asked us to slow down",
    503: "was not available",
}
OF_A_WEBHOOK = {
    401: "did not accept {cargo}, or its signature",
    403: "did not accept {cargo}, or its signature",
    404: "has nothing at the webhook's address",
}
"""Where its server means something else: it gets no token, and the address is one that it gave us."""

OTHER_SIDES = {
    "connection": "SmartRecruiters",
    "master": "SmartRecruiters",
    "webhook": "The engine",
    "email": "The mail server",
}


def of(delivery: Delivery) -> str:
    """Why a delivery stands as it does, in words."""
    other_side = OTHER_SIDES.get(delivery.stream.kind, "The other side")
    return plain(delivery.reason, other_side, f"the {delivery.kind.replace('_', ' ')}")


def answered(status: int, other_side: str, cargo: str) -> str:
    """What a status says: a sentence without its full stop."""
    answers = ANSWERS | OF_A_WEBHOOK if other_side == OTHER_SIDES["webhook"] else ANSWERS
    told = answers.get(status) or ("had an error" if status >= 500 else "did not take {cargo}")
    return f"{other_side} {told.format(cargo=cargo)} ({status})"


def plain(reason: str, other_side: str, cargo: str) -> str:
    """A delivery's reason in words; what is words already stays."""
    found = STATUS.fullmatch(reason)
    if found is None:
        return reason
    said = _message_in(found["text"] or "")
    told = answered(int(found[1]), other_side, cargo)
    return f"{told}: “{said}”" if said else told


def _message_in(text: str) -> str:
    """What a JSON answer says to people, cut off or not; nothing of what it says to programs."""
    found = MESSAGE.search(text)
    return str(json.loads(f'"{found[1]}"')).strip().rstrip(".") if found else ""
