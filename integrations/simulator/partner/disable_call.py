"""The end of a connection, and telling the portal."""

import contextlib

from integrations.simulator.partner.http_client import NotPossible, Reply, breach, fill, judge, send
from integrations.simulator.partner.tokens import last_token, token
from integrations.simulator.runtime import world


def disconnect(company: str) -> int | None:
    """End the connection here, then tell the portal; what it answers changes nothing."""
    if world.settings.disable_bearer:
        with contextlib.suppress(NotPossible):
            token(company)
    world.record("disconnected", company=company)
    return tell_disabled(company)


def tell_disabled(company: str) -> int | None:
    """DELETE the integration, with the ended connection's last token, dead or alive, if there is one."""
    bearer = last_token(world.companies[company].former_client)
    headers = {"Authorization": f"Bearer {bearer}"} if bearer and world.settings.disable_bearer else {}
    try:
        reply = send("DELETE", fill("integrationDisableUrl", company), headers=headers)
    except NotPossible as impossible:
        reply = Reply(None, 0.0, problem=str(impossible))
    judge(reply, company, "disable")
    if reply.status is not None and reply.status < 300 and (reply.status != 204 or reply.body is not None):
        breach("portal's answer to a disable", [f"answered {reply.status}, not an empty 204"], company, "disable")
    world.record("disable_told", company=company, status=reply.status, problem=reply.problem)
    return reply.status
