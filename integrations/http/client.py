"""HTTP client for all outgoing calls. No other module imports `requests`.

No redirects, no proxy or netrc from the environment, verified TLS, deadlines and SSRF protection (transport.py), and
responses of at most 64 KB after decompression. Each thread keeps its sessions: a new one costs twice the CPU of a call.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NameResolutionError, NewConnectionError

from integrations.http import tls, transport
from integrations.redaction import MASK, SECRET_NAME, redact_value
from integrations.strict_json import load_json, replace_invalid

MAX_RESPONSE_BYTES = 64 * 1024
MIN_SECRET_LENGTH = 8
PROVIDER_DEADLINE_SECONDS = 10.0
PROVIDER_ERRORS = (requests.exceptions.RequestException, transport.DeadlineExceededError)
DEADLINE_EXCEEDED = "no time was left for the call"
DEFAULT_HEADERS = {"User-Agent": "partnerside", "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}

thread_sessions = threading.local()


class CallFailedError(Exception):
    """No usable response: a network error, the deadline, or HTML, broken JSON or too long a body.

    `may_have_been_processed` is False only if the request certainly did not reach the other side.
    """

    def __init__(self, reason: str, *, may_have_been_processed: bool = True, status: int | None = None) -> None:
        super().__init__(reason)
        self.may_have_been_processed = may_have_been_processed
        self.status = status


@dataclass(frozen=True)
class Response:
    """A response. `content` is the parsed JSON, None without a body; `text` is the body."""

    status: int
    content: Any = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OutgoingRequest:
    """A request to send. `endpoint` is the route without ids, for the rate limiter.

    `is_untrusted_host`: the URL comes from outside, so it must be https and lead to a public IP address, unless
    WEBHOOKS_ALLOW_PRIVATE is set.
    """

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

    def redacted_dict(self) -> dict[str, Any]:
        body = self.json if self.json is not None else dict(self.form or {}) or (self.body or b"").decode()
        if self.files:
            body = {name: f"{name_sent}, {len(content)} bytes" for name, (name_sent, content, _) in self.files.items()}
        return {"method": self.method, "url": self.url, "body": redact_value(body)}

    def secret_values(self) -> list[str]:
        """Return the token and the secrets of the body, which a response must not repeat to staff."""
        fields = {**(self.form or {}), **(self.json if isinstance(self.json, dict) else {})}
        values = [value for name, value in fields.items() if SECRET_NAME.search(name) and isinstance(value, str)]
        values = [value for value in values if not value.startswith(("http://", "https://"))]  # like oauthTokenUrl
        values.append(self.headers.get("Authorization", "").rpartition(" ")[2])
        return [secret for secret in values if len(secret) >= MIN_SECRET_LENGTH]


class DeadlineAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.poolmanager.pool_classes_by_scheme = {"http": transport.DeadlinePool, "https": transport.DeadlineTLSPool}

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        host, options = super().build_connection_pool_key_attributes(*args, **kwargs)
        return host, options | {"ssl_context": tls.get_ssl_context()}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Require a certificate. `requests` would read its own store again for each connection."""
        conn.cert_reqs = "CERT_REQUIRED"


def _get_session(*, public_only: bool) -> requests.Session:
    # Two pools, so that a public-only call never reuses a connection that was opened without the check.
    name = "public" if public_only else "session"
    if not hasattr(thread_sessions, name):
        session = requests.Session()
        session.trust_env = False
        for scheme in ("http://", "https://"):
            session.mount(scheme, DeadlineAdapter(pool_connections=32, pool_maxsize=4, max_retries=0))
        setattr(thread_sessions, name, session)
    return getattr(thread_sessions, name)  # type: ignore[no-any-return]


class UnacceptableResponseError(requests.exceptions.RequestException):
    """A redirect, too long a body, or a URL without TLS."""


