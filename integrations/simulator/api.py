"""SmartRecruiters' REST API, as far as a partner calls it."""

import hashlib
import re
import secrets
import time
from typing import Any
from urllib.parse import parse_qsl, quote

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse

from integrations.simulator import cast, environment, wire
from integrations.simulator.door import Call, Caller, Refused, breach, endpoint
from integrations.simulator.entities import FINAL, RANK, Exchange, Order, Pair, Upload
from integrations.simulator.faults import error
from integrations.simulator.merge import merge_patch
from integrations.simulator.running import files, world
from integrations.simulator.world import digest

_PATCH_TYPES = {
    "json": ("application/json",),
    "merge-patch": ("application/merge-patch+json",),
    "both": ("application/json", "application/merge-patch+json"),
}
_UPLOAD_TYPES = {b"%PDF-": "PDF_URL", b"\x89PNG": "OTHER_URL", b"\xff\xd8\xff": "OTHER_URL"}


# Tokens


def _form(request: HttpRequest) -> list[tuple[str, str]]:
    try:
        return parse_qsl(request.body.decode(), keep_blank_values=True)
    except ValueError:
        return []


def _by_form(request: HttpRequest) -> Caller:
    client_id = dict(_form(request)).get("client_id")
    company = world.company_of_credential(client_id)
    known = company is not None or client_id == world.master.client_id
    return Caller(client_id if known else None, company)


@endpoint("token", "POST", scope=None, caller_of=_by_form)
def token(call: Call) -> HttpResponse:
    if call.request.content_type != "application/x-www-form-urlencoded":
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "a token is asked for by a form", breach="token not asked by form")
    pairs = _form(call.request)
    form = dict(pairs)
    if len(pairs) != 3 or form.keys() != {"grant_type", "client_id", "client_secret"}:
        message = f"the form has {sorted(form)}, not exactly grant_type, client_id and client_secret"
        raise Refused(400, "INVALID_REQUEST", message, breach="token call with another form")
    if form["grant_type"] != "client_credentials":
        raise Refused(400, "UNSUPPORTED_GRANT_TYPE", "not client_credentials", breach="token call with another grant")
    if not _knows(form["client_id"], form["client_secret"]):
        return error(401, "INVALID_CLIENT", "no such client, or another secret", error="invalid_client")
    return JsonResponse(_new_token(form["client_id"]), headers={"Cache-Control": "no-store"})


def _knows(client_id: str, client_secret: str) -> bool:
    if client_id == world.master.client_id:
        return secrets.compare_digest(client_secret.encode(), world.master.client_secret.encode())
    company = world.company_of_credential(client_id)
    pair = world.companies[company].own_pair if company else None
    return pair is not None and secrets.compare_digest(client_secret.encode(), pair.client_secret.encode())


def _new_token(client_id: str) -> dict[str, Any]:
    value, lifetime = secrets.token_urlsafe(32), world.settings.token_lifetime
    world.record("token_issued", digest=digest(value), client_id=client_id, expires_at=time.time() + lifetime)
    return {"access_token": value, "token_type": "Bearer", "expires_in": lifetime}


# The partner configuration


@endpoint("configuration", "GET", "PUT", scope="partner_configuration_manage")
def configuration(call: Call) -> HttpResponse:
    if call.request.method == "PUT":
        _publish(call)
    if world.configuration is None:
        raise Refused(404, "NOT_FOUND", "there is no partner configuration yet")
    return JsonResponse(world.configuration)


def _publish(call: Call) -> None:
    document = _json(call, "configuration")
    _complain(wire.check_configuration(document), "configuration")
    world.record("configured", document=document)


# The exchange of credentials


