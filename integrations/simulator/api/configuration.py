"""Partner configuration: GET and PUT /partner/configuration."""

from django.http import HttpResponse, JsonResponse

from integrations.simulator.api.bodies import parse_body, reject_malformed
from integrations.simulator.endpoint import ApiError, Call, api_endpoint
from integrations.simulator.store.runtime import state
from integrations.simulator.wire.configuration import check_configuration


@api_endpoint("configuration", "GET", "PUT", scope="partner_configuration_manage")
def manage_configuration(call: Call) -> HttpResponse:
    if call.request.method == "PUT":
        _publish_configuration(call)
    if state.configuration is None:
        raise ApiError(404, "NOT_FOUND", "there is no partner configuration yet")
    return JsonResponse(state.configuration)


def _publish_configuration(call: Call) -> None:
    document = parse_body(call, "configuration")
    reject_malformed(check_configuration(document), "configuration")
    state.record_event("configured", document=document)