class GuardedSession(requests.Session):
    """Session with this module's rules, for a library that makes its own calls. Its callers catch PROVIDER_ERRORS."""

    def __init__(self, *, is_http_allowed: bool) -> None:
        super().__init__()
        self.trust_env = False
        self.is_http_allowed = is_http_allowed
        for scheme in ("http://", "https://"):
            self.mount(scheme, DeadlineAdapter(max_retries=0))
        self.headers.update({"User-Agent": "partnerside", "Accept": "application/json"})

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        if not self.is_http_allowed and not str(url).startswith("https://"):
            raise UnacceptableResponseError("the URL must begin with https://")
        transport.start_deadline(PROVIDER_DEADLINE_SECONDS)
        timeout = (transport.CONNECT_SECONDS, PROVIDER_DEADLINE_SECONDS)
        options |= {"timeout": timeout, "allow_redirects": False, "stream": True}
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
    """Send a request within `deadline` seconds in all. Every HTTP status is a response. Raises CallFailedError."""
    if deadline <= 0:
        raise CallFailedError(DEADLINE_EXCEEDED, may_have_been_processed=False)
    public_only = request.is_untrusted_host and not settings.WEBHOOKS_ALLOW_PRIVATE
    if public_only and not request.url.lower().startswith("https://"):
        raise CallFailedError("the URL must begin with https://", may_have_been_processed=False)
    transport.start_deadline(deadline, public_only=public_only)
    # A body given as bytes keeps the header's content type; `json=` would write its own.
    body = json.dumps(request.json).encode() if request.json is not None else request.body or request.form
    headers = {**DEFAULT_HEADERS, **request.headers}
    try:
        # Prepared without the session: no cookie of one call goes into the next, and it costs half the CPU.
        prepared = requests.Request(request.method, request.url, headers, request.files, body).prepare()
        response = _get_session(public_only=public_only).send(
            prepared,
            timeout=(min(transport.CONNECT_SECONDS, deadline), min(transport.READ_SECONDS, deadline)),
            allow_redirects=False,
            stream=True,
        )
    except transport.DeadlineExceededError:
        raise CallFailedError(DEADLINE_EXCEEDED, may_have_been_processed=False) from None
    except transport.PrivateIpError:
        raise CallFailedError("the host has a private IP address", may_have_been_processed=False) from None
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
    NameResolutionError: "the host name was not found",
    NewConnectionError: "could not connect",
}


def _failure_reason(error: requests.exceptions.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError) and not transport.has_sent():
        tls_error = tls.find_tls_error(error)
        return tls.describe_tls_error(tls_error) if tls_error else "the TLS handshake failed"
    if isinstance(error, requests.exceptions.Timeout) or transport.remaining_seconds() <= 0:
        return "no response in time" if transport.has_sent() else "no connection in time"
    if isinstance(error, requests.exceptions.ConnectionError):
        cause = type(getattr(error.args[0], "reason", None)) if error.args else None
        return CONNECT_FAILURE_REASONS.get(cause, CONNECTION_BROKEN)
    return f"the call failed ({type(error).__name__})"


def _read_body(response: requests.Response) -> bytes:
    body = b""
    try:
        for chunk in response.iter_content(8192):
            body += chunk
            if len(body) > MAX_RESPONSE_BYTES:
                reason = f"the response is longer than {MAX_RESPONSE_BYTES} bytes"
                raise CallFailedError(reason, status=response.status_code)
    except requests.exceptions.RequestException:
        reason = "the response broke off" if transport.remaining_seconds() > 0 else "the response did not end in time"
        raise CallFailedError(reason, status=response.status_code) from None
    return body


def _parse_body(response: requests.Response, body: bytes) -> tuple[Any, str]:
    """Return (parsed JSON, text). Raises CallFailedError for a success with HTML or broken JSON."""
    text = body.decode("utf-8", "replace")
    if not body.strip():
        return None, text
    try:
        return replace_invalid(load_json(text)), text
    except (ValueError, RecursionError):
        if response.status_code < 300:
            raise CallFailedError("the response is not JSON", status=response.status_code) from None
        return None, text
