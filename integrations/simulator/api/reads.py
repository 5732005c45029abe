"""GET /candidates, /jobs, /hiring-team: 401 also means "no access"."""

from typing import Any

from django.http import HttpResponse, JsonResponse

from integrations.simulator import sample_data
from integrations.simulator.endpoint import Call, Refused, endpoint
from integrations.simulator.runtime import world


@endpoint("candidate", "GET", scope="candidates_read")
def candidate(call: Call, candidate_id: str) -> HttpResponse:
    return JsonResponse(_own(call, world.people.get(candidate_id), "candidate"))


@endpoint("job", "GET", scope="jobs_read")
def job(call: Call, job_id: str) -> HttpResponse:
    return JsonResponse(_own(call, world.jobs.get(job_id), "job"))


@endpoint("hiring_team", "GET", scope="jobs_read")
def hiring_team(call: Call, job_id: str) -> HttpResponse:
    _own(call, world.jobs.get(job_id), "job")
    return JsonResponse(sample_data.hiring_team(call.caller.company or ""))


def _own(call: Call, found: tuple[str, dict[str, Any]] | None, what: str) -> dict[str, Any]:
    if found is not None and found[0] == call.caller.company:
        return found[1]
    foreign = f"foreign {what}" if found is not None else None
    raise Refused(401, "UNAUTHORIZED", f"no access to this {what}", breach=foreign)
