"""Partner configuration: validation, publishing to SmartRecruiters, drift detection, and the master credentials.

The document is described in integrations/smartrecruiters/README.md.
"""

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
TEMPORARY_STATUSES = (408, 425, 429, *range(500, 600))
MASTER_CREDENTIALS_MISSING = (
    "The master credentials are missing. Set SMARTRECRUITERS_CLIENT_ID and SMARTRECRUITERS_CLIENT_SECRET, "
    "or enter them in the partner configuration."
)


class PartnerError(Exception):
    """Publishing or comparing failed. The message says how to fix it."""


class MasterCredentialsMissingError(PartnerError):
    def __init__(self) -> None:
        super().__init__(MASTER_CREDENTIALS_MISSING)


def build_api(configuration: PartnerConfiguration | None = None) -> SmartRecruitersAPI:
    row = configuration or PartnerConfiguration.load()
    return SmartRecruitersAPI(
        settings.SMARTRECRUITERS_API_URL, row.assessment_api_path, row.token_path, row.candidates_path, row.jobs_path
    )


def uploads_reports(connection: Connection) -> bool:
    """Return True if reports are uploaded as files. The connection's setting overrides the configuration's."""
    return (connection.report_delivery or PartnerConfiguration.load().report_delivery) == ReportDelivery.UPLOAD


def get_master_credentials() -> tuple[str, str]:
    """Return (client id, client secret) from the environment, or else from admin. Both are empty if not set."""
    if settings.SMARTRECRUITERS_CLIENT_ID:
        return settings.SMARTRECRUITERS_CLIENT_ID, settings.SMARTRECRUITERS_CLIENT_SECRET
    row = PartnerConfiguration.load()
    return row.master_client_id, row.master_client_secret


def is_unreachable() -> bool:
    """Return True if SmartRecruiters cannot reach PUBLIC_URL, which names the local machine."""
    return bool(settings.IS_LOOPBACK and not settings.SMARTRECRUITERS_IS_LOOPBACK)


def build_document(configuration: PartnerConfiguration | None = None) -> dict[str, Any]:
    row = configuration or PartnerConfiguration.load()
    base = f"{settings.PUBLIC_URL}/smartrecruiters"
    packages, companies = f"{base}/packages", f"{base}/{row.disable_key}/integrations/companies"
    is_template = row.url_style == UrlStyle.TEMPLATE
    document: dict[str, Any] = {
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
        document["inlineAssessmentPackageOrderUrl"] = f"{packages}/inline/orders"
    if fields := [{"id": f.field_id, "name": f.name, "description": f.description} for f in row.fields.all()]:
        document["fields"] = fields
    return document


def validate_configuration(configuration: PartnerConfiguration) -> list[str]:
    """Return an error message for each rule of SmartRecruiters that the configuration breaks."""
    types, known = configuration.supported_types, set(AssessmentType.values)
    is_valid = isinstance(types, list) and types and set(types) <= known and len(set(types)) == len(types)
    errors = [] if is_valid else [f"Choose one to six of the types {', '.join(sorted(known))}."]
    if configuration.fields.count() > 5:
        errors.append("SmartRecruiters accepts at most five fields.")
    return errors


def publish_configuration(*, actor: audit.Actor = audit.SYSTEM) -> Any:
    """PUT the document, check and store it, and return it with the disable URL's key redacted. Raises PartnerError."""
    row = PartnerConfiguration.load()
    if errors := validate_configuration(row):
        raise PartnerError(" ".join(errors))
    document = build_document(row)
    response = _send_request(build_api(row).put_configuration(_fetch_master_token(row), document))
    if differences := compare_documents(document, response.content):
        raise PartnerError("SmartRecruiters stored a different configuration: " + "; ".join(differences))
    published = redact_key(document, row.disable_key)
    PartnerConfiguration.objects.filter(pk=row.pk).update(published=published, published_at=timezone.now())
    deliveries.release_stream("master")
    audit.record("configuration.published", "partner configuration", actor=actor)
    return published


def find_drift() -> list[str]:
    """Return a line for each difference between our document and SmartRecruiters'. Raises PartnerError."""
    row = PartnerConfiguration.load()
    response = _send_request(build_api(row).get_configuration(_fetch_master_token(row)), allow_missing=True)
    if response.status == 404:
        return ["SmartRecruiters has no configuration yet."]
    return [redact_key(line, row.disable_key) for line in compare_documents(build_document(row), response.content)]


def compare_documents(ours: dict[str, Any], theirs: Any) -> list[str]:
    """Return a line for each difference. The order of the assessment types is ignored."""
    if not isinstance(theirs, dict):
        return ["SmartRecruiters' response is not a JSON object."]
    lines = []
    for key in sorted(ours.keys() | theirs.keys()):
        our_value, their_value = ours.get(key), theirs.get(key)
        if key == "supportedAssessmentTypes" and isinstance(their_value, list):
            our_value, their_value = sorted(our_value or []), sorted(map(str, their_value))
        if (our_value or None) != (their_value or None):
            lines.append(f"{key}: here {_format_value(our_value)}, at SmartRecruiters {_format_value(their_value)}")
    return lines


def _format_value(value: Any) -> str:
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def redact_key(value: Any, key: str) -> Any:
    """Return the document or line without the disable URL's key, a secret that lets its holder end connections."""
    if isinstance(value, dict):
        return {name: redact_key(item, key) for name, item in value.items()}
    return value.replace(key, "***") if isinstance(value, str) else value


def is_published(row: PartnerConfiguration) -> bool:
    """Return True if the current configuration is the one published last."""
    return bool(row.published == redact_key(build_document(row), row.disable_key))


def _fetch_master_token(row: PartnerConfiguration) -> str:
    client_id, secret = get_master_credentials()
    if not client_id or not secret:
        raise MasterCredentialsMissingError
    response = _send_request(build_api(row).get_token(client_id, secret))
    try:
        return responses.parse_token(response)[0]
    except client.CallFailedError as error:
        raise PartnerError(f"SmartRecruiters' token endpoint: {error}.") from None


def _send_request(request: client.OutgoingRequest, *, allow_missing: bool = False) -> client.Response:
    try:
        response = client.send_request(request, CALL_SECONDS)
    except client.CallFailedError as error:
        raise PartnerError(f"SmartRecruiters did not answer ({error}). Try again.") from None
    if response.status == 200 or (allow_missing and response.status == 404):
        return response
    names = "SMARTRECRUITERS_CLIENT_ID and SMARTRECRUITERS_CLIENT_SECRET"
    cure = f"Check {names}" if settings.SMARTRECRUITERS_CLIENT_ID else "Enter new ones"
    advice = {
        401: f"The master credentials were refused. {cure}.",
        403: "The master credentials lack the scope partner_configuration_manage. "
        "Ask SmartRecruiters' Partner Operations.",
    }.get(response.status, "The request was not accepted.")
    if response.status in TEMPORARY_STATUSES:
        advice = "Try again later."
    message = f" {responses.parse_error_message(response)}".rstrip(" .")
    raise PartnerError(f"SmartRecruiters answered {response.status}{message}. {advice}")
