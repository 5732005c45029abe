"""Package endpoints of the engine API (assessments/api/README.md, "For an engine")."""

import re

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from assessments import catalogue
from assessments.api.serializers import (
    CatalogueSerializer,
    CountsSerializer,
    CustomerSerializer,
    KnownIds,
    PackageBodySerializer,
    PackageSerializer,
)
from assessments.models import PACKAGE_ID_PATTERN, Package
from integrations.api.errors import UnprocessableError
from integrations.api.pagination import KeysetPagination
from integrations.api.parsers import StrictJSONParser
from integrations.models import Customer


class CatalogueParser(StrictJSONParser):
    max_body_bytes = 8 * 1024 * 1024


class PackageList(ListAPIView[Package]):
    """List the packages, ordered by id."""

    required_scope = "vendor"
    parser_classes = (CatalogueParser,)
    pagination_class = KeysetPagination
    ordering = ("id",)
    serializer_class = PackageSerializer
    queryset = Package.objects.prefetch_related("assessments", "rules")

    @extend_schema(operation_id="catalogue_replace", request=CatalogueSerializer, responses=CountsSerializer)
    def put(self, request: Request) -> Response:
        """Replace the catalogue in one transaction. Missing packages are retired."""
        serializer = CatalogueSerializer(data=request.data, context={"known_ids": KnownIds()})
        return Response(catalogue.replace_packages(serializer.require_valid_data()["packages"])._asdict())


class PackageDetail(GenericAPIView[Package]):
    required_scope = "vendor"
    serializer_class = PackageSerializer
    queryset = Package.objects.all()

    def get(self, request: Request, package_id: str) -> Response:
        """Return a package with its assessments and rules."""
        return Response(PackageSerializer(self._get_package(package_id)).data)

    @extend_schema(request=PackageBodySerializer, responses={200: PackageSerializer, 201: PackageSerializer})
    def put(self, request: Request, package_id: str) -> Response:
        """Create or update a package. A missing key keeps its stored value."""
        body = {"id": package_id} | dict(request.data)
        context = {"known_ids": KnownIds(package_id=package_id)}
        draft = PackageSerializer(data=body, context=context).require_valid_data()
        if draft["id"] != package_id:
            raise UnprocessableError({"id": [f"Omit the id, or send {package_id} as in the URL."]})
        is_new = catalogue.put_package(draft)
        return Response(PackageSerializer(self._get_package(package_id)).data, status=201 if is_new else 200)

    def delete(self, request: Request, package_id: str) -> Response:
        """Retire a package. It is no longer offered; its orders go on."""
        catalogue.retire_packages(self._get_package(package_id).pk)
        return Response(status=204)

    @staticmethod
    def _get_package(package_id: str) -> Package:
        if re.fullmatch(PACKAGE_ID_PATTERN, package_id) is None:
            raise Http404
        return get_object_or_404(Package, pk=package_id)


class CustomerList(ListAPIView[Customer]):
    """List the customers that rules may name."""

    required_scope = "vendor"
    pagination_class = KeysetPagination
    ordering = ("id",)
    serializer_class = CustomerSerializer
    queryset = Customer.objects.all()
