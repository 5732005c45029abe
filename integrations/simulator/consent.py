"""Consent of a customer on SmartRecruiters' side (the Connect button), and the portal's consent URL."""

from urllib.parse import urlencode, urlsplit, urlunsplit

from integrations.simulator import environment
from integrations.simulator.store.runtime import state

SCOPE_DESCRIPTIONS = {
    "candidates_read": "See the candidates of your orders",
    "jobs_read": "See the jobs they apply for, and the hiring teams",
    "assessment_result_manage": "Write assessment results to the candidates' profiles",
}


def grant_consent(company: str) -> str | None:
    """Record the company's consent. Return the consent URL to open, None without a partner configuration."""
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
    return add_query(state.configuration["consentUrl"], query)


def add_query(url: str, query: dict[str, str]) -> str:
    parts = urlsplit(url)
    joined = "&".join(part for part in (parts.query, urlencode(query)) if part)
    return urlunsplit(parts._replace(query=joined))
