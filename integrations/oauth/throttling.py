"""Rate limit of failed token requests, per client and IP address (threat T7 in tests/reliability/README.md).

An IP address is `get_client_network`'s: of IPv6, its /64.
Per pair, so that an attacker can lock out neither the client, which calls from another IP address, nor other clients at
an IP address that all of SmartRecruiters' customers share. Unknown clients are counted like known ones.
"""

from integrations.rate_limits import RateLimit

MAX_FAILURES = 30
WINDOW_SECONDS = 60
FAILED_REQUESTS = RateLimit("token-failed", MAX_FAILURES, WINDOW_SECONDS)
