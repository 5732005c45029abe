"""The customer's click on Connect: what SmartRecruiters asks him, and where it sends him then."""

from urllib.parse import urlencode, urlsplit, urlunsplit

from integrations.simulator import environment
from integrations.simulator.runtime import world

SCOPES = {
    "candidates_read": "See the candidates of your orders",
    "jobs_read": "See the jobs they apply for, and the hiring teams",
    "assessment_result_manage": "Write assessment results into their profiles",
}


def grant(company: str) -> str | None:
    """The company allows the app. Answers the consent URL to open, None without a partner configuration."""
    world.record("consented", company=company)
    return consent_url(company)


def display_mode() -> str | None:
    return str(world.configuration["consentDisplayMode"]) if world.configuration else None


def consent_url(company: str) -> str | None:
    if world.configuration is None:
        return None
    query = {"companyId": company}
    if display_mode() == "REDIRECT":
        query["redirect"] = f"{environment.PUBLIC_URL}/companies/{company}/connected"
    parts = urlsplit(world.configuration["consentUrl"])
    joined = "&".join(part for part in (parts.query, urlencode(query)) if part)
    return str(urlunsplit(parts._replace(query=joined)))
