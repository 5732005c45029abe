"""The limits that deploy/README.md lists for operators are those of the code."""

import re
from datetime import timedelta

from allauth.account import app_settings as accounts
from django.conf import settings
from django.utils import timezone

from assessments import imports
from assessments.transfer import plan
from config.monitoring import health
from config.server import gunicorn, request_body
from config.server.worker import BufferingWorker
from integrations import clamav, strict_json
from integrations.accounts import emails, login_throttle, password_links, sessions
from integrations.accounts.login_throttle import DEVICE_RATES
from integrations.api import deadline, idempotency, parsers
from integrations.api.pagination import KeysetPagination
from integrations.connections.claims import decisions, ownership
from integrations.connections.consents import VISITS
from integrations.customers import invitations
from integrations.database.limits import choose_limits
from integrations.http import client
from integrations.models.connections import consent_deadline
from integrations.models.invitations import invitation_deadline
from integrations.oauth import throttling
from integrations.oauth import views as token_endpoint
from integrations.outbox.handlers import Channel
from integrations.webhooks import replay
from orders import attachments, files
from orders.admin.orders import MAX_FOUND
from orders.api.input_serializers import LeaseSerializer
from tests.config.conftest import REPOSITORY

KB, MB, HOUR = 1024, 1024**2, 3600
READINESS_SECONDS = health.KEPT_SECONDS  # as the portal has it: tests check each time
RATE = re.compile(r"(\d+)/(\d*)([mhd])/(\w+)")
UNITS = {"m": "minute", "h": "hour", "d": "day"}


def rate(rates: str, scope: str) -> str:
    """Return allauth's rate for a scope in words: "10 in 5 minutes"."""
    found = (match[:3] for match in RATE.findall(rates) if match[3] == scope)
    return " and ".join(
        f"{count} in {period} {UNITS[unit]}s" if period else f"{count} a {UNITS[unit]}" for count, period, unit in found
    )


def until(deadline: object) -> timedelta:
    """Return how long from now a deadline is, in whole minutes."""
    return timedelta(minutes=round((deadline - timezone.now()) / timedelta(minutes=1)))  # type: ignore[operator]


def sign_in_limits() -> list[tuple[str, str, str]]:
    failed, of_owners = settings.ACCOUNT_RATE_LIMITS["login_failed"], rate(DEVICE_RATES["login_failed"], "key")
    forgotten, longest = login_throttle.FORGOTTEN_AFTER_SECONDS // HOUR, login_throttle.MAX_DELAY_SECONDS // 60
    reset = accounts.RATE_LIMITS["reset_password"]
    return [
        (
            "Failed sign-ins",
            f"{rate(failed, 'key')} per account and IP address, {rate(failed, 'ip')} per IP address (IPv6: per /64). "
            f"For an account, {login_throttle.FREE_FAILURES} in {forgotten} hours, then a delay that doubles from 1 "
            f"second to {longest} minutes. A browser in which its owner signed in before has {of_owners} of its own "
            "instead, so that nobody can lock them out",
            "429",
        ),
        (
            "Failed sign-ins of all accounts",
            f"{login_throttle.ALARM_FAILURES} in an hour",
            "An alarm in the audit log and on the overview",
        ),
        (
            "Password resets",
            f"{rate(reset, 'ip')} per IP address. Per email address {emails.RESETS_AT_ONCE} in a day, then one in "
            f"{emails.RESET_INTERVAL // timedelta(minutes=1)} minutes. The link works once, for "
            f"{password_links.LIFETIME // timedelta(hours=1)} hour; the first, of somebody whom you add, for "
            f"{password_links.FIRST_LIFETIME.days} days",
            "429; no further email while the last link works",
        ),
        (
            "Sessions",
            f"{sessions.IDLE_SECONDS // 60} minutes without activity, {sessions.MAX_SESSION_SECONDS // HOUR} hours in "
            "any case. Any number at a time; the person sees and ends them",
            "Sign in again",
        ),
        (
            "Proof of who acts, for actions with lasting effect",
            f"{accounts.REAUTHENTICATION_TIMEOUT // 60} minutes",
            "Asked again",
        ),
        (
            "Invitations",
            f"{until(invitation_deadline()).days} days, one use; {invitations.MAX_OPEN} open per organisation; "
            f"again after {invitations.RESEND_INTERVAL.seconds // 60} minute",
            "A page",
        ),
        ("Consent", f"{until(consent_deadline()).seconds // 60} minutes, one answer", "410"),
        (
            "Visits to the consent page",
            f"{VISITS.amount} in {VISITS.seconds // 60} minutes per IP address (IPv6: per /64) or, after sign-in, per "
            "person",
            "429",
        ),
        (
            "Attempts to connect a company in vain",
            f"{ownership.MAX_TRIES} in {ownership.TRIES_WINDOW // timedelta(hours=1)} hour per person and per "
            f"customer. A request that waits for staff lapses after {decisions.WAITS_FOR.days} days",
            "429; an incident on the overview",
        ),
    ]


