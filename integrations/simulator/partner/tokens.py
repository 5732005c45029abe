"""The portal's tokens: one a connection, renewed once when it is refused."""

import threading
import time
from typing import Any

from integrations.simulator.partner.http_client import NotPossible, Reply, breach, judge, published, send
from integrations.simulator.runtime import world
from integrations.simulator.wire.portal import check_token

_tokens: dict[str, tuple[str, float]] = {}
_token_locks: dict[str, threading.Lock] = {}


def token(company: str, *, renew: str | None = None) -> str:
    """A token of this company's connection, asked for once; `renew` names one that was refused."""
    pair = world.companies[company].partner_pair
    if pair is None:
        raise NotPossible(f"{company} is not connected")
    with _token_locks.setdefault(pair.client_id, threading.Lock()):
        value, until = _tokens.get(pair.client_id, ("", 0.0))
        if value and value != renew and time.monotonic() < until:
            return value
        return _fetch_token(company, pair.client_id, pair.client_secret)


def last_token(client_id: str) -> str:
    """The last token of a client, dead or alive; empty if there was none."""
    return _tokens.get(client_id, ("", 0.0))[0]


def _fetch_token(company: str, client_id: str, client_secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    reply = send("POST", published("oauthTokenUrl"), data=form)
    judge(reply, company, "token")
    if reply.status != 200:
        raise NotPossible(f"The portal gave no token: {reply.status or reply.problem}")
    problems = [reply.problem] if reply.problem else check_token(reply.body)
    if "no-store" not in reply.headers.get("Cache-Control", ""):
        problems.append("the token may be cached")  # RFC 6749, 5.1
    if problems:
        breach("portal's token", problems, company, "token")
        raise NotPossible(f"the portal's token is none: {problems[0]}")
    value: str = reply.body["access_token"]
    _tokens[client_id] = (value, time.monotonic() + reply.body["expires_in"] * 0.9)
    return value


def call(company: str, route: str, method: str, url: str, order_id: str | None = None, **options: Any) -> Reply:
    """A call with the connection's bearer; a refused token is renewed once."""
    try:
        bearer = token(company)
        headers = options.pop("headers", {})
        reply = send(method, url, headers={**headers, "Authorization": f"Bearer {bearer}"}, **options)
        if reply.status == 401:
            bearer = token(company, renew=bearer)
            reply = send(method, url, headers={**headers, "Authorization": f"Bearer {bearer}"}, **options)
    except NotPossible as impossible:
        return Reply(None, 0.0, problem=str(impossible))
    judge(reply, company, route, order_id)
    return reply
