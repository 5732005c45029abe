"""REST endpoints for orders, called by engines: see orders/api/README.md, "The engine API"."""

import re
from typing import IO, Any, cast

from django.db import transaction
from django.http import HttpRequest, QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ErrorDetail, NotFound, ParseError
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.authentication import get_caller
from integrations.api.errors import BodyTooLargeError, GoneError, ServiceUnavailableError, UnprocessableError
from integrations.api.idempotency import EngineView, ReplayedRequestError
from integrations.api.pagination import KeysetPagination
from integrations.api.parsers import MergePatchParser, StrictJSONParser
from integrations.audit import Actor
from integrations.http.ip_addresses import get_client_ip
from orders import attachments, files, leases, queries, results, timeline
from orders.api import input_serializers
from orders.api.serializers import (
    AttachmentSerializer,
    LeasedOrdersSerializer,
    OrderSerializer,
    PreviewSerializer,
    TimelineSerializer,
)
from orders.models import Attachment, Order, OrderQuerySet, Resource, ResourceState, Result
from orders.privacy import access_log
from orders.scores import score_percent, score_text

FORM_OVERHEAD = 64 * 1024
UNREADABLE_FORM = "The form cannot be read: send multipart/form-data with its boundary and without encoded parts."
HEAD_NOT_UTF8 = "The head of a part is not UTF-8, so that the part cannot be read: send its names as UTF-8."
MAX_HEAD_LINE = 1024
PART_HEAD_PATTERN = re.compile(rb"(?i)Content-Disposition:[^\r\n]{0,%d}\r\n" % (MAX_HEAD_LINE - 22))
FILE_ADVICE = 'Send a complete PDF, PNG or JPEG, or for other types a URL: {"type": "VIDEO_URL", "url": "https://…"}.'
FILE_TOO_LARGE = {"file": [f"The file is larger than 10 MB ({files.MAX_SIZE:,} bytes): send a smaller one, or a URL."]}


def record_read(request: Request, order_ids: list[str]) -> None:
    """Record that the engine is given data about these orders' candidates."""
    actor = Actor(client=get_caller(request).client, ip=get_client_ip(cast(HttpRequest, request)))
    access_log.record_engine_read(actor, order_ids)


class OrderView(EngineView):
    def get_actor(self, request: Request) -> str:
        client = get_caller(request).client
        return str(client.name or client.client_id)

    def get_order(self, order_id: str) -> Order:
        """Return the order. Raises NotFound, or GoneError if the candidate was erased."""
        order = Order.objects.select_related("package").filter(pk=order_id).first()
        if order is None:
            raise NotFound("There is no order with this id.")
        if order.erased_at is not None:
            raise GoneError
        return order

    def build_response(self, order_id: str) -> Response:
        response = Response(OrderSerializer(queries.for_engine().get(pk=order_id)).data)
        record_read(self.request, [order_id])
        return response

    def handle_exception(self, exc: Exception) -> Response:
        """Record the orders of a stored response that is sent again."""
        if isinstance(exc, ReplayedRequestError) and exc.response.status_code < 300:
            order_id, leased = self.kwargs.get("order_id"), exc.response.data.get("orders", [])
            record_read(self.request, [order_id] if order_id else [order["id"] for order in leased])
        return super().handle_exception(exc)

    def get_assessment_ids(self, order: Order) -> set[str]:
        """Return the ids of the package's assessments, and those reported before the package changed."""
        current = order.package.assessments.values_list("assessment_id", flat=True)
        return {*current, *order.results.exclude(assessment_id="").values_list("assessment_id", flat=True)}

    def validate_report(self, request: Request, order: Order) -> tuple[dict[str, Any], str]:
        """Return the changes and the reason of a correction. Raises UnprocessableError."""
        stored = {row.assessment_id: row for row in order.results.all()}
        context = {"assessment_ids": self.get_assessment_ids(order), "results": stored}
        changes = input_serializers.ReportSerializer(data=request.data, context=context).require_valid_data()
        return changes, changes.pop("correction", "")


