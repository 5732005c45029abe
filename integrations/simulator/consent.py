"""The customer's click on Connect: what SmartRecruiters asks him, and where it sends him then."""

from urllib.parse import urlencode, urlsplit, urlunsplit

from integrations.simulator import environment
from integrations.simulator.runtime import state

SCOPE_DESCRIPTIONS = {
    "candidates_read": "See the candidates of your orders",
    "jobs_read": "See the jobs they apply for, and the hiring teams",
    "assessment_result_manage": "Write assessment results into their profiles",
}


def grant_consent(company: str) -> str | None:
    """The company allows the app. Answers the consent URL to open, None without a partner configuration."""
    state.record_event("consented", company=company)
    return build_consent_url(company)


def get_display_mode() -> str | None:
    return str(state.configuration["consentDisplayMode"]) if state.configuration else None


def build_consent_url(company: str) -> str | None:
    if state.configuration is None:
        return None
    query = {"companyId": company}
    if get_display_mode() == "REDIRECT":
        query["redirect"] = f"{environment.PUBLIC_URL}/companies/{company}/connected"
    parts = urlsplit(state.configuration["consentUrl"])
    joined = "&".join(part for part in (parts.query, urlencode(query)) if part)
    return str(urlunsplit(parts._replace(query=joined)))
