"""Brute force protection: a delay per account that grows, known browsers that it spares, an alarm for many failures.

The limits per IP address (ACCOUNT_RATE_LIMITS) do not stop a guesser with many addresses. The delay per account does,
and would lock the owner out. So a browser keeps a signed cookie after each sign-in, the device cookie: it has a limit
of its own for this account, which no other browser can use up (OWASP, "Slow down online guessing attacks with device
cookies"). A new password by email and a passkey are not delayed either.
"""

import math
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.core.internal import ratelimit
from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import get_random_string, salted_hmac

from integrations import audit
from integrations.models import AuditEntry
from integrations.rate_limits import build_key

DEVICE_SALT = "integrations.accounts.login_throttle"
DEVICE_SECONDS = 180 * 24 * 3600
MAX_ACCOUNTS = 5  # of one browser; the cookie stays small
DEVICE_RATES = {"login_failed": "10/5m/key"}
FREE_FAILURES = 10
MAX_DELAY_SECONDS = 900
FORGOTTEN_AFTER_SECONDS = 24 * 3600
FAILED_ACTIONS = ("sign_in.failed", "sign_in.second_factor_failed")
ALARM_FAILURES = 100
ALARM_PERIOD = timedelta(hours=1)


@dataclass(frozen=True)
class Device:
    """Content of the device cookie: a random id, and digests of the accounts that signed in, the last one first."""

    id: str
    accounts: list[str]


def read_device(request: HttpRequest) -> Device:
    """Return the browser's device, a new one if its cookie is missing, forged or too old."""
    cookie = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    try:
        return Device(**signing.loads(cookie, salt=DEVICE_SALT, max_age=DEVICE_SECONDS))
    except signing.BadSignature:
        return Device(get_random_string(16), [])


def remember_device(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """Remember the browser as a known one of the account that signed in."""
    device, account = read_device(request), _digest_account(email)
    accounts = [account, *(each for each in device.accounts if each != account)][:MAX_ACCOUNTS]
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps({"id": device.id, "accounts": accounts}, salt=DEVICE_SALT),
        max_age=DEVICE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def is_known_device(device: Device, email: str) -> bool:
    return _digest_account(email) in device.accounts


def _digest_account(email: str) -> str:
    return salted_hmac(DEVICE_SALT, email.strip().lower()).hexdigest()[:20]


def get_delay(failures: int) -> int:
    """Return the seconds to wait after so many failures: 0 at first, then 1, 2, 4 … up to a quarter of an hour."""
    doublings = min(failures - FREE_FAILURES, 32)
    return min(1 << doublings, MAX_DELAY_SECONDS) if doublings >= 0 else 0


def count_attempt(email: str) -> int:
    """Count an attempt on the account as a failure. If it comes too early, return the seconds to wait, and do not."""
    key = _build_key(email)
    with ratelimit.cache_lock(key) as is_locked:
        if not is_locked:
            return 1
        failures, last_at = cache.get(key, (0, 0.0))
        now = time.time()
        if (wait := math.ceil(last_at + get_delay(failures) - now)) > 0:
            return min(int(wait), MAX_DELAY_SECONDS)
        cache.set(key, (failures + 1, now), FORGOTTEN_AFTER_SECONDS)
    if failures + 1 == FREE_FAILURES:
        audit.record("sign_in.delayed", email[:200])
    return 0


def take_attempt_back(email: str) -> None:
    """Do not count an attempt that succeeded. Earlier ones still count: they may be a guesser's."""
    key = _build_key(email)
    with ratelimit.cache_lock(key) as is_locked:
        failures, last_at = cache.get(key, (0, 0.0))
        if is_locked and failures:
            cache.set(key, (failures - 1, last_at), FORGOTTEN_AFTER_SECONDS)


def _build_key(email: str) -> str:
    return build_key("sign_in.failures", email.strip().lower())


@dataclass(frozen=True)
class FailedSignIns:
    """The failed sign-ins of the last hour: how many, on how many accounts, from how many IP addresses, since when."""

    count: int
    accounts: int
    ips: int
    since: datetime


def find_alarm() -> FailedSignIns | None:
    """Return the failed sign-ins of the last hour if their number suggests guessing, else None."""
    failures = AuditEntry.objects.filter(action__in=FAILED_ACTIONS, at__gt=timezone.now() - ALARM_PERIOD).order_by()
    if failures[:ALARM_FAILURES].count() < ALARM_FAILURES:
        return None
    found = failures.aggregate(
        count=Count("pk"),
        accounts=Count("subject", distinct=True),
        ips=Count("ip", distinct=True),
        since=Min("at"),
    )
    return FailedSignIns(**found)


def sound_alarm() -> None:
    """Write an audit entry, once an hour, if too many sign-ins failed. Staff see it on their overview, too."""
    if (failed := find_alarm()) and cache.add("sign_in.alarm", True, ALARM_PERIOD.total_seconds()):
        audit.record("sign_in.alarm", "sign-in", failures=failed.count, accounts=failed.accounts, ips=failed.ips)
