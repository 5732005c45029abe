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

from assessments.models import PACKAGE_ID, Assessment, Package
from assessments.requester import NoRequester, email_of
from assessments.visibility import Asking, on_offer_to, orderable_by, published_types, seen_by
from integrations.api.authentication import caller
from integrations.models import AssessmentType, Customer
from integrations.models.partner import RESERVED_FIELD_IDS

Wire = dict[str, Any]
REMOTE = {"true": True, "1": True, "false": False, "0": False}


class PackageView(APIView):
    required_scope = "packages_view"
    schema = None  # the published description is of the engine's API

    @property
    def customer(self) -> Customer:
        return caller(self.request).connection.customer


class PackageList(PackageView):
    def get(self, request: Request) -> Response:
        """A plain array; 204 where there is nothing to choose from."""
        asking = asking_of(self.customer, request.query_params, requester=_requester(request))
        found = listed(asking)
        return Response(found) if found else Response(status=204)


class PackageDetail(PackageView):
    def get(self, request: Request, package_id: str) -> Response:
        """Old ids keep resolving. An unknown id and another customer's have one answer."""
        is_one = re.fullmatch(PACKAGE_ID, package_id) is not None
        package = orderable_by(self.customer).filter(pk=package_id).first() if is_one else None
        if package is None:
            raise NotFound("No such assessment package.")
        parts = _assessments(Assessment.objects.filter(package=package), AssessmentType.values)
        return Response(
            _wire(package.id, package.type, package.name, package.description, assessments=parts[package.id])
        )


def listed(asking: Asking) -> list[Wire]:
    """The packages of the list call, as they are sent."""
    types = published_types()
    seen = seen_by(asking, types=types)
    offered = on_offer_to(asking.customer) if seen else Package.objects.none()
    parts = _assessments(Assessment.objects.filter(package__in=offered), types)
    return [_wire(*package, assessments=parts[package.id]) for package in seen]


def _assessments(assessments: QuerySet[Assessment], types: list[str]) -> dict[str, list[Wire]]:
    """By package, in their order."""
    found = defaultdict(list)
    rows = assessments.filter(type__in=types).order_by("position", "pk")
    for package, *columns in rows.values_list("package_id", "assessment_id", "type", "name", "description"):
        found[package].append(dict(zip(("id", "type", "name", "description"), columns, strict=True)))
    return found


def _wire(id: str, type: str, name: str, description: str, *, assessments: list[Wire]) -> Wire:
    return {"id": id, "type": type, "name": name, "description": description, "assessments": assessments}


def asking_of(customer: Customer, query: QueryDict, *, requester: str) -> Asking:
    """What the query of the list call says. Text that is no place is a mapped field's."""
    return Asking(
        customer,
        requester=requester,
        country=query.get("country-code", "").strip(),
        region=query.get("region-abbr", "").strip(),
        city=query.get("city", "").strip(),
        remote=REMOTE.get(query.get("remote", "").strip().lower()),
        fields={key: values for key, values in query.lists() if key not in RESERVED_FIELD_IDS},
    )


def _requester(request: Request) -> str:
    header = request.META.get("HTTP_REQUESTER")
    try:
        return "" if header is None else email_of(header)
    except NoRequester as error:
        raise ValidationError({"requester": [str(error)]}) from None
