"""Webhooks and events in the engine API (`integrations/api`, `orders/api/README.md`)."""

import re

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.authentication import get_caller
from integrations.api.errors import ConflictError, UnprocessableError
from integrations.api.idempotency import EngineView
from integrations.api.pagination import KeysetPagination, reject_unknown_params
from integrations.audit import Actor
from integrations.models import Event, Webhook
from integrations.webhooks import endpoints, events, serializers


class WebhookView(EngineView, GenericAPIView[Webhook]):
    serializer_class = serializers.WebhookSerializer
    queryset = Webhook.objects.none()

    def get_queryset(self) -> QuerySet[Webhook]:
        return Webhook.objects.filter(client=get_caller(self.request).client)

    def get_webhook(self) -> Webhook:
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["webhook_id"])


class WebhookList(WebhookView, ListAPIView[Webhook]):
    """List the webhook endpoints of this engine."""

    pagination_class = KeysetPagination
    ordering = ("created_at", "id")

    @extend_schema(responses={201: serializers.WebhookWithSecretSerializer})
    def post(self, request: Request) -> Response:
        """Register an endpoint. Only this response shows its secret."""
        registration = serializers.WebhookSerializer(data=request.data).require_valid_data()
        webhook = endpoints.register(get_caller(request).client, **registration)
        return Response(serializers.serialize_webhook(webhook, with_secret=True), status=201)


class WebhookDetail(WebhookView):
    def get(self, request: Request, webhook_id: str) -> Response:
        """Return an endpoint, without its secret."""
        return Response(serializers.serialize_webhook(self.get_webhook()))

    def patch(self, request: Request, webhook_id: str) -> Response:
        """Change the URL or the events. A disabled endpoint is enabled again."""
        webhook = self.get_webhook()
        changes = serializers.WebhookSerializer(data=request.data, partial=True).require_valid_data()
        return Response(serializers.serialize_webhook(endpoints.update(webhook, **changes)))

    def delete(self, request: Request, webhook_id: str) -> Response:
        """Delete the endpoint. Nothing more is sent to it."""
        endpoints.remove(self.get_webhook())
        return Response(status=204)


class WebhookRotation(WebhookView):
    @extend_schema(request=serializers.EmptyBodySerializer, responses=serializers.WebhookWithSecretSerializer)
    def post(self, request: Request, webhook_id: str) -> Response:
        """Rotate the secret. For a day, messages also carry the former one's signature."""
        webhook = self.get_webhook()
        serializers.EmptyBodySerializer(data=request.data).require_valid_data()
        try:
            webhook = endpoints.rotate_secret(webhook, actor=Actor.from_request(request))
        except endpoints.TooManyRotationsError:
            raise ConflictError("The secret was rotated too often within a day. Rotate it again tomorrow.") from None
        return Response(serializers.serialize_webhook(webhook, with_secret=True))


class WebhookTest(WebhookView):
    @extend_schema(request=serializers.EmptyBodySerializer, responses=serializers.WebhookSerializer)
    def post(self, request: Request, webhook_id: str) -> Response:
        """Send a test message."""
        webhook = self.get_webhook()
        serializers.EmptyBodySerializer(data=request.data).require_valid_data()
        endpoints.send_test_message(webhook)
        return Response(serializers.serialize_webhook(webhook))


class EventList(GenericAPIView[Event]):
    """List all events in order, for engines without webhooks."""

    required_scope = "vendor"
    queryset = Event.objects.none()
    serializer_class = serializers.EventSerializer

    @extend_schema(
        parameters=[
            OpenApiParameter("after", str, description="The `cursor` of the last event you know."),
            OpenApiParameter("limit", int, description="At most 200."),
        ],
        responses=serializers.EventPageSerializer,
    )
    def get(self, request: Request) -> Response:
        reject_unknown_params(request, ["after", "limit"])
        after = request.query_params.get("after") or "0"
        if re.fullmatch(r"[0-9]{1,18}", after) is None:
            raise UnprocessableError(
                {"after": ["Send the cursor of an event, or leave it out to start at the first one."]}
            )
        limit = KeysetPagination().parse_limit(request)
        events.assign_numbers()
        rows = list(Event.objects.filter(number__gt=int(after)).order_by("number")[: limit + 1])
        page, link = rows[:limit], None
        if len(rows) > limit:
            link = f"{settings.PUBLIC_URL}{request.path}?after={page[-1].number}&limit={limit}"
        return Response({"results": [{**events.build_body(e), "cursor": str(e.number)} for e in page], "next": link})
