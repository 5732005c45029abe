"""Access tokens of a stream's credentials: the stored one, or a new one from the token endpoint."""

import structlog

from integrations.http.client import CallFailedError
from integrations.outbox.executor import call_pool
from integrations.outbox.handlers import UndeliverableError
from integrations.outbox.leases import Lease
from integrations.outbox.settlement import Settlement

log = structlog.get_logger(__name__)

TOKEN_DEADLINE_SECONDS = 25.0
UNNEEDED_TOKEN = "-"  # noqa: S105 (for streams without tokens)


def get_token(settlement: Settlement, lease: Lease) -> str:
    """Return a valid token, or "" if there is none now: then the stream is paused, or its credentials are refused."""
    channel = settlement.channel
    if not channel.needs_token:
        return UNNEEDED_TOKEN
    return channel.stored_token(settlement.stream) or _request_token(settlement, lease)


def _request_token(settlement: Settlement, lease: Lease) -> str:
    channel, stream = settlement.channel, settlement.stream
    credentials_id = channel.credentials_id(stream)
    try:
        call = channel.build_token_call(stream)
        # In the pool, whose threads keep their HTTP sessions.
        response = call_pool.submit(call.run, lease.clamp_seconds(TOKEN_DEADLINE_SECONDS)).result()
        if response.status == 200:
            return channel.store_token(stream, response)
    except UndeliverableError as error:
        settlement.mark_credentials_refused(str(error), credentials_id)
        return ""
    except CallFailedError as error:
        log.warning("token request failed", stream=stream.name, error=str(error))
        settlement.pause_stream()
        return ""
    if response.status in (400, 401, 403):
        reason = f"SmartRecruiters' token endpoint refuses the credentials ({response.status})."
        settlement.mark_credentials_refused(reason, credentials_id)
    else:
        settlement.pause_stream(retry_after=response.headers.get("Retry-After"))
    return ""
