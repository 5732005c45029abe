"""Serializer, view and routes."""

from typing import Any

from django.urls import path
from rest_framework import serializers
from rest_framework.generics import CreateAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from tests.bench.stock.models import Order


class CandidateSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    email = serializers.EmailField()
    firstName = serializers.CharField()  # noqa: N815
    lastName = serializers.CharField()  # noqa: N815


class OrderSerializer(serializers.Serializer[Any]):
    resultCallbackURL = serializers.URLField()  # noqa: N815
    assessmentPackageId = serializers.CharField()  # noqa: N815
    companyId = serializers.CharField()  # noqa: N815
    candidate = CandidateSerializer()
    requester = serializers.DictField(required=False)


class PlaceOrderView(CreateAPIView[Any]):
    serializer_class = OrderSerializer
    required_scopes = ("orders_modify",)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        sent = serializer.validated_data
        Order.objects.create(
            order_id=sent["resultCallbackURL"].split("/")[-2],
            callback_url=sent["resultCallbackURL"],
            package_id=sent["assessmentPackageId"],
            company_id=sent["companyId"],
            candidate=sent["candidate"],
            requester=sent.get("requester"),
        )
        return Response({}, status=202)


urlpatterns = [path("smartrecruiters/packages/orders", PlaceOrderView.as_view())]
