"""The one outgoing HTTP door: the only importer of `requests` (RELIABILITY.md, section 4, decision 27).

No redirects, no ambient proxy or netrc, TLS verified, connect, read and total deadlines (sockets.py), answers capped at
64 KB after decompression. One session per thread is kept: a new one costs twice the CPU of a call (STACK.md).
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NameResolutionError, NewConnectionError

from integrations.http import transport
from integrations.redaction import MASK, SECRET_NAME, redact_value
from integrations.strict_json import load_json, replace_invalid

MAX_RESPONSE_BYTES = 64 * 1024
MIN_SECRET_LENGTH = 8
DEADLINE_EXCEEDED = "no time was left for the call"
DEFAULT_HEADERS = {"User-Agent": "partnerside", "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}

thread_sessions = threading.local()


class CallFailedError(Exception):
    """No usable answer: the network, a deadline, or an answer that is none (HTML, broken JSON, too long).

    `had_effect_perhaps` is False only when the request certainly never reached the other side.
    """

    def __init__(self, reason: str, *, may_have_been_processed: bool = True, status: int | None = None) -> None:
        super().__init__(reason)
        self.may_have_been_processed = may_have_been_processed
        self.status = status


@dataclass(frozen=True)
class Response:
    """What came back. `content` is the parsed JSON, None where there was no body; `text` is the body."""

    status: int
    content: Any = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OutgoingRequest:
    """A request, ready to go. `endpoint` names the route without ids: pace is kept per endpoint."""

    method: str
    url: str
    endpoint: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    body: bytes | None = None
    form: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    expects_json: bool = True
    is_untrusted_host: bool = False
    """The address is not configured here but somebody's: it must be public, unless WEBHOOKS_ALLOW_PRIVATE says else."""

    def redacted_dict(self) -> dict[str, Any]:
        """For the eyes of staff: secrets masked, the body cut."""
        body = self.json if self.json is not None else dict(self.form or {}) or (self.body or b"").decode()
        if self.files:
            body = {name: f"{name_sent}, {len(content)} bytes" for name, (name_sent, content, _) in self.files.items()}
        return {"method": self.method, "url": self.url, "body": redact_value(body)}

    def secret_values(self) -> list[str]:
        """What an answer's text may not repeat to staff: the token, and what the body holds under a secret's name."""
        sent = {**(self.form or {}), **(self.json if isinstance(self.json, dict) else {})}
        found = [value for name, value in sent.items() if SECRET_NAME.search(name) and isinstance(value, str)]
        found = [value for value in found if not value.startswith(("http://", "https://"))]  # oauthTokenUrl is none
        found.append(self.headers.get("Authorization", "").rpartition(" ")[2])
        return [secret for secret in found if len(secret) >= MIN_SECRET_LENGTH]