@endpoint("integration", "POST", scope="partner_configuration_manage")
def integration(call: Call, company_id: str) -> HttpResponse:
    body = _json(call, "credentials")
    _complain(wire.check_credentials(body), "credentials")
    pair = Pair(body["clientId"], body["clientSecret"])
    with world.lock:
        _check_first_use(company_id, pair)
        _remember_use(company_id, pair, settled=True)
        call.on_lost_reply = lambda: _remember_use(company_id, pair, settled=False)
        company = world.companies.get(company_id)
        if company is None or not company.consented:
            raise Refused(403, "FORBIDDEN", "the company has not allowed this app")
        if world.configuration is None:
            raise Refused(404, "NOT_FOUND", "there is no partner configuration")
        if company.connected:
            raise Refused(409, "CONFLICT", "Partner already integrated for company")
        own = Pair(f"sr-{company_id}-{secrets.token_hex(6)}", secrets.token_urlsafe(32))
        world.record("integrated", company=company_id, partner_pair=vars(pair), own_pair=vars(own))
    return JsonResponse({"clientId": own.client_id, "clientSecret": own.client_secret})


def _check_first_use(company_id: str, pair: Pair) -> None:
    """A client id is never used again, save by the same try for the same company that does not know how it went."""
    used = world.exchanges.get(pair.client_id)
    if used is None:
        return
    again = used.company == company_id and used.secret_digest == digest(pair.client_secret)
    if not again or (used.settled and used.consent != _consents(company_id)):
        message = f"the clientId was used before, for {used.company}"
        raise Refused(400, "CLIENT_ID_USED", message, breach="client id used twice")


def _remember_use(company_id: str, pair: Pair, *, settled: bool) -> None:
    use = Exchange(company_id, digest(pair.client_secret), _consents(company_id), settled)
    world.record("exchange", client_id=pair.client_id, **vars(use))


def _consents(company_id: str) -> int:
    company = world.companies.get(company_id)
    return company.consents if company else 0


# People and jobs: 401 also means "no access"


@endpoint("candidate", "GET", scope="candidates_read")
def candidate(call: Call, candidate_id: str) -> HttpResponse:
    return JsonResponse(_own(call, world.people.get(candidate_id), "candidate"))


@endpoint("job", "GET", scope="jobs_read")
def job(call: Call, job_id: str) -> HttpResponse:
    return JsonResponse(_own(call, world.jobs.get(job_id), "job"))


@endpoint("hiring_team", "GET", scope="jobs_read")
def hiring_team(call: Call, job_id: str) -> HttpResponse:
    _own(call, world.jobs.get(job_id), "job")
    return JsonResponse(cast.hiring_team(call.caller.company or ""))


def _own(call: Call, found: tuple[str, dict[str, Any]] | None, what: str) -> dict[str, Any]:
    if found is not None and found[0] == call.caller.company:
        return found[1]
    foreign = f"foreign {what}" if found is not None else None
    raise Refused(401, "UNAUTHORIZED", f"no access to this {what}", breach=foreign)


# Results


@endpoint("result", "PATCH", scope="assessment_result_manage")
def result(call: Call, order_id: str) -> HttpResponse:
    _check_patch_type(call)
    with world.lock:
        order = _own_order(call, order_id)
        patch = _json(call, "result")
        _complain(wire.check_result(patch, order.assessments), "result")
        merged = merge_patch(order.result, patch)
        _watch_behaviour(call, order, merged)
        world.record(
            "result",
            order_id=order_id,
            company=order.company,
            client_id=call.caller.client_id,
            status_before=order.status,
            status_after=merged.get("status"),
            repeat=merged == order.result,
            correction=order.correction,
            patch=patch,
        )
        return JsonResponse(merged)


def _check_patch_type(call: Call) -> None:
    given = call.request.content_type
    if given in _PATCH_TYPES[world.settings.patch_types]:
        return
    strange = None if given in _PATCH_TYPES["both"] else "result of an unknown content type"
    raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", f"{given!r} is not taken here", breach=strange)


def _own_order(call: Call, order_id: str) -> Order:
    order = world.orders.get(order_id)
    if order is None:
        raise Refused(404, "NOT_FOUND", "no such order")
    if order.company != call.caller.company:
        raise Refused(403, "FORBIDDEN", "the order is of another company", breach="wrong company's token")
    return order


