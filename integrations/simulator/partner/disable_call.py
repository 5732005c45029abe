"""Disconnecting a company, and notifying the portal."""

import contextlib

from integrations.simulator.partner.http_client import (
    PortalCallError,
    Reply,
    build_url,
    check_reply,
    record_breach,
    send_request,
)
from integrations.simulator.partner.tokens import get_last_token, get_token
from integrations.simulator.store.runtime import state


def disconnect_company(company: str) -> int | None:
    """End the connection, then notify the portal; its response has no effect on the disconnection."""
    if state.settings.disable_bearer:
        with contextlib.suppress(PortalCallError):
            get_token(company)
    state.record_event("disconnected", company=company)
    return notify_disabled(company)


def notify_disabled(company: str) -> int | None:
    """DELETE the integration, with the last token of the ended connection (expired or not) if there is one."""
    bearer = get_last_token(state.companies[company].former_client_id)
    headers = {"Authorization": f"Bearer {bearer}"} if bearer and state.settings.disable_bearer else {}
    try:
        reply = send_request("DELETE", build_url("integrationDisableUrl", company), headers=headers)
    except PortalCallError as error:
        reply = Reply(None, 0.0, problem=str(error))
    check_reply(reply, company, "disable")
    if reply.status is not None and reply.status < 300 and (reply.status != 204 or reply.body is not None):
        problems = [f"responded {reply.status}, not an empty 204"]
        record_breach("portal's answer to a disable", problems, company, "disable")
    state.record_event("disable_told", company=company, status=reply.status, problem=reply.problem)
    return reply.status
