"""The one outgoing HTTP door: the only importer of `requests` (RELIABILITY.md, section 4, decision 27).

No redirects, no ambient proxy or netrc, TLS verified, connect, read and total deadlines (sockets.py), answers capped at
64 KB after decompression. One session per thread is kept: a new one costs twice the CPU of a call (STACK.md).
"""

import json
import re
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

MAX_ANSWER = 64 * 1024
SHOWN_CHARACTERS = 4000
SHORTEST_SECRET = 8
NO_TIME = "no time was left for the call"
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
HEADERS = {"User-Agent": "partnerside", "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
MASKED = re.compile(r"(?i)secret|token|authorization|password|signature")
MASKED_TEXT = re.compile(r'(?i)("(?:\w*secret\w*|\w*token\w*|password)"\s*:\s*)"[^"]*"|(Bearer |Basic )[\w~+/=.-]+')

local = threading.local()


class CallFailed(Exception):
    """No usable answer: the network, a deadline, or an answer that is none (HTML, broken JSON, too long).

    `had_effect_perhaps` is False only when the request certainly never reached the other side.
    """

    def __init__(self, reason: str, *, had_effect_perhaps: bool = True, status: int | None = None) -> None:
        super().__init__(reason)
        self.had_effect_perhaps = had_effect_perhaps
        self.status = status


@dataclass(frozen=True)
class Reply:
    """What came back. `content` is the parsed JSON, None where there was no body; `text` is the body."""

    status: int
    content: Any = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outgoing:
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
    is_foreign: bool = False
    """The address is not configured here but somebody's: it must be public, unless WEBHOOKS_ALLOW_PRIVATE says else."""

    def shown(self) -> dict[str, Any]:
        """For the eyes of staff: secrets masked, the body cut."""
        body = self.json if self.json is not None else dict(self.form or {}) or (self.body or b"").decode()
        if self.files:
            body = {name: f"{name_sent}, {len(content)} bytes" for name, (name_sent, content, _) in self.files.items()}
        return {"method": self.method, "url": self.url, "body": masked(body)}

    def secrets(self) -> list[str]:
        """What an answer's text may not repeat to staff: the token, and what the body holds under a secret's name."""
        sent = {**(self.form or {}), **(self.json if isinstance(self.json, dict) else {})}
        found = [value for name, value in sent.items() if MASKED.search(name) and isinstance(value, str)]
        found = [value for value in found if not value.startswith(("http://", "https://"))]  # oauthTokenUrl is none
        found.append(self.headers.get("Authorization", "").rpartition(" ")[2])
        return [secret for secret in found if len(secret) >= SHORTEST_SECRET]


def masked(value: Any) -> Any:
    """The same structure without what looks like a secret."""
    if isinstance(value, dict):
        return {key: "***" if MASKED.search(str(key)) else masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return masked_text(value) if isinstance(value, str) else value


def masked_text(text: str) -> str:
    """A body as text, for people: secrets masked, cut."""
    shown = MASKED_TEXT.sub(lambda m: f'{m[1]}"***"' if m[1] else f"{m[2]}***", text[:SHOWN_CHARACTERS])
    return UNSTORABLE.sub("�", shown)


class Adapter(HTTPAdapter):
    connections: ClassVar[tuple[type, type]] = (transport.HTTPConnection, transport.HTTPSConnection)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)  # type: ignore[no-untyped-call]
        plain, tls = self.connections
        http = type("HTTPPool", (urllib3.HTTPConnectionPool,), {"ConnectionCls": plain})
        https = type("HTTPSPool", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": tls})
        self.poolmanager.pool_classes_by_scheme = {"http": http, "https": https}


class PublicAdapter(Adapter):
    """Reaches public addresses only, and checks each before it is connected to."""

    connections = (transport.PublicHTTPConnection, transport.PublicHTTPSConnection)


def _session(*, public_only: bool) -> requests.Session:
    name = "public" if public_only else "session"
    if not hasattr(local, name):
        session = requests.Session()
        session.trust_env = False
        adapter = PublicAdapter if public_only else Adapter
        for scheme in ("http://", "https://"):
            session.mount(scheme, adapter(pool_connections=32, pool_maxsize=4, max_retries=0))
        setattr(local, name, session)
    return getattr(local, name)  # type: ignore[no-any-return]


class Unacceptable(requests.exceptions.RequestException):
    """An answer that we do not take: it leads elsewhere, is too long, or would go over a line in clear."""


PROVIDER_SECONDS = 10.0
PROVIDER_FAULTS = (requests.exceptions.RequestException, transport.TooLate)


class ProviderSession(requests.Session):
    """For a library that makes its calls itself, and is given this to make them with: the same rules for all of them.

    Every call raises `requests`' own exceptions, which the library expects; PROVIDER_FAULTS for who calls the library.
    """

    def __init__(self, *, may_be_plain: bool) -> None:
        super().__init__()
        self.trust_env = False
        self.may_be_plain = may_be_plain
        for scheme in ("http://", "https://"):
            self.mount(scheme, Adapter(max_retries=0))
        self.headers.update({"User-Agent": "partnerside", "Accept": "application/json"})

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        if not self.may_be_plain and not str(url).startswith("https://"):
            raise Unacceptable("the address must begin with https://")
        transport.begin(PROVIDER_SECONDS)
        options |= {
            "timeout": (transport.CONNECT_SECONDS, PROVIDER_SECONDS),
            "allow_redirects": False,
            "stream": True,
        }
        response = super().request(method, url, *args, **options)
        with response:
            try:
                response._content = _body(response)
            except CallFailed as failure:
                raise Unacceptable(str(failure)) from None
        if response.is_redirect:
            raise Unacceptable("a redirect is not followed")
        return response


def send(request: Outgoing, deadline: float) -> Reply:
    """Make the call within `deadline` seconds in all. Raises CallFailed; every HTTP status is a Reply."""
    if deadline <= 0:
        raise CallFailed(NO_TIME, had_effect_perhaps=False)
    if request.is_foreign and not settings.WEBHOOKS_ALLOW_PRIVATE and not request.url.startswith("https://"):
        raise CallFailed("the address must begin with https://", had_effect_perhaps=False)
    transport.begin(deadline)
    # A body given as bytes keeps the header's content type; `json=` would write its own.
    body = json.dumps(request.json).encode() if request.json is not None else request.body or request.form
    # Prepared without the session: nothing of one call, a cookie say, goes into the next, and it costs half the CPU.
    session = _session(public_only=request.is_foreign and not settings.WEBHOOKS_ALLOW_PRIVATE)
    try:
        response = session.send(
            requests.Request(
                request.method, request.url, headers={**HEADERS, **request.headers}, data=body, files=request.files
            ).prepare(),
            timeout=(min(transport.CONNECT_SECONDS, deadline), min(transport.READ_SECONDS, deadline)),
            allow_redirects=False,
            stream=True,
        )
    except transport.TooLate:
        raise CallFailed(NO_TIME, had_effect_perhaps=False) from None
    except transport.PrivateAddress:
        raise CallFailed("the host leads to a private address", had_effect_perhaps=False) from None
    except requests.exceptions.RequestException as error:
        raise CallFailed(_reason(error), had_effect_perhaps=transport.has_sent()) from None
    with response:
        body = _body(response)
        content, text = _content(response, body) if request.expects_json else (None, body.decode("utf-8", "replace"))
    for secret in request.secrets():
        text = text.replace(secret, "***")
    return Reply(response.status_code, content, text, dict(response.headers))


BROKE = "the connection broke"
NOT_REACHED: dict[type | None, str] = {
    NameResolutionError: "the name of its host leads nowhere",
    NewConnectionError: "no connection comes about",
}


def _reason(error: requests.exceptions.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError) and not transport.has_sent():
        return "the certificate is not good"
    if isinstance(error, requests.exceptions.Timeout) or transport.left() <= 0:
        return "no answer in time" if transport.has_sent() else "no connection in time"
    if isinstance(error, requests.exceptions.ConnectionError):
        return NOT_REACHED.get(type(getattr(error.args[0], "reason", None)) if error.args else None, BROKE)
    return f"the call failed ({type(error).__name__})"


def _body(response: requests.Response) -> bytes:
    body = b""
    try:
        for chunk in response.iter_content(8192):
            body += chunk
            if len(body) > MAX_ANSWER:
                raise CallFailed(f"the answer is longer than {MAX_ANSWER} bytes", status=response.status_code)
    except requests.exceptions.RequestException:
        reason = "the answer broke off" if transport.left() > 0 else "the answer did not end in time"
        raise CallFailed(reason, status=response.status_code) from None
    return body


def _content(response: requests.Response, body: bytes) -> tuple[Any, str]:
    """(parsed, text). HTML and broken JSON where JSON belongs are no answer at all, least of all a success."""
    text = body.decode("utf-8", "replace")
    if not body.strip():
        return None, text
    try:
        return _storable(json.loads(text, parse_constant=_no_constant, parse_float=_finite)), text
    except (ValueError, RecursionError):
        if response.status_code < 300:
            raise CallFailed("the answer is not JSON", status=response.status_code) from None
        return None, text


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number


def _storable(value: Any) -> Any:
    """The same without what no database keeps: NUL, and halves of surrogate pairs."""
    if isinstance(value, str):
        return UNSTORABLE.sub("�", value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value
