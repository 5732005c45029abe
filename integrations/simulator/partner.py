"""SmartRecruiters as the portal's client: tokens, packages, orders, the farewell. The answers are checked as strictly.

Every URL comes from the published configuration.
"""

import contextlib
import json
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit
from uuid import uuid4

import requests

from integrations.simulator import cast, environment, wire
from integrations.simulator.entities import ASSESSMENT_TYPES, Order
from integrations.simulator.running import world

_LIMIT_SECONDS = 15
_PACKAGE_FRESH_SECONDS = 10.0
KINDS = ("manual", "bulk", "hiring_step", "inline")


class NotPossible(Exception):
    """There is nothing to call: no configuration, no such URL in it, or no connection."""


@dataclass(frozen=True)
class Reply:
    """What came back. No status: nothing did, and `problem` says why."""

    status: int | None
    seconds: float
    body: Any = None
    problem: str | None = None


@dataclass(frozen=True)
class Wish:
    """An order somebody wants to place. Without `candidate` numbers, `count` of them that have not been used."""

    company: str
    package: str
    kind: str = "manual"
    count: int = 1
    candidates: tuple[int, ...] = ()
    requester: str | None = None
    job: int | None = None
    fields: dict[str, str] = field(default_factory=dict)
    parallel: int = 16
    retries: int = 0
    overrides: dict[str, Any] = field(default_factory=dict)


# The line


_local = threading.local()


def _session() -> requests.Session:
    session: requests.Session | None = getattr(_local, "session", None)
    if session is None:
        session = _local.session = requests.Session()
        session.trust_env = False
        session.headers["User-Agent"] = "SmartRecruiters-Simulator"
    return session


def _send(method: str, url: str, **options: Any) -> Reply:
    started = time.monotonic()
    limit = world.settings.partner_timeout
    try:
        answer = _session().request(method, url, timeout=(min(5.0, limit), limit), allow_redirects=False, **options)
    except requests.Timeout:
        return Reply(None, time.monotonic() - started, problem=f"no answer within {limit:g} s")
    except requests.RequestException as broken:
        return Reply(None, time.monotonic() - started, problem=f"no connection: {type(broken).__name__}")
    return _read(answer, time.monotonic() - started)


def _read(answer: requests.Response, seconds: float) -> Reply:
    if not answer.content:
        return Reply(answer.status_code, seconds)
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if kind not in ("application/json", "application/problem+json"):
        return Reply(answer.status_code, seconds, answer.text[:500], f"the answer is {kind or 'of no type'}, not JSON")
    try:
        return Reply(answer.status_code, seconds, wire.parse_json(answer.content))
    except wire.NotJson as broken:
        return Reply(answer.status_code, seconds, answer.text[:500], str(broken))


def _breach(what: str, problems: Iterable[str], company: str, route: str, order_id: str | None = None) -> None:
    detail = "; ".join(problems)
    if detail:
        world.record("breach", what=what, detail=detail, company=company, order_id=order_id, route=f"portal {route}")


def _judge(reply: Reply, company: str, route: str, order_id: str | None = None) -> None:
    """Record what breaks the protocol whatever was asked: slowness, redirects, errors in another form."""
    problems = []
    if reply.seconds > _LIMIT_SECONDS:
        problems.append(f"no answer within {_LIMIT_SECONDS} s")
    if reply.status is not None and 300 <= reply.status < 400:
        problems.append(f"a redirect ({reply.status})")
    if reply.status is not None and 400 <= reply.status < 500 and route != "token":
        problems += [reply.problem] if reply.problem else wire.check_problem(reply.body)
    _breach("portal's answer", problems, company, route, order_id)


def _published(key: str) -> str:
    if world.configuration is None:
        raise NotPossible("the partner has published no configuration")
    url: str | None = world.configuration.get(key)
    if not url:
        raise NotPossible(f"the partner has published no {key}")
    return url


def _fill(key: str, value: str) -> str:
    """The URL of one thing: by its placeholder, or, where there is none (or a setting says so), appended."""
    url, placeholder = _published(key), wire.PLACEHOLDERS[key]
    if placeholder in url and world.settings.url_form != "prefix":
        return url.replace(placeholder, quote(value, safe=""))
    return f"{url.replace('/' + placeholder, '').rstrip('/')}/{quote(value, safe='')}"


# Tokens


_tokens: dict[str, tuple[str, float]] = {}
_token_locks: dict[str, threading.Lock] = {}


def _token(company: str, *, renew: str | None = None) -> str:
    """A token of this company's connection, asked for once; `renew` names one that was refused."""
    pair = world.companies[company].partner_pair
    if pair is None:
        raise NotPossible(f"{company} is not connected")
    with _token_locks.setdefault(pair.client_id, threading.Lock()):
        value, until = _tokens.get(pair.client_id, ("", 0.0))
        if value and value != renew and time.monotonic() < until:
            return value
        return _fetch_token(company, pair.client_id, pair.client_secret)


