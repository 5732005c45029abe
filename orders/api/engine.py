"""Orders in the engine's API (INTERFACE.md, "The engine's API")."""

from collections.abc import Callable
from typing import Any, cast

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.authentication import get_caller
from integrations.api.errors import BodyTooLargeError, GoneError, ServiceUnavailableError, UnprocessableError
from integrations.api.idempotency import EngineView
from integrations.api.pagination import KeysetPagination
from integrations.api.parsers import MergePatchParser, StrictJSONParser
from orders import attachments, files, leases, queries, results, timeline
from orders.api import input_serializers
from orders.api.serializers import (
    AttachmentSerializer,
    LeasedOrdersSerializer,
    OrderSerializer,
    PreviewSerializer,
    TimelineSerializer,
)
from orders.models import Attachment, Order, Resource, ResourceState, Result, Status
from orders.scores import score_percent, score_text

FORM_OVERHEAD = 64 * 1024
UNREADABLE_FORM = (
    "This is no form that can be read: send multipart/form-data with its boundary, and every part unencoded."
)
FILE_ADVICE = 'Send a whole PDF, PNG or JPEG; a video, say, by its address: {"type": "VIDEO_URL", "url": "https://…"}.'
FILE_TOO_LARGE = {
    "file": [f"The file is larger than 10 MB ({files.MAX_SIZE:,} bytes): send a smaller one, or its address."]
}


class OrderView(EngineView):
    def get_actor(self, request: Request) -> str:
        client = get_caller(request).client
        return str(client.name or client.client_id)

    def get_order(self, order_id: str) -> Order:
        """Raises NotFound, or GoneError when the candidate was erased."""
        order = Order.objects.select_related("package").filter(pk=order_id).first()
        if order is None:
            raise NotFound("No such order.")
        if order.erased_at is not None:
            raise GoneError
        return order

    def build_response(self, order_id: str) -> Response:
        return Response(OrderSerializer(queries.for_engine().get(pk=order_id)).data)

    def get_assessment_ids(self, order: Order) -> set[str]:
        """Of the package as it is, and of what was reported before the package changed."""
        there = order.package.assessments.values_list("assessment_id", flat=True)
        return {*there, *order.results.exclude(assessment_id="").values_list("assessment_id", flat=True)}

    def validate_report(self, request: Request, order: Order) -> tuple[dict[str, Any], str]:
        """(changes, correction). Raises UnprocessableError."""
        context = {"assessment_ids": self.get_assessment_ids(order)}
        changes = input_serializers.ReportSerializer(data=request.data, context=context).require_valid_data()
        return changes, changes.pop("correction", "")


class OrderList(ListAPIView[Order]):
    """Newest first."""

    required_scope = "vendor"
    pagination_class = KeysetPagination
    ordering = ("-created_at", "-id")
    filters = ("status", "customer", "smartrecruiters_order_id", "updated_after")
    serializer_class = OrderSerializer
    queryset = Order.objects.none()

    @extend_schema(parameters=[input_serializers.FiltersSerializer])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Order]:
        sent = self.request.query_params
        wanted = input_serializers.FiltersSerializer(
            data={name: sent[name] for name in FILTER_BUILDERS if name in sent}
        ).require_valid_data()
        return queries.for_engine().filter(*(FILTER_BUILDERS[name](value) for name, value in wanted.items() if value))


FILTER_BUILDERS: dict[str, Callable[[Any], Q]] = {
    "status": lambda status: Q(status__in=["", status] if status == Status.PENDING else [status]),
    "customer": lambda customer: Q(connection__customer=customer),
    "smartrecruiters_order_id": lambda order_id: Q(smartrecruiters_order_id=order_id),
    "updated_after": lambda at: Q(updated_at__gt=at),
}


class OrderDetail(OrderView):
    @extend_schema(responses=OrderSerializer)
    def get(self, request: Request, order_id: str) -> Response:
        """The order, its result as it stands, and whether SmartRecruiters has it."""
        self.get_order(order_id)
        return self.build_response(order_id)


class OrderLease(OrderView):
    @extend_schema(request=input_serializers.LeaseSerializer, responses=LeasedOrdersSerializer)
    def post(self, request: Request) -> Response:
        """The oldest orders that nobody has; they are yours until the lease ends, or for good once accepted."""
        wanted = input_serializers.LeaseSerializer(data=request.data).require_valid_data()
        with transaction.atomic():  # who is not told of a lease has none
            ids = leases.lease_orders(get_caller(request).client, **wanted)
            found = list(queries.for_engine().filter(pk__in=ids).order_by("created_at", "pk"))
        return Response(LeasedOrdersSerializer({"orders": found}).data)


class OrderAccept(OrderView):
    @extend_schema(request=input_serializers.AcceptSerializer, responses=OrderSerializer)
    def post(self, request: Request, order_id: str) -> Response:
        """Take the order, with or without a lease; `launch_url` is where the candidate takes the assessment."""
        self.get_order(order_id)
        leases.accept_order(
            order_id,
            **input_serializers.AcceptSerializer(data=request.data).require_valid_data(),
            by=self.get_actor(request),
        )
        return self.build_response(order_id)


