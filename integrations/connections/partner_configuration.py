"""The partner configuration: what is published, whether it arrived, and with which credential (PROTOCOL.md)."""

import json
from typing import Any

from django.conf import settings
from django.utils import timezone

from integrations import audit
from integrations.http import client
from integrations.models import AssessmentType, Connection, PartnerConfiguration, ReportDelivery, UrlStyle
from integrations.outbox import deliveries
from integrations.smartrecruiters import responses
from integrations.smartrecruiters.client import SmartRecruitersAPI

CALL_SECONDS = 25


class PartnerError(Exception):
    """Publishing or comparing did not work; the message says what to do."""


def build_api(configuration: PartnerConfiguration | None = None) -> SmartRecruitersAPI:
    """SmartRecruiters' API as it is configured."""
    row = configuration or PartnerConfiguration.load()
    return SmartRecruitersAPI(
        settings.SMARTRECRUITERS_API_URL, row.assessment_api_path, row.token_path, row.candidates_path, row.jobs_path
    )


def uploads_reports(connection: Connection) -> bool:
    """Whether reports go to this company as files; a connection's own word counts before the configuration's."""
    return (connection.report_delivery or PartnerConfiguration.load().report_delivery) == ReportDelivery.UPLOAD


def get_master_credentials() -> tuple[str, str]:
    """(client id, client secret) from the environment, else as entered in admin; empty where there is none."""
    if settings.SMARTRECRUITERS_CLIENT_ID:
        return settings.SMARTRECRUITERS_CLIENT_ID, settings.SMARTRECRUITERS_CLIENT_SECRET
    row = PartnerConfiguration.load()
    return row.master_client_id, row.master_client_secret


def is_unreachable() -> bool:
    """What would be published names this machine alone, and SmartRecruiters is not on it."""
    return bool(settings.IS_LOOPBACK and not settings.SMARTRECRUITERS_IS_LOOPBACK)


def build_document(configuration: PartnerConfiguration | None = None) -> dict[str, Any]:
    """The whole document to PUT."""
    row = configuration or PartnerConfiguration.load()
    base = f"{settings.PUBLIC_URL}/smartrecruiters"
    packages, companies = f"{base}/packages", f"{base}/{row.disable_key}/integrations/companies"
    is_template = row.url_style == UrlStyle.TEMPLATE
    found: dict[str, Any] = {
        "consentUrl": f"{base}/integration",
        "consentDisplayMode": row.display_mode,
        "assessmentPackageListUrl": packages,
        "singleAssessmentPackageUrl": f"{packages}/{{assessmentPackageId}}" if is_template else packages,
        "packageOrderUrl": f"{packages}/orders",
        "oauthTokenUrl": f"{settings.PUBLIC_URL}/oauth/token",
        "integrationDisableUrl": f"{companies}/{{companyId}}" if is_template else companies,
        "supportedAssessmentTypes": sorted(row.supported_types),
    }
    if row.offers_inline:
        found["inlineAssessmentPackageOrderUrl"] = f"{packages}/inline/orders"
    if fields := [{"id": f.field_id, "name": f.name, "description": f.description} for f in row.fields.all()]:
        found["fields"] = fields
    return found


def validate_configuration(configuration: PartnerConfiguration) -> list[str]:
    """PROTOCOL.md's rules that this configuration breaks, in words, before anything is sent."""
    types = configuration.supported_types
    known = set(AssessmentType.values)
    wrong = not isinstance(types, list) or not types or not set(types) <= known or len(set(types)) != len(types)
    found = [f"Choose one to six of the types {', '.join(sorted(known))}."] if wrong else []
    if configuration.fields.count() > 5:
        found.append("SmartRecruiters takes five fields at most.")
    return found


def publish_configuration(*, actor: audit.Actor = audit.SYSTEM) -> Any:
    """PUT the document, compare the answer with it, and remember it. Returns what was sent, without the key.

    Raises PartnerError.
    """
    row = PartnerConfiguration.load()
    if found := validate_configuration(row):
        raise PartnerError(" ".join(found))
    wanted = build_document(row)
    reply = _send_request(build_api(row).put_configuration(_fetch_master_token(row), wanted))
    if differences := compare_documents(wanted, reply.content):
        raise PartnerError("SmartRecruiters kept something else than was sent: " + "; ".join(differences))
    published = redact_key(wanted, row.disable_key)
    PartnerConfiguration.objects.filter(pk=row.pk).update(published=published, published_at=timezone.now())
    deliveries.release_stream("master")
    audit.record("configuration.published", "partner configuration", actor=actor)
    return published


def find_drift() -> list[str]:
    """What differs between our document and the one SmartRecruiters holds, a line each. Raises PartnerError."""
    row = PartnerConfiguration.load()
    reply = _send_request(build_api(row).get_configuration(_fetch_master_token(row)), allow_missing=True)
    if reply.status == 404:
        return ["SmartRecruiters holds no configuration yet."]
    return [redact_key(line, row.disable_key) for line in compare_documents(build_document(row), reply.content)]


def compare_documents(ours: dict[str, Any], theirs: Any) -> list[str]:
    """The differences of two documents, a line each; order does not count within the types."""
    if not isinstance(theirs, dict):
        return ["SmartRecruiters' answer is no document."]
    lines = []
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(key), theirs.get(key)
        if key == "supportedAssessmentTypes" and isinstance(other, list):
            mine, other = sorted(mine or []), sorted(map(str, other))
        if (mine or None) != (other or None):
            lines.append(f"{key}: here {_format_value(mine)}, at SmartRecruiters {_format_value(other)}")
    return lines


def _format_value(value: Any) -> str:
    """A text as it is, nothing as a word, all else as it goes over the wire."""
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def redact_key(value: Any, key: str) -> Any:
    """The same document or line without the key of the disable URL: who has it can end connections."""
    if isinstance(value, dict):
        return {name: redact_key(item, key) for name, item in value.items()}
    return value.replace(key, "***") if isinstance(value, str) else value


def is_published(row: PartnerConfiguration) -> bool:
    """What SmartRecruiters got is what stands here. Never, before the first time."""
    return bool(row.published == redact_key(build_document(row), row.disable_key))


def _fetch_master_token(row: PartnerConfiguration) -> str:
    client_id, secret = get_master_credentials()
    if not client_id or not secret:
        raise PartnerError(
            "The master pair is missing. Set SMARTRECRUITERS_CLIENT_ID and SMARTRECRUITERS_CLIENT_SECRET, "
            "or enter it under “Partner configuration” in admin."
        )
    reply = _send_request(build_api(row).get_token(client_id, secret))
    try:
        return responses.parse_token(reply)[0]
    except client.CallFailedError as error:
        raise PartnerError(f"SmartRecruiters' token endpoint: {error}.") from None


def _send_request(request: client.OutgoingRequest, *, allow_missing: bool = False) -> client.Response:
    try:
        reply = client.send_request(request, CALL_SECONDS)
    except client.CallFailedError as error:
        raise PartnerError(f"SmartRecruiters did not answer ({error}). Nothing was changed; try again.") from None
    if reply.status == 200 or (allow_missing and reply.status == 404):
        return reply
    advice = {
        401: "The master pair was refused: check SMARTRECRUITERS_CLIENT_ID and SMARTRECRUITERS_CLIENT_SECRET.",
        403: "The master pair lacks the scope partner_configuration_manage: ask SmartRecruiters' Partner Operations.",
    }.get(reply.status, "Nothing was changed.")
    raise PartnerError(f"SmartRecruiters answered {reply.status} {responses.parse_error_message(reply)}. {advice}")