def _fetch_token(company: str, client_id: str, client_secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    reply = _send("POST", _published("oauthTokenUrl"), data=form)
    _judge(reply, company, "token")
    if reply.status != 200:
        raise NotPossible(f"the portal gave no token: {reply.status or reply.problem}")
    problems = [reply.problem] if reply.problem else wire.check_token(reply.body)
    if problems:
        _breach("portal's token", problems, company, "token")
        raise NotPossible(f"the portal's token is none: {problems[0]}")
    value: str = reply.body["access_token"]
    _tokens[client_id] = (value, time.monotonic() + reply.body["expires_in"] * 0.9)
    return value


def _call(company: str, route: str, method: str, url: str, order_id: str | None = None, **options: Any) -> Reply:
    """A call with the connection's bearer; a refused token is renewed once."""
    try:
        bearer = _token(company)
        headers = options.pop("headers", {})
        reply = _send(method, url, headers={**headers, "Authorization": f"Bearer {bearer}"}, **options)
        if reply.status == 401:
            bearer = _token(company, renew=bearer)
            reply = _send(method, url, headers={**headers, "Authorization": f"Bearer {bearer}"}, **options)
    except NotPossible as impossible:
        return Reply(None, 0.0, problem=str(impossible))
    _judge(reply, company, route, order_id)
    return reply


# Packages


def packages(
    company: str, *, requester: str | None = None, location: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
) -> Reply:  # fmt: skip
    """The list as this requester sees it; [] for none. Whatever SmartRecruiters could not use is a breach."""
    query = {**{key: value for key, value in (location or {}).items() if value}, **(fields or {})}
    url = _with_query(_published("assessmentPackageListUrl"), query)
    reply = _call(company, "packages", "GET", url, headers=_requester_header(requester))
    if reply.status == 204:
        if reply.body is not None:
            _breach("portal's packages", ["204 with a body"], company, "packages")
        return Reply(204, reply.seconds, [])
    if reply.status == 200:
        problems = [reply.problem] if reply.problem else wire.check_package_list(reply.body, _supported())
        _breach("portal's packages", problems, company, "packages")
        if problems:
            return Reply(200, reply.seconds, reply.body, "; ".join(problems))
        for each in reply.body:
            _see(company, each)
    return reply


def package(company: str, package_id: str) -> Reply:
    reply = _call(company, "package", "GET", _fill("singleAssessmentPackageUrl", package_id))
    if reply.status == 200:
        problems = [reply.problem] if reply.problem else wire.check_package(reply.body, _supported())
        if not problems and reply.body["id"] != package_id:
            problems = [f"asked for {package_id}, answered {reply.body['id']}"]
        _breach("portal's package", problems, company, "package")
        if problems:
            return Reply(200, reply.seconds, reply.body, "; ".join(problems))
        _see(company, reply.body)
    return reply


def _supported() -> list[str]:
    types: list[str] = (world.configuration or {}).get("supportedAssessmentTypes", [*ASSESSMENT_TYPES])
    return types


def _with_query(url: str, query: dict[str, str]) -> str:
    parts = urlsplit(url)
    joined = "&".join(part for part in (parts.query, urlencode(query)) if part)
    return urlunsplit(parts._replace(query=joined))


def _requester_header(email: str | None) -> dict[str, str]:
    if not email:
        return {}
    spelling = {"json": json.dumps({"email": email}), "pairs": f"email,{email}", "bare": email}
    return {"requester": spelling[world.settings.requester_encoding]}


_seen: dict[tuple[str, str], float] = {}


def _see(company: str, entry: dict[str, Any]) -> None:
    _seen[company, entry["id"]] = time.monotonic()
    if world.packages.get(company, {}).get(entry["id"]) != entry:
        world.record("package_seen", company=company, package=entry)


def _known_package(company: str, package_id: str) -> dict[str, Any]:
    """The package as last seen, looked up again unless that was just now. Unknown ones are ordered all the same."""
    if time.monotonic() - _seen.get((company, package_id), -1e9) > _PACKAGE_FRESH_SECONDS:
        package(company, package_id)
    return world.packages.get(company, {}).get(package_id, {"id": package_id})


# Orders


def place(wish: Wish) -> list[Order]:
    """Order for every candidate of the wish, side by side; each order is on record before its call goes out."""
    if wish.kind not in KINDS:
        raise NotPossible(f"there is no kind of order called {wish.kind}")
    if wish.company not in world.companies:
        raise NotPossible(f"there is no company {wish.company}")
    _published(_order_url_key(wish.kind))
    entry = _known_package(wish.company, wish.package)
    numbers = wish.candidates or _unused(wish.company, wish.count)
    ids = [_prepare(wish, entry, number) for number in numbers]
    with ThreadPoolExecutor(max_workers=max(1, min(wish.parallel, len(ids)))) as pool:
        list(pool.map(lambda order_id: _send_patiently(order_id, wish.retries), ids))
    return [world.orders[order_id] for order_id in ids]


def _order_url_key(kind: str) -> str:
    return "inlineAssessmentPackageOrderUrl" if kind == "inline" else "packageOrderUrl"


def _unused(company: str, count: int) -> tuple[int, ...]:
    """One candidate is one of the shown ones; more come from behind them, so that each is ordered for once."""
    placed = len(world.orders_of.get(company, []))
    first = placed % cast.CANDIDATES_SHOWN if count == 1 else cast.CANDIDATES_SHOWN + placed
    return tuple(range(first, first + count))


def _prepare(wish: Wish, entry: dict[str, Any], number: int) -> str:
    order_id = str(uuid4())
    person = cast.candidate(wish.company, number)
    job = cast.jobs(wish.company)[(number if wish.job is None else wish.job) % len(cast.jobs(wish.company))]
    body = {**_order_body(wish, order_id, person, job["id"]), **wish.overrides}
    world.record(
        "order_placed",
        order_id=order_id,
        company=wish.company,
        order_kind=wish.kind,
        package=entry,
        candidate=person,
        body=body,
    )
    return order_id


def _order_body(wish: Wish, order_id: str, person: dict[str, Any], job_id: str) -> dict[str, Any]:
    settings, inline = world.settings, wish.kind == "inline"
    keys = ("email", "firstName", "lastName", "applicationLanguage")
    body: dict[str, Any] = {
        "resultCallbackURL": f"{environment.PUBLIC_URL}/assessment-api/v202010/orders/{order_id}/results",
        "candidate": {key: person[key] for key in (keys if inline else ("id", *keys))},
        "assessmentPackageId": wish.package,
        "companyId": wish.company,
    }
    if settings.job_spelling in ("both", "job"):
        body["job"] = {"id": job_id}
    if settings.job_spelling in ("both", "jobId"):
        body["jobId"] = job_id
    if inline:
        body[settings.callback_spelling] = f"{environment.PUBLIC_URL}/applied/{order_id}"
    elif wish.kind != "hiring_step":
        email = wish.requester or f"recruiter@{wish.company}.example"
        body["requester"] = {"userId": cast.identifier(wish.company, "person", email), "email": email}
    if wish.fields:
        body["fields"] = wish.fields
    return body


def _send_patiently(order_id: str, retries: int) -> None:
    for attempt in range(retries + 1):
        if attempt:
            time.sleep(min(2.0, 0.2 * 2**attempt))
        status = send(order_id)
        if status is not None and status < 500:
            return


def send(order_id: str) -> int | None:
    """Send an order's body to the portal: for the first time, or again, the same to the letter."""
    order = world.orders[order_id]
    url = _published(_order_url_key(order.kind))
    reply = _call(order.company, "order", "POST", url, order_id, json=order.body)
    problems = _order_problems(order, reply)
    _breach("portal's answer to an order", problems, order.company, "order", order_id)
    told = reply.body["url"] if order.inline and reply.status == 200 and not problems else None
    problem = "; ".join(problems) or _said(reply)
    world.record(
        "order_answered",
        order_id=order_id,
        status=reply.status,
        seconds=round(reply.seconds, 4),
        url=told,
        problem=problem,
    )
    return reply.status


def _order_problems(order: Order, reply: Reply) -> list[str]:
    if reply.status is None or reply.status >= 300:
        return []
    expected = 200 if order.inline else 202
    if reply.status != expected:
        return [f"answered {reply.status}, not {expected}"]
    if not order.inline:
        return []
    return [reply.problem] if reply.problem else wire.check_inline_answer(reply.body)


def _said(reply: Reply) -> str | None:
    if reply.status is None:
        return reply.problem
    if reply.status < 300:
        return None
    errors = reply.body.get("errors") if isinstance(reply.body, dict) else None
    return "; ".join(str(each.get("message")) for each in errors) if errors else f"answered {reply.status}"


# The farewell


def disconnect(company: str) -> int | None:
    """End the connection here, then tell the portal; what it answers changes nothing."""
    if world.settings.disable_bearer:
        with contextlib.suppress(NotPossible):
            _token(company)
    world.record("disconnected", company=company)
    return tell_disabled(company)


def tell_disabled(company: str) -> int | None:
    """DELETE the integration, with the ended connection's last token, dead or alive, if there is one."""
    bearer, _ = _tokens.get(world.companies[company].former_client, ("", 0.0))
    headers = {"Authorization": f"Bearer {bearer}"} if bearer and world.settings.disable_bearer else {}
    try:
        reply = _send("DELETE", _fill("integrationDisableUrl", company), headers=headers)
    except NotPossible as impossible:
        reply = Reply(None, 0.0, problem=str(impossible))
    _judge(reply, company, "disable")
    if reply.status is not None and reply.status < 300 and (reply.status != 204 or reply.body is not None):
        _breach("portal's answer to a disable", [f"answered {reply.status}, not an empty 204"], company, "disable")
    world.record("disable_told", company=company, status=reply.status, problem=reply.problem)
    return reply.status
