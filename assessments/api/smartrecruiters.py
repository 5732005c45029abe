"""Package endpoints for SmartRecruiters. The tenant is the token's customer.

The wire format is described in integrations/smartrecruiters/README.md, "Calls from SmartRecruiters".
"""

from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from assessments.compiled_catalogue import load_catalogue
from assessments.requester import InvalidRequesterError, parse_requester
from assessments.visibility import PackageQuery
from integrations.api.authentication import get_caller
from integrations.api.refusals import RefusalRecordingView
from integrations.models import Customer, Endpoint
from integrations.models.partner import RESERVED_FIELD_IDS

REMOTE_VALUES = {"true": True, "1": True, "false": False, "0": False}


class PackageView(RefusalRecordingView):
    required_scope = "packages_view"
    schema = None  # the OpenAPI description covers the engine API only

    @property
    def customer(self) -> Customer:
        return get_caller(self.request).connection.customer


class PackageList(PackageView):
    endpoint = Endpoint.PACKAGES

    def get(self, request: Request) -> HttpResponseBase:
        """Return a plain array of packages, or 204 if it is empty."""
        query = parse_query(self.customer, request.query_params, requester=_get_requester(request))
        listed = [package.listed for package in load_catalogue().list_visible(query)]
        if not listed:
            return Response(status=204)
        return HttpResponse(b"[" + b",".join(listed) + b"]", content_type="application/json")


class PackageDetail(PackageView):
    endpoint = Endpoint.PACKAGE

    def get(self, request: Request, package_id: str) -> Response:
        """Return one package, also a retired one. Another customer's id looks like an unknown one."""
        package = load_catalogue().find_orderable(package_id, self.customer)
        if package is None:
            raise NotFound("No such assessment package.")
        return Response(package.to_wire())


def parse_query(customer: Customer, parameters: QueryDict, *, requester: str) -> PackageQuery:
    """Parse the query string of the list call. Unknown parameters are mapped fields."""
    return PackageQuery(
        customer,
        requester=requester,
        country=parameters.get("country-code", "").strip(),
        region=parameters.get("region-abbr", "").strip(),
        city=parameters.get("city", "").strip(),
        remote=REMOTE_VALUES.get(parameters.get("remote", "").strip().lower()),
        fields={key: values for key, values in parameters.lists() if key not in RESERVED_FIELD_IDS},
    )


def _get_requester(request: Request) -> str:
    header = request.META.get("HTTP_REQUESTER")
    try:
        return "" if header is None else parse_requester(header)
    except InvalidRequesterError as error:
        raise ValidationError({"requester": [str(error)]}) from None