def _watch_behaviour(call: Call, order: Order, merged: dict[str, Any]) -> None:
    """What the real one would swallow, and a recruiter would not: taken, but on the record unless announced."""
    if order.correction:
        return
    before, after = order.status, merged.get("status")
    if before in FINAL and after != before:
        breach("final status changed", f"{before} became {after}", call, order.id)
    elif before and RANK.get(after or "", -1) < RANK[before]:
        breach("status went back", f"{before} became {after}", call, order.id)
    for attachment in _urls(order.result) - _urls(merged) - _unheard(order):
        breach("attachment dropped", f"{attachment} is gone", call, order.id)
    for assessment in _assessments(order.result) - _assessments(merged):
        breach("assessment result dropped", f"the result of {assessment} is gone", call, order.id)


def _urls(result_: dict[str, Any]) -> set[str]:
    levels = [result_, *(result_.get("assessmentResults") or [])]
    return {each["url"] for level in levels for each in level.get("attachments") or []}


def _unheard(order: Order) -> set[str]:
    return {upload.url for upload in order.uploads if upload.reply_lost}


def _assessments(result_: dict[str, Any]) -> set[str]:
    return {each["assessmentId"] for each in result_.get("assessmentResults") or []}


# Attachments


@endpoint("attachment", "POST", scope="assessment_result_manage")
def attachment(call: Call, order_id: str) -> HttpResponse:
    order = _own_order(call, order_id)
    if order.inline:
        raise Refused(403, "FORBIDDEN", "inline orders take no uploads", breach="upload for an inline order")
    sent = _uploaded(call)
    content = sent.read()
    kind = next((kind for magic, kind in _UPLOAD_TYPES.items() if content.startswith(magic)), None)
    if kind is None:
        raise Refused(400, "BAD_REQUEST", "the file is no PDF, PNG or JPEG", breach="upload of another type")
    if len(content) > world.settings.upload_limit:
        raise Refused(413, "PAYLOAD_TOO_LARGE", "the file is too large")
    upload = _keep(order_id, sent.name or "file", kind, content)
    with world.lock:
        if any(each.sha256 == upload.sha256 for each in world.orders[order_id].uploads):
            breach("attachment uploaded twice", f"{upload.name} is there already", call, order_id)
        world.record(
            "upload",
            order_id=order_id,
            company=order.company,
            client_id=call.caller.client_id,
            upload=vars(upload),
        )
    call.on_lost_reply = lambda: _lost(order_id, upload)
    return JsonResponse({"url": upload.url}, status=201)


def _uploaded(call: Call) -> "UploadedFile[bytes]":
    if call.request.content_type != "multipart/form-data":
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "an upload is multipart/form-data", breach="upload without a form")
    part, sent = world.settings.upload_part, call.request.FILES
    found = sent.getlist(part)
    if [*sent] != [part] or len(found) != 1 or call.request.POST:
        names = sorted({*sent, *call.request.POST})
        raise Refused(400, "BAD_REQUEST", f"the parts are {names}, not [{part!r}]", breach="upload with other parts")
    return found[0]


def _keep(order_id: str, name: str, kind: str, content: bytes) -> Upload:
    upload_id = secrets.token_hex(16)
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:100] or "file"
    files.mkdir(parents=True, exist_ok=True, mode=0o700)
    (files / upload_id).write_bytes(content)
    return Upload(
        id=upload_id,
        name=safe,
        type=kind,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        url=f"{environment.PUBLIC_URL}/files/{upload_id}/{quote(safe)}",
    )


def _lost(order_id: str, upload: Upload) -> None:
    world.record("upload_reply_lost", order_id=order_id, upload=upload.id)


# Bodies


def _json(call: Call, what: str) -> Any:
    if call.route != "result" and call.request.content_type != "application/json":
        message = f"{call.request.content_type!r} is not taken here"
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", message, breach=f"{what} not sent as JSON")
    try:
        return wire.parse_json(call.body)
    except wire.NotJson as broken:
        raise Refused(400, "BAD_REQUEST", str(broken), breach=f"{what} is not JSON") from None


def _complain(problems: list[str], what: str) -> None:
    if problems:
        raise Refused(400, "BAD_REQUEST", "; ".join(problems), breach=f"malformed {what}")
