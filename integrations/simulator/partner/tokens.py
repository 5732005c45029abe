"""The portal's tokens: one a connection, renewed once when it is refused."""

import threading
import time
from typing import Any

from integrations.simulator.partner.http_client import (
    PortalCallError,
    Reply,
    check_reply,
    get_published_url,
    record_breach,
    send_request,
)
from integrations.simulator.runtime import state
from integrations.simulator.wire.portal import check_token

_tokens: dict[str, tuple[str, float]] = {}
_token_locks: dict[str, threading.Lock] = {}


def get_token(company: str, *, refused_token: str | None = None) -> str:
    """A token of this company's connection, asked for once; `refused_token` names one that was refused."""
    pair = state.companies[company].partner_pair
    if pair is None:
        raise PortalCallError(f"{company} is not connected")
    with _token_locks.setdefault(pair.client_id, threading.Lock()):
        value, until = _tokens.get(pair.client_id, ("", 0.0))
        if value and value != refused_token and time.monotonic() < until:
            return value
        return _fetch_token(company, pair.client_id, pair.client_secret)


def get_last_token(client_id: str) -> str:
    """The last token of a client, dead or alive; empty if there was none."""
    return _tokens.get(client_id, ("", 0.0))[0]


def _fetch_token(company: str, client_id: str, client_secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    reply = send_request("POST", get_published_url("oauthTokenUrl"), data=form)
    check_reply(reply, company, "token")
    if reply.status != 200:
        raise PortalCallError(f"The portal gave no token: {reply.status or reply.problem}")
    problems = [reply.problem] if reply.problem else check_token(reply.body)
    if "no-store" not in reply.headers.get("Cache-Control", ""):
        problems.append("the token may be cached")  # RFC 6749, 5.1
    if problems:
        record_breach("portal's token", problems, company, "token")
        raise PortalCallError(f"the portal's token is none: {problems[0]}")
    value: str = reply.body["access_token"]
    _tokens[client_id] = (value, time.monotonic() + reply.body["expires_in"] * 0.9)
    return value


def call_portal(company: str, route: str, method: str, url: str, order_id: str | None = None, **options: Any) -> Reply:
    """A call with the connection's bearer; a refused token is renewed once."""
    try:
        bearer = get_token(company)
        headers = options.pop("headers", {})
        reply = send_request(method, url, headers={**headers, "Authorization": f"Bearer {bearer}"}, **options)
        if reply.status == 401:
            bearer = get_token(company, refused_token=bearer)
            reply = send_request(method, url, headers={**headers, "Authorization": f"Bearer {bearer}"}, **options)
    except PortalCallError as impossible:
        return Reply(None, 0.0, problem=str(impossible))
    check_reply(reply, company, route, order_id)
    return reply
