"""Access tokens of the portal: one per connection, renewed once if refused."""

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
from integrations.simulator.store.runtime import state
from integrations.simulator.wire.portal import check_token

_tokens: dict[str, tuple[str, float]] = {}
_token_locks: dict[str, threading.Lock] = {}


def get_token(company: str, *, refused_token: str | None = None) -> str:
    """Return the cached token of the company's connection, or a new one if that is expired or `refused_token`."""
    pair = state.companies[company].partner_pair
    if pair is None:
        raise PortalCallError(f"{company} is not connected")
    with _token_locks.setdefault(pair.client_id, threading.Lock()):
        value, expires_at = _tokens.get(pair.client_id, ("", 0.0))
        if value and value != refused_token and time.monotonic() < expires_at:
            return value
        return _fetch_token(company, pair.client_id, pair.client_secret)


def get_last_token(client_id: str) -> str:
    """Return the client's last token, expired or not; empty if there was none."""
    return _tokens.get(client_id, ("", 0.0))[0]


def _fetch_token(company: str, client_id: str, client_secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    reply = send_request("POST", get_published_url("oauthTokenUrl"), data=form)
    check_reply(reply, company, "token")
    if reply.status != 200:
        raise PortalCallError(f"the portal issued no token: {reply.status or reply.problem}")
    problems = [reply.problem] if reply.problem else check_token(reply.body)
    if "no-store" not in reply.headers.get("Cache-Control", ""):
        problems.append("the token may be cached")  # RFC 6749, 5.1
    if problems:
        record_breach("portal's token", problems, company, "token")
        raise PortalCallError(f"the portal's token response is invalid: {problems[0]}")
    value: str = reply.body["access_token"]
    _tokens[client_id] = (value, time.monotonic() + reply.body["expires_in"] * 0.9)
    return value


def call_portal(company: str, route: str, method: str, url: str, order_id: str | None = None, **options: Any) -> Reply:
    """Call the portal with the connection's token; renew a refused token once."""
    try:
        token = get_token(company)
        headers = options.pop("headers", {})
        reply = send_request(method, url, headers={**headers, "Authorization": f"Bearer {token}"}, **options)
        if reply.status == 401:
            token = get_token(company, refused_token=token)
            reply = send_request(method, url, headers={**headers, "Authorization": f"Bearer {token}"}, **options)
    except PortalCallError as error:
        return Reply(None, 0.0, problem=str(error))
    check_reply(reply, company, route, order_id)
    return reply