class OrderList(ListAPIView[Order]):
    required_scope = "vendor"
    pagination_class = KeysetPagination
    ordering = ("-created_at", "-id")
    filters = ("status", "customer", "smartrecruiters_order_id", "updated_after")
    serializer_class = OrderSerializer
    queryset = Order.objects.none()

    @extend_schema(parameters=[input_serializers.FiltersSerializer])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List orders, newest first."""
        response = super().get(request, *args, **kwargs)
        record_read(request, [order["id"] for order in response.data["results"]])
        return response

    def get_queryset(self) -> OrderQuerySet:
        params = self.request.query_params
        sent = {name: params[name] for name in self.filters if name in params}
        wanted = input_serializers.FiltersSerializer(data=sent).require_valid_data()
        status = wanted.pop("status", "")
        orders = queries.for_engine().with_status(status) if status else queries.for_engine()
        return orders.filter(**{FILTER_LOOKUPS[name]: value for name, value in wanted.items() if value})


FILTER_LOOKUPS = {
    "customer": "connection__customer",
    "smartrecruiters_order_id": "smartrecruiters_order_id",
    "updated_after": "updated_at__gt",
}


class OrderDetail(OrderView):
    @extend_schema(responses=OrderSerializer)
    def get(self, request: Request, order_id: str) -> Response:
        """Return the order with its result and the state of the delivery to SmartRecruiters."""
        self.get_order(order_id)
        return self.build_response(order_id)


class OrderLease(OrderView):
    @extend_schema(request=input_serializers.LeaseSerializer, responses=LeasedOrdersSerializer)
    def post(self, request: Request) -> Response:
        """Lease the oldest free orders. They are yours until the lease ends, or for good once accepted."""
        wanted = input_serializers.LeaseSerializer(data=request.data).require_valid_data()
        with transaction.atomic():  # without a response there must be no lease
            ids = leases.lease_orders(get_caller(request).client, **wanted)
            leased = list(queries.for_engine().filter(pk__in=ids).order_by("created_at", "pk"))
            record_read(request, ids)
        return Response(LeasedOrdersSerializer({"orders": leased}).data)


class OrderAccept(OrderView):
    @extend_schema(request=input_serializers.AcceptSerializer, responses=OrderSerializer)
    def post(self, request: Request, order_id: str) -> Response:
        """Accept the order, with or without a lease. The candidate takes the assessment at `launch_url`."""
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
        """Report changes of the result. They are sent to SmartRecruiters at once."""
        changes, correction = self.validate_report(request, self.get_order(order_id))
        results.report(order_id, changes, by=self.get_actor(request), correction=correction)
        return self.build_response(order_id)


class OrderPreview(OrderView):
    parser_classes = (StrictJSONParser, MergePatchParser)

    @extend_schema(request=input_serializers.ReportSerializer, responses=PreviewSerializer)
    def post(self, request: Request, order_id: str) -> Response:
        """Return the patch of a report, and its score as recruiters see it, without storing it."""
        order = self.get_order(order_id)
        wire, package = results.preview_report(order, self.validate_report(request, order)[0])
        scored = package or Result()
        record_read(request, [order_id])
        return Response({"wire": wire, "score_text": score_text(scored), "score_percent": score_percent(scored)})


class PartHeadReader:
    """Pass a form on, and note if the head of a part is not UTF-8: Django's parser leaves such a part out."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._tail = b""
        self.has_unreadable_head = False

    def read(self, size: int = -1) -> bytes:
        content: bytes = self._stream.read(size)
        text = self._tail + content
        self.has_unreadable_head |= any(not _is_utf8(line) for line in PART_HEAD_PATTERN.findall(text))
        self._tail = text[-MAX_HEAD_LINE:]
        return content


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


