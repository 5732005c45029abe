"""HTTP client for calls to the portal. It checks the responses against the protocol."""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from integrations.simulator.store.runtime import state
from integrations.simulator.wire.configuration import PLACEHOLDERS
from integrations.simulator.wire.portal import check_error_body
from integrations.simulator.wire.strict_json import InvalidJsonError, parse_json

_LIMIT_SECONDS = 15


class PortalCallError(Exception):
    """The portal cannot be called: no configuration, no such URL in it, or no connection."""


@dataclass(frozen=True)
class Reply:
    """Response of the portal. `status` is None if there was none; `problem` gives the reason."""

    status: int | None
    seconds: float
    body: Any = None
    problem: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


_local = threading.local()


def _get_session() -> requests.Session:
    session: requests.Session | None = getattr(_local, "session", None)
    if session is None:
        session = _local.session = requests.Session()
        session.trust_env = False
        session.headers["User-Agent"] = "SmartRecruiters-Simulator"
    return session


def send_request(method: str, url: str, **options: Any) -> Reply:
    started = time.monotonic()
    limit = state.settings.partner_timeout
    try:
        timeout = (min(5.0, limit), limit)
        response = _get_session().request(method, url, timeout=timeout, allow_redirects=False, **options)
    except requests.Timeout:
        return Reply(None, time.monotonic() - started, problem=f"no response within {limit:g} s")
    except requests.RequestException as error:
        return Reply(None, time.monotonic() - started, problem=f"could not connect: {type(error).__name__}")
    return _parse_reply(response, time.monotonic() - started)


def _parse_reply(response: requests.Response, seconds: float) -> Reply:
    status = response.status_code
    if not response.content:
        return Reply(status, seconds, headers=response.headers)
    content_type = response.headers.get("Content-Type", "").partition(";")[0]
    if content_type not in ("application/json", "application/problem+json"):
        problem = f"the content type is {content_type or 'missing'}, not JSON"
        return Reply(status, seconds, response.text[:500], problem)
    try:
        return Reply(status, seconds, parse_json(response.content), headers=response.headers)
    except InvalidJsonError as error:
        return Reply(status, seconds, response.text[:500], str(error))


def record_breach(what: str, problems: Iterable[str], company: str, route: str, order_id: str | None = None) -> None:
    if detail := "; ".join(problems):
        context = {"company": company, "order_id": order_id, "route": f"portal {route}"}
        state.record_event("breach", what=what, detail=detail, **context)


def check_reply(reply: Reply, company: str, route: str, order_id: str | None = None) -> None:
    """Record breaches that apply to every call: slow responses, redirects, malformed errors."""
    problems = []
    if reply.seconds > _LIMIT_SECONDS:
        problems.append(f"no response within {_LIMIT_SECONDS} s")
    if reply.status is not None and 300 <= reply.status < 400:
        problems.append(f"a redirect ({reply.status})")
    if reply.status is not None and 400 <= reply.status < 500 and route != "token":
        problems += [reply.problem] if reply.problem else check_error_body(reply.body)
    record_breach("portal's answer", problems, company, route, order_id)


def get_published_url(key: str) -> str:
    if state.configuration is None:
        raise PortalCallError("the vendor has not published its partner configuration")
    url: str | None = state.configuration.get(key)
    if not url:
        raise PortalCallError(f"the vendor's partner configuration has no {key}")
    return url


def build_url(key: str, value: str) -> str:
    """Return a published URL with `value` for its placeholder; without one, or by setting, `value` is appended."""
    url, placeholder = get_published_url(key), PLACEHOLDERS[key]
    if placeholder in url and state.settings.url_form != "prefix":
        return url.replace(placeholder, quote(value, safe=""))
    return f"{url.replace('/' + placeholder, '').rstrip('/')}/{quote(value, safe='')}"
