"""Package endpoints for SmartRecruiters. The tenant is the token's customer.

The wire format is described in integrations/smartrecruiters/README.md, "Calls from SmartRecruiters".
"""

import re
from collections import defaultdict
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from assessments import visibility
from assessments.models import PACKAGE_ID_PATTERN, Assessment, Package
from assessments.requester import InvalidRequesterError, parse_requester
from assessments.visibility import PackageQuery, VisiblePackage
from integrations.api.authentication import get_caller
from integrations.api.refusals import RefusalRecordingView
from integrations.models import AssessmentType, Customer, Endpoint
from integrations.models.partner import RESERVED_FIELD_IDS

Wire = dict[str, Any]
REMOTE_VALUES = {"true": True, "1": True, "false": False, "0": False}


class PackageView(RefusalRecordingView):
    required_scope = "packages_view"
    schema = None  # the OpenAPI description covers the engine API only

    @property
    def customer(self) -> Customer:
        return get_caller(self.request).connection.customer


class PackageList(PackageView):
    endpoint = Endpoint.PACKAGES

    def get(self, request: Request) -> Response:
        """Return a plain array of packages, or 204 if it is empty."""
        query = parse_query(self.customer, request.query_params, requester=_get_requester(request))
        packages = list_packages(query)
        return Response(packages) if packages else Response(status=204)


class PackageDetail(PackageView):
    endpoint = Endpoint.PACKAGE

    def get(self, request: Request, package_id: str) -> Response:
        """Return one package, also a retired one. Another customer's id looks like an unknown one."""
        is_well_formed = re.fullmatch(PACKAGE_ID_PATTERN, package_id) is not None
        package = visibility.orderable_packages(self.customer).filter(pk=package_id).first() if is_well_formed else None
        if package is None:
            raise NotFound("No such assessment package.")
        parts = _group_assessments(Assessment.objects.filter(package=package), AssessmentType.values)
        columns = VisiblePackage(package.id, package.type, package.name, package.description)
        return Response({**columns._asdict(), "assessments": parts[package.id]})


def list_packages(query: PackageQuery) -> list[Wire]:
    types = visibility.published_types()
    seen = visibility.visible_packages(query, types=types)
    offered = visibility.offered_packages(query.customer) if seen else Package.objects.none()
    parts = _group_assessments(Assessment.objects.filter(package__in=offered), types)
    return [{**package._asdict(), "assessments": parts[package.id]} for package in seen]


def _group_assessments(assessments: QuerySet[Assessment], types: list[str]) -> dict[str, list[Wire]]:
    groups = defaultdict(list)
    rows = assessments.filter(type__in=types).order_by("position", "pk")
    for package, *columns in rows.values_list("package_id", "assessment_id", "type", "name", "description"):
        groups[package].append(dict(zip(("id", "type", "name", "description"), columns, strict=True)))
    return groups


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