class LimitedMultiPartParser(MultiPartParser):
    """Multipart parser that rejects a body above the file limit before reading it."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        if int(parser_context["request"].META.get("CONTENT_LENGTH") or 0) > files.MAX_SIZE + FORM_OVERHEAD:
            raise BodyTooLargeError(FILE_TOO_LARGE)
        kind, semicolon, rest = (media_type or "").partition(";")
        reader = PartHeadReader(stream)
        try:
            parsed = super().parse(cast(IO[Any], reader), kind.lower() + semicolon + rest, parser_context)
        except ParseError:
            if reader.has_unreadable_head:
                raise UnprocessableError({"file": [HEAD_NOT_UTF8]}) from None
            raise ParseError(UNREADABLE_FORM) from None
        if reader.has_unreadable_head and "file" not in parsed.files:
            raise UnprocessableError({"file": [HEAD_NOT_UTF8]})
        return parsed


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
        """Attach a report: a file, or a URL of yours. Repeating it returns 200 and the same attachment."""
        context = {"assessment_ids": self.get_assessment_ids(self.get_order(order_id))}
        is_form = (request.content_type or "").lower().startswith("multipart/")
        attachment, is_new = (self._add_file if is_form else self._add_url)(request, order_id, context)
        record_read(request, [order_id])
        return Response(AttachmentSerializer(attachment).data, status=201 if is_new else 200)

    def _add_url(self, request: Request, order_id: str, context: Any) -> tuple[Attachment, bool]:
        wanted = input_serializers.AttachmentUrlSerializer(data=request.data, context=context).require_valid_data()
        return attachments.add_url(order_id, **wanted, by=self.get_actor(request))

    def _add_file(self, request: Request, order_id: str, context: Any) -> tuple[Attachment, bool]:
        if repeated := [name for name, values in cast(QueryDict, request.data).lists() if len(values) > 1]:
            raise UnprocessableError({repeated[0]: ["This occurs twice: send it once."]})
        wanted = input_serializers.AttachmentFileSerializer(data=request.data, context=context).require_valid_data()
        file = wanted.pop("file")
        if file.size > files.MAX_SIZE:
            raise BodyTooLargeError(FILE_TOO_LARGE)
        wanted["name"] = wanted.get("name") or file.name
        try:
            return attachments.add_file(order_id, file.read(), **wanted, by=self.get_actor(request))
        except files.MalwareError as error:
            raise UnprocessableError({"file": [ErrorDetail(f"The file {error}.", "malware")]}) from None
        except files.UnsupportedFileError as error:
            raise UnprocessableError({"file": [f"The file {error}. {FILE_ADVICE}"]}) from None
        except OSError:
            raise ServiceUnavailableError("The file could not be stored. Try again later.") from None


class OrderAttachment(OrderView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, order_id: str, attachment_id: str) -> Response:
        """Remove a report, here and at SmartRecruiters."""
        self.get_order(order_id)
        attachments.remove(order_id, attachment_id, by=self.get_actor(request))
        return Response(status=204)


class OrderResource(OrderView):
    kind = ""

    @extend_schema(responses={200: dict[str, Any], 202: dict[str, Any]})
    def get(self, request: Request, order_id: str) -> Response:
        """Return our copy of the data at SmartRecruiters. 202 with Retry-After until it arrives, 404 without any."""
        order = self.get_order(order_id)
        resource = Resource.objects.filter(order=order, kind=self.kind).first()
        if resource is None or resource.state == ResourceState.NONE:
            raise NotFound(resource.reason if resource else "This was not requested from SmartRecruiters.")
        if resource.state == ResourceState.AWAITED:
            return Response({}, status=202, headers={"Retry-After": "5"})
        record_read(request, [order_id])
        return Response(resource.content)


class OrderTimeline(OrderView):
    @extend_schema(responses=TimelineSerializer)
    def get(self, request: Request, order_id: str) -> Response:
        """Return everything that happened to the order, newest first."""
        entries = timeline.build_timeline(self.get_order(order_id))
        record_read(request, [order_id])
        return Response(TimelineSerializer({"results": entries}).data)
