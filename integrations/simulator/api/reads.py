"""Candidates, jobs and hiring teams. 401 also means "no access"."""

from typing import Any

from django.http import HttpResponse, JsonResponse

from integrations.simulator.endpoint import ApiError, Call, api_endpoint
from integrations.simulator.store import sample_data
from integrations.simulator.store.runtime import state


@api_endpoint("candidate", "GET", scope="candidates_read")
def get_candidate(call: Call, candidate_id: str) -> HttpResponse:
    return JsonResponse(_require_access(call, state.candidates.get(candidate_id), "candidate"))


@api_endpoint("job", "GET", scope="jobs_read")
def get_job(call: Call, job_id: str) -> HttpResponse:
    return JsonResponse(_require_access(call, state.jobs.get(job_id), "job"))


@api_endpoint("hiring_team", "GET", scope="jobs_read")
def get_hiring_team(call: Call, job_id: str) -> HttpResponse:
    _require_access(call, state.jobs.get(job_id), "job")
    return JsonResponse(sample_data.build_hiring_team(call.caller.company or ""))


def _require_access(call: Call, owned: tuple[str, dict[str, Any]] | None, what: str) -> dict[str, Any]:
    """Return the entity of `owned`, a pair of its company and itself, if it belongs to the caller's company."""
    if owned is not None and owned[0] == call.caller.company:
        return owned[1]
    breach = f"foreign {what}" if owned is not None else None
    raise ApiError(401, "UNAUTHORIZED", f"no access to this {what}", breach=breach)
