"""Failure messages: translate a delivery's reason, like `503: {…}`, to a sentence for people."""

import json
import re

from integrations.outbox.handlers import Channel, Handler, describe_channel
from integrations.outbox.models import Attempt
from integrations.outbox.sending.retry_policy import Disposition

NO_ACCESS = Disposition.NO_ACCESS.value
STATUS_PATTERN = re.compile(r"(\d{3})(?:: (?P<text>.*))?", re.DOTALL)
MESSAGE_PATTERN = re.compile(r'"(?:message|detail|error_description)"\s*:\s*"((?:[^"\\\x00-\x1f]|\\["\\/]){1,160})"')

STATUS_PHRASES = {
    400: "found something wrong with {kind_phrase}",
    401: "did not accept our token for {kind_phrase}",
    403: "did not allow {kind_phrase}",
    404: "did not find what {kind_phrase} belongs to",
    409: "reported a conflict with {kind_phrase}",
    410: "does not accept {kind_phrase} any more",
    413: "found {kind_phrase} too large",
    415: "did not accept the content type of {kind_phrase}",
    422: "found something wrong with {kind_phrase}",
    429: "asked us to slow down",
    503: "was not available",
}


def describe_status(status: int, channel: Channel, kind_phrase: str) -> str:
    """Describe an HTTP status as a sentence without its full stop."""
    phrase = channel.status_phrases.get(status) or STATUS_PHRASES.get(status)
    phrase = phrase or ("reported an error" if status >= 500 else "did not accept {kind_phrase}")
    return f"{channel.peer_name} {phrase.format(kind_phrase=kind_phrase)} ({status})"


def describe_failed_attempt(attempt: Attempt, channel: Channel, phrase: str) -> str:
    """Describe why an attempt failed, as a sentence without its full stop."""
    peer_name = channel.peer_name
    if attempt.outcome == "bug":
        return f"Internal error while sending {phrase}: {attempt.error}"
    if attempt.outcome == "lost":
        return f"The courier stopped while sending {phrase}"
    if attempt.outcome == NO_ACCESS:
        return f"{peer_name} denied access to {phrase}"
    if attempt.status is None:  # perhaps not even a call was made
        return f"Sending {phrase} failed: {attempt.error}" if attempt.error else f"Sending {phrase} was interrupted"
    if attempt.status < 400:
        return f"{peer_name} answered {attempt.status}, but not as expected: {attempt.error or 'unknown content'}"
    return describe_status(attempt.status, channel, phrase)


def translate_reason(reason: str, handler: Handler) -> str:
    """Translate a reason that begins with a status, and quote its message. Other reasons are text already."""
    match = STATUS_PATTERN.fullmatch(reason)
    if match is None:
        return reason
    sentence = describe_status(int(match[1]), describe_channel(handler.channel), handler.phrase)
    message = MESSAGE_PATTERN.search(match["text"] or "")  # not parsed as a whole: the text may be truncated
    quote = str(json.loads(f'"{message[1]}"')).strip().rstrip(".") if message else ""
    return f"{sentence}: “{quote}”" if quote else sentence
