"""GET and PUT /partner/configuration."""

from django.http import HttpResponse, JsonResponse

from integrations.simulator.api.bodies import complain, json_of
from integrations.simulator.endpoint import Call, Refused, endpoint
from integrations.simulator.runtime import world
from integrations.simulator.wire.configuration import check_configuration


@endpoint("configuration", "GET", "PUT", scope="partner_configuration_manage")
def configuration(call: Call) -> HttpResponse:
    if call.request.method == "PUT":
        _publish(call)
    if world.configuration is None:
        raise Refused(404, "NOT_FOUND", "there is no partner configuration yet")
    return JsonResponse(world.configuration)


def _publish(call: Call) -> None:
    document = json_of(call, "configuration")
    complain(check_configuration(document), "configuration")
    world.record("configured", document=document)
