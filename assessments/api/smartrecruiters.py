"""The packages as SmartRecruiters reads them (PROTOCOL.md, "What they call"). The tenant is the token's customer."""

import re
from collections import defaultdict
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assessments.models import PACKAGE_ID_PATTERN, Assessment, Package
from assessments.requester import InvalidRequesterError, parse_requester
from assessments.visibility import PackageQuery, offered_packages, orderable_packages, published_types, visible_packages
from integrations.api.authentication import get_caller
from integrations.models import AssessmentType, Customer
from integrations.models.partner import RESERVED_FIELD_IDS

Wire = dict[str, Any]
REMOTE_VALUES = {"true": True, "1": True, "false": False, "0": False}


class PackageView(APIView):
    required_scope = "packages_view"
    schema = None  # the published description is of the engine's API

    @property
    def customer(self) -> Customer:
        return get_caller(self.request).connection.customer


class PackageList(PackageView):
    def get(self, request: Request) -> Response:
        """A plain array; 204 where there is nothing to choose from."""
        asking = parse_query(self.customer, request.query_params, requester=_get_requester(request))
        found = list_packages(asking)
        return Response(found) if found else Response(status=204)


class PackageDetail(PackageView):
    def get(self, request: Request, package_id: str) -> Response:
        """Old ids keep resolving. An unknown id and another customer's have one answer."""
        is_one = re.fullmatch(PACKAGE_ID_PATTERN, package_id) is not None
        package = orderable_packages(self.customer).filter(pk=package_id).first() if is_one else None
        if package is None:
            raise NotFound("No such assessment package.")
        parts = _group_assessments(Assessment.objects.filter(package=package), AssessmentType.values)
        return Response(
            _build_wire(package.id, package.type, package.name, package.description, assessments=parts[package.id])
        )


def list_packages(query: PackageQuery) -> list[Wire]:
    """The packages of the list call, as they are sent."""
    types = published_types()
    seen = visible_packages(query, types=types)
    offered = offered_packages(query.customer) if seen else Package.objects.none()
    parts = _group_assessments(Assessment.objects.filter(package__in=offered), types)
    return [_build_wire(*package, assessments=parts[package.id]) for package in seen]


def _group_assessments(assessments: QuerySet[Assessment], types: list[str]) -> dict[str, list[Wire]]:
    """By package, in their order."""
    found = defaultdict(list)
    rows = assessments.filter(type__in=types).order_by("position", "pk")
    for package, *columns in rows.values_list("package_id", "assessment_id", "type", "name", "description"):
        found[package].append(dict(zip(("id", "type", "name", "description"), columns, strict=True)))
    return found


def _build_wire(id: str, type: str, name: str, description: str, *, assessments: list[Wire]) -> Wire:
    return {"id": id, "type": type, "name": name, "description": description, "assessments": assessments}


def parse_query(customer: Customer, parameters: QueryDict, *, requester: str) -> PackageQuery:
    """What the query of the list call says. Text that is no place is a mapped field's."""
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