class OrderResult(OrderView):
    parser_classes = (StrictJSONParser, MergePatchParser)

    @extend_schema(request=input_serializers.ReportSerializer, responses=OrderSerializer)
    def patch(self, request: Request, order_id: str) -> Response:
        """Report what changed; it goes to SmartRecruiters at once."""
        changes, correction = self.validate_report(request, self.get_order(order_id))
        results.report(order_id, changes, by=self.get_actor(request), correction=correction)
        return self.build_response(order_id)


class OrderPreview(OrderView):
    parser_classes = (StrictJSONParser, MergePatchParser)

    @extend_schema(request=input_serializers.ReportSerializer, responses=PreviewSerializer)
    def post(self, request: Request, order_id: str) -> Response:
        """What a report would send and how a recruiter would read its score; nothing is stored."""
        order = self.get_order(order_id)
        wire, package = results.preview_report(order, self.validate_report(request, order)[0])
        scored = package or Result()
        return Response({"wire": wire, "score_text": score_text(scored), "score_percent": score_percent(scored)})


class LimitedMultiPartParser(MultiPartParser):
    """Refuses what is too large before it is read."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        if int(parser_context["request"].META.get("CONTENT_LENGTH") or 0) > files.MAX_SIZE + FORM_OVERHEAD:
            raise BodyTooLargeError(FILE_TOO_LARGE)
        kind, semicolon, rest = (media_type or "").partition(";")
        try:
            return super().parse(stream, kind.lower() + semicolon + rest, parser_context)
        except ParseError:
            raise ParseError(UNREADABLE_FORM) from None


class OrderAttachments(OrderView):
    parser_classes = (StrictJSONParser, LimitedMultiPartParser)

    @extend_schema(
        request={
            "application/json": input_serializers.AttachmentUrlSerializer,
            "multipart/form-data": input_serializers.AttachmentFileSerializer,
        },
        responses={200: AttachmentSerializer, 201: AttachmentSerializer},
    )
    def post(self, request: Request, order_id: str) -> Response:
        """A report: a file that we host, or an address of yours. The same one again is answered by 200."""
        context = {"assessment_ids": self.get_assessment_ids(self.get_order(order_id))}
        is_form = (request.content_type or "").lower().startswith("multipart/")
        attachment, is_new = (self._add_file if is_form else self._add_url)(request, order_id, context)
        return Response(AttachmentSerializer(attachment).data, status=201 if is_new else 200)

    def _add_url(self, request: Request, order_id: str, context: Any) -> tuple[Attachment, bool]:
        wanted = input_serializers.AttachmentUrlSerializer(data=request.data, context=context).require_valid_data()
        return attachments.add_url(order_id, **wanted, by=self.get_actor(request))

    def _add_file(self, request: Request, order_id: str, context: Any) -> tuple[Attachment, bool]:
        if twice := [name for name, values in cast(QueryDict, request.data).lists() if len(values) > 1]:
            raise UnprocessableError({twice[0]: ["This came twice: send it once."]})
        wanted = input_serializers.AttachmentFileSerializer(data=request.data, context=context).require_valid_data()
        file = wanted.pop("file")
        if file.size > files.MAX_SIZE:
            raise BodyTooLargeError(FILE_TOO_LARGE)
        wanted["name"] = wanted.get("name") or file.name
        try:
            return attachments.add_file(order_id, file.read(), **wanted, by=self.get_actor(request))
        except files.UnsupportedFileError as error:
            raise UnprocessableError({"file": [f"The file {error}. {FILE_ADVICE}"]}) from None
        except OSError:
            raise ServiceUnavailableError(
                "The file could not be kept here; nothing of it was. Try again later."
            ) from None


class OrderAttachment(OrderView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, order_id: str, attachment_id: str) -> Response:
        """Take a report away, here and in SmartRecruiters."""
        self.get_order(order_id)
        attachments.remove(order_id, attachment_id, by=self.get_actor(request))
        return Response(status=204)


class OrderResource(OrderView):
    """What SmartRecruiters tells of the candidate, the job or the hiring team: our copy."""

    kind = ""

    @extend_schema(responses={200: dict[str, Any], 202: dict[str, Any]})
    def get(self, request: Request, order_id: str) -> Response:
        """What SmartRecruiters told of it. 202 with Retry-After while it is on its way; 404 where there is none."""
        order = self.get_order(order_id)
        resource = Resource.objects.filter(order=order, kind=self.kind).first()
        if resource is None or resource.state == ResourceState.NONE:
            raise NotFound(resource.reason if resource else "This was not asked for.")
        if resource.state == ResourceState.AWAITED:
            return Response({}, status=202, headers={"Retry-After": "5"})
        return Response(resource.content)


class OrderTimeline(OrderView):
    @extend_schema(responses=TimelineSerializer)
    def get(self, request: Request, order_id: str) -> Response:
        """All that happened to the order, newest first."""
        return Response(TimelineSerializer({"results": timeline.build_timeline(self.get_order(order_id))}).data)