def program_limits() -> list[tuple[str, str, str]]:
    lease = LeaseSerializer().fields
    return [
        (
            "Wrong secrets at `/oauth/token`",
            f"{throttling.MAX_FAILURES} in {throttling.WINDOW_SECONDS} seconds per client and IP address",
            "429 with `Retry-After`",
        ),
        (
            "Access tokens",
            f"{settings.OAUTH2_PROVIDER['ACCESS_TOKEN_EXPIRE_SECONDS'] // 60} minutes. Calls with a valid token are "
            "not limited",
            "401",
        ),
        (
            "Bodies",
            f"{parsers.MAX_BODY_BYTES // KB} KB and {strict_json.MAX_DEPTH} levels of JSON; "
            f"{plan.MAX_BYTES // MB} MB for a catalogue, {files.MAX_SIZE // MB} MB for a report, "
            f"{token_endpoint.MAX_BODY_BYTES // KB} KB for a token, {request_body.MAX_BODY // MB} MB for anything",
            "413, 400",
        ),
        (
            "Bodies of strangers",
            f"{request_body.MAX_IN_MEMORY // KB} KB. More is read only with a valid token or from people who are "
            "signed in",
            "401 or 413 before it is read",
        ),
        (
            "Heads",
            f"{gunicorn.limit_request_line:,} bytes for the first line, "
            f"{gunicorn.limit_request_field_size // KB} KB for a field",
            "414, 431",
        ),
        (
            "Slow clients",
            f"{BufferingWorker.head_seconds:.0f} seconds for a head; then, for bodies and for reading responses, "
            f"{BufferingWorker.min_rate // KB} KB a second over {BufferingWorker.pace_seconds:.0f} seconds",
            "408, or the connection is reset",
        ),
        (
            "What waits for clients, per process",
            f"{gunicorn.MAX_CONNECTIONS:,} connections, or fewer with few file descriptors; "
            f"{BufferingWorker.max_spooled // MB} MB of bodies and responses, mostly in `TMPDIR`",
            "The one that waited longest is refused with 503 or reset",
        ),
        (
            "Reports",
            f"{attachments.MAX_PER_ORDER} per order, {files.MAX_PIXELS // 10**6} million pixels",
            "422",
        ),
        (
            "Lists and leases",
            f"{KeysetPagination.max_page_size} rows a page; {lease['max'].max_value} orders, "
            f"{lease['seconds'].max_value:,} seconds",
            "422",
        ),
        ("Idempotency keys", f"{idempotency.RETENTION // timedelta(hours=1)} hours", "The call runs again"),
    ]


def costly_limits() -> list[tuple[str, str, str]]:
    database = choose_limits(is_worker=False)
    return [
        (
            "Malware scans",
            f"{clamav.MAX_SCANS} at a time in a process, {clamav.SCAN_SECONDS:.0f} seconds each",
            "503 with `Retry-After`",
        ),
        (
            "Waiting for the database",
            f"{database['lock_timeout'].removesuffix('s')} seconds for a lock, "
            f"{database['statement_timeout'].removesuffix('s')} for a statement. For SmartRecruiters no statement "
            f"begins after {deadline.DEADLINE_SECONDS:.0f} seconds",
            "503 with `Retry-After`",
        ),
        (
            "Calls to SmartRecruiters",
            f"{Channel.calls_per_second} a second for each endpoint and {Channel.max_parallel} at a time, per "
            f"customer; responses up to {client.MAX_RESPONSE_BYTES // KB} KB",
            "They wait their turn",
        ),
        (
            "Catalogue files",
            f"Over {imports.SYNC_MAX_BYTES // KB} KB, a worker imports them",
            "A page that shows how far it is",
        ),
        ("`/readyz`", f"One check in {READINESS_SECONDS:.0f} second and process", "The last answer"),
        ("Messages sent again at once", f"{replay.MAX_MESSAGES:,}", "A page that says so"),
        ("Orders found by a candidate's address", f"{MAX_FOUND}", "The newest"),
    ]


def test_limits_are_documented_as_they_are() -> None:
    document = (REPOSITORY / "deploy" / "README.md").read_text()
    section = document.partition("\n## Limits\n")[2].partition("\n## ")[0]
    limits = [*sign_in_limits(), *program_limits(), *costly_limits()]
    documented = [line for line in section.splitlines() if line.startswith("| ")]
    assert documented == ["| What | Limit | Beyond it |", *(f"| {' | '.join(row)} |" for row in limits)]
