"""API client for SmartRecruiters: builds each request, see "Calls to SmartRecruiters" in the README.md beside it.

URLs consist of the configured origin and of ids that `build_path` has checked, never of a URL from outside (SSRF
protection).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.http.client import OutgoingRequest
from integrations.http.path_segments import build_path


@dataclass(frozen=True)
class SmartRecruitersAPI:
    """The API's origin and its paths, which SmartRecruiters has not published."""

    origin: str
    assessments_path: str = "/assessment-api/v202010"
    token_path: str = "/identity/oauth/token"  # noqa: S105
    candidates_path: str = "/candidates"
    jobs_path: str = "/jobs"

    def get_token(self, client_id: str, client_secret: str) -> OutgoingRequest:
        """Request a token by client credentials: 200 `{access_token, token_type, expires_in}`, 401 if refused."""
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        return OutgoingRequest("POST", self.origin + self.token_path, "token", form=form)

    def get_configuration(self, token: str) -> OutgoingRequest:
        return self._get(token, "configuration", build_path(self.assessments_path, "partner", "configuration"))

    def put_configuration(self, token: str, document: Mapping[str, Any]) -> OutgoingRequest:
        """Replace the partner configuration by a complete document: 200 with the stored one."""
        url = self._build_assessments_url("partner", "configuration")
        return OutgoingRequest("PUT", url, "configuration", _build_json_headers(token), json=document)

    def post_integration(self, token: str, company_id: str, client_id: str, client_secret: str) -> OutgoingRequest:
        """Exchange our credentials for SmartRecruiters', which the 200 shows once.

        403: no consent; 404: no configuration; 409: integrated already.
        """
        url = self._build_assessments_url("integration", "company", company_id)
        credentials = {"clientId": client_id, "clientSecret": client_secret}
        return OutgoingRequest("POST", url, "integration", _build_json_headers(token), json=credentials)

    def get_candidate(self, token: str, candidate_id: str) -> OutgoingRequest:
        return self._get(token, "candidate", build_path(self.candidates_path, candidate_id))

    def get_job(self, token: str, job_id: str) -> OutgoingRequest:
        return self._get(token, "job", build_path(self.jobs_path, job_id))

    def get_hiring_team(self, token: str, job_id: str) -> OutgoingRequest:
        return self._get(token, "hiring team", build_path(self.jobs_path, job_id, "hiring-team"))

    def patch_result(
        self, token: str, order_id: str, result: Mapping[str, Any], content_type: str = "application/json"
    ) -> OutgoingRequest:
        """Send a JSON merge patch (RFC 7396) of a result: 200 with the merged result."""
        url = self._build_assessments_url("orders", order_id, "results")
        return OutgoingRequest("PATCH", url, "result", _build_json_headers(token, content_type), json=result)

    def post_attachment(
        self, token: str, order_id: str, part: str, name: str, content: bytes, content_type: str
    ) -> OutgoingRequest:
        """Upload a file: 201 `{url}`. Not idempotent, and not for inline orders."""
        url = self._build_assessments_url("orders", order_id, "results", "attachment")
        files = {part: (name, content, content_type)}
        return OutgoingRequest("POST", url, "attachment", _build_bearer_headers(token), files=files)

    def _get(self, token: str, endpoint: str, path: str) -> OutgoingRequest:
        return OutgoingRequest("GET", self.origin + path, endpoint, _build_bearer_headers(token))

    def _build_assessments_url(self, *segments: str) -> str:
        return self.origin + build_path(self.assessments_path, *segments)


def _build_bearer_headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _build_json_headers(token: str, content_type: str = "application/json") -> dict[str, str]:
    return {**_build_bearer_headers(token), "Content-Type": content_type}
