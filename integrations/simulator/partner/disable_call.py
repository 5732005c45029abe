"""The end of a connection, and telling the portal."""

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
from integrations.simulator.runtime import state


def disconnect_company(company: str) -> int | None:
    """End the connection here, then tell the portal; what it answers changes nothing."""
    if state.settings.disable_bearer:
        with contextlib.suppress(PortalCallError):
            get_token(company)
    state.record_event("disconnected", company=company)
    return notify_disabled(company)


def notify_disabled(company: str) -> int | None:
    """DELETE the integration, with the ended connection's last token, dead or alive, if there is one."""
    bearer = get_last_token(state.companies[company].former_client_id)
    headers = {"Authorization": f"Bearer {bearer}"} if bearer and state.settings.disable_bearer else {}
    try:
        reply = send_request("DELETE", build_url("integrationDisableUrl", company), headers=headers)
    except PortalCallError as impossible:
        reply = Reply(None, 0.0, problem=str(impossible))
    check_reply(reply, company, "disable")
    if reply.status is not None and reply.status < 300 and (reply.status != 204 or reply.body is not None):
        record_breach(
            "portal's answer to a disable", [f"answered {reply.status}, not an empty 204"], company, "disable"
        )
    state.record_event("disable_told", company=company, status=reply.status, problem=reply.problem)
    return reply.status
