"""A call to the portal and what came back; both are judged."""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from integrations.simulator.runtime import state
from integrations.simulator.wire.configuration import PLACEHOLDERS
from integrations.simulator.wire.portal import check_error_body
from integrations.simulator.wire.strict_json import InvalidJsonError, parse_json

_LIMIT_SECONDS = 15


class PortalCallError(Exception):
    """There is nothing to call: no configuration, no such URL in it, or no connection."""


@dataclass(frozen=True)
class Reply:
    """What came back. No status: nothing did, and `problem` says why."""

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
        answer = _get_session().request(method, url, timeout=(min(5.0, limit), limit), allow_redirects=False, **options)
    except requests.Timeout:
        return Reply(None, time.monotonic() - started, problem=f"no answer within {limit:g} s")
    except requests.RequestException as broken:
        return Reply(None, time.monotonic() - started, problem=f"no connection: {type(broken).__name__}")
    return _parse_reply(answer, time.monotonic() - started)


def _parse_reply(answer: requests.Response, seconds: float) -> Reply:
    if not answer.content:
        return Reply(answer.status_code, seconds, headers=answer.headers)
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if kind not in ("application/json", "application/problem+json"):
        return Reply(answer.status_code, seconds, answer.text[:500], f"the answer is {kind or 'of no type'}, not JSON")
    try:
        return Reply(answer.status_code, seconds, parse_json(answer.content), headers=answer.headers)
    except InvalidJsonError as broken:
        return Reply(answer.status_code, seconds, answer.text[:500], str(broken))


def record_breach(what: str, problems: Iterable[str], company: str, route: str, order_id: str | None = None) -> None:
    detail = "; ".join(problems)
    if detail:
        state.record_event(
            "breach", what=what, detail=detail, company=company, order_id=order_id, route=f"portal {route}"
        )


def check_reply(reply: Reply, company: str, route: str, order_id: str | None = None) -> None:
    """Record what breaks the protocol whatever was asked: slowness, redirects, errors in another form."""
    problems = []
    if reply.seconds > _LIMIT_SECONDS:
        problems.append(f"no answer within {_LIMIT_SECONDS} s")
    if reply.status is not None and 300 <= reply.status < 400:
        problems.append(f"a redirect ({reply.status})")
    if reply.status is not None and 400 <= reply.status < 500 and route != "token":
        problems += [reply.problem] if reply.problem else check_error_body(reply.body)
    record_breach("portal's answer", problems, company, route, order_id)


def get_published_url(key: str) -> str:
    if state.configuration is None:
        raise PortalCallError("the partner has published no configuration")
    url: str | None = state.configuration.get(key)
    if not url:
        raise PortalCallError(f"the partner has published no {key}")
    return url


def build_url(key: str, value: str) -> str:
    """The URL of one thing: by its placeholder, or, where there is none (or a setting says so), appended."""
    url, placeholder = get_published_url(key), PLACEHOLDERS[key]
    if placeholder in url and state.settings.url_form != "prefix":
        return url.replace(placeholder, quote(value, safe=""))
    return f"{url.replace('/' + placeholder, '').rstrip('/')}/{quote(value, safe='')}"