class DeadlineAdapter(HTTPAdapter):
    connection_classes: ClassVar[tuple[type, type]] = (transport.HTTPConnection, transport.HTTPSConnection)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)  # type: ignore[no-untyped-call]
        plain, tls = self.connection_classes
        http = type("HTTPPool", (urllib3.HTTPConnectionPool,), {"ConnectionCls": plain})
        https = type("HTTPSPool", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": tls})
        self.poolmanager.pool_classes_by_scheme = {"http": http, "https": https}


class PublicAdapter(DeadlineAdapter):
    """Reaches public addresses only, and checks each before it is connected to."""

    connection_classes = (transport.PublicHTTPConnection, transport.PublicHTTPSConnection)


def _get_session(*, public_only: bool) -> requests.Session:
    name = "public" if public_only else "session"
    if not hasattr(thread_sessions, name):
        session = requests.Session()
        session.trust_env = False
        adapter = PublicAdapter if public_only else DeadlineAdapter
        for scheme in ("http://", "https://"):
            session.mount(scheme, adapter(pool_connections=32, pool_maxsize=4, max_retries=0))
        setattr(thread_sessions, name, session)
    return getattr(thread_sessions, name)  # type: ignore[no-any-return]


class UnacceptableResponseError(requests.exceptions.RequestException):
    """An answer that we do not take: it leads elsewhere, is too long, or would go over a line in clear."""


PROVIDER_DEADLINE_SECONDS = 10.0
PROVIDER_ERRORS = (requests.exceptions.RequestException, transport.DeadlineExceededError)


class GuardedSession(requests.Session):
    """For a library that makes its calls itself, and is given this to make them with: the same rules for all of them.

    Every call raises `requests`' own exceptions, which the library expects; PROVIDER_FAULTS for who calls the library.
    """

    def __init__(self, *, is_http_allowed: bool) -> None:
        super().__init__()
        self.trust_env = False
        self.is_http_allowed = is_http_allowed
        for scheme in ("http://", "https://"):
            self.mount(scheme, DeadlineAdapter(max_retries=0))
        self.headers.update({"User-Agent": "partnerside", "Accept": "application/json"})

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        if not self.is_http_allowed and not str(url).startswith("https://"):
            raise UnacceptableResponseError("the address must begin with https://")
        transport.start_deadline(PROVIDER_DEADLINE_SECONDS)
        options |= {
            "timeout": (transport.CONNECT_SECONDS, PROVIDER_DEADLINE_SECONDS),
            "allow_redirects": False,
            "stream": True,
        }
        response = super().request(method, url, *args, **options)
        with response:
            try:
                response._content = _read_body(response)
            except CallFailedError as failure:
                raise UnacceptableResponseError(str(failure)) from None
        if response.is_redirect:
            raise UnacceptableResponseError("a redirect is not followed")
        return response


def send_request(request: OutgoingRequest, deadline: float) -> Response:
    """Make the call within `deadline` seconds in all. Raises CallFailed; every HTTP status is a Reply."""
    if deadline <= 0:
        raise CallFailedError(DEADLINE_EXCEEDED, may_have_been_processed=False)
    if request.is_untrusted_host and not settings.WEBHOOKS_ALLOW_PRIVATE and not request.url.startswith("https://"):
        raise CallFailedError("the address must begin with https://", may_have_been_processed=False)
    transport.start_deadline(deadline)
    # A body given as bytes keeps the header's content type; `json=` would write its own.
    body = json.dumps(request.json).encode() if request.json is not None else request.body or request.form
    # Prepared without the session: nothing of one call, a cookie say, goes into the next, and it costs half the CPU.
    session = _get_session(public_only=request.is_untrusted_host and not settings.WEBHOOKS_ALLOW_PRIVATE)
    try:
        response = session.send(
            requests.Request(
                request.method,
                request.url,
                headers={**DEFAULT_HEADERS, **request.headers},
                data=body,
                files=request.files,
            ).prepare(),
            timeout=(min(transport.CONNECT_SECONDS, deadline), min(transport.READ_SECONDS, deadline)),
            allow_redirects=False,
            stream=True,
        )
    except transport.DeadlineExceededError:
        raise CallFailedError(DEADLINE_EXCEEDED, may_have_been_processed=False) from None
    except transport.PrivateIpError:
        raise CallFailedError("the host leads to a private address", may_have_been_processed=False) from None
    except requests.exceptions.RequestException as error:
        raise CallFailedError(_failure_reason(error), may_have_been_processed=transport.has_sent()) from None
    with response:
        body = _read_body(response)
        content, text = _parse_body(response, body) if request.expects_json else (None, body.decode("utf-8", "replace"))
    for secret in request.secret_values():
        text = text.replace(secret, MASK)
    return Response(response.status_code, content, text, dict(response.headers))


CONNECTION_BROKEN = "the connection broke"
CONNECT_FAILURE_REASONS: dict[type | None, str] = {
    NameResolutionError: "the name of its host leads nowhere",
    NewConnectionError: "no connection comes about",
}


def _failure_reason(error: requests.exceptions.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError) and not transport.has_sent():
        return "the certificate is not good"
    if isinstance(error, requests.exceptions.Timeout) or transport.remaining_seconds() <= 0:
        return "no answer in time" if transport.has_sent() else "no connection in time"
    if isinstance(error, requests.exceptions.ConnectionError):
        return CONNECT_FAILURE_REASONS.get(
            type(getattr(error.args[0], "reason", None)) if error.args else None, CONNECTION_BROKEN
        )
    return f"the call failed ({type(error).__name__})"


def _read_body(response: requests.Response) -> bytes:
    body = b""
    try:
        for chunk in response.iter_content(8192):
            body += chunk
            if len(body) > MAX_RESPONSE_BYTES:
                raise CallFailedError(
                    f"the answer is longer than {MAX_RESPONSE_BYTES} bytes", status=response.status_code
                )
    except requests.exceptions.RequestException:
        reason = "the answer broke off" if transport.remaining_seconds() > 0 else "the answer did not end in time"
        raise CallFailedError(reason, status=response.status_code) from None
    return body


def _parse_body(response: requests.Response, body: bytes) -> tuple[Any, str]:
    """(parsed, text). HTML and broken JSON where JSON belongs are no answer at all, least of all a success."""
    text = body.decode("utf-8", "replace")
    if not body.strip():
        return None, text
    try:
        return replace_invalid(load_json(text)), text
    except (ValueError, RecursionError):
        if response.status_code < 300:
            raise CallFailedError("the answer is not JSON", status=response.status_code) from None
        return None, text
