"""Where SmartRecruiters places its orders. Every answer comes from the database alone."""

from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from integrations import audit
from integrations.api.authentication import caller
from integrations.api.errors import Conflict
from integrations.http.ip_addresses import address_of
from orders import intake, links
from orders.api.order_request import OrderRequestSerializer


class PlaceOrder(APIView):
    """202 with an empty object; an inline order 200 with `{"url"}`, the same on every repeat."""

    required_scope = "orders_modify"
    schema = None
    is_inline = False

    def post(self, request: Request) -> Response:
        serializer = OrderRequestSerializer(data=request.data, context={"is_inline": self.is_inline})
        serializer.is_valid(raise_exception=True)
        wanted = serializer.order_request()
        connection = caller(request).connection
        address = address_of(request)
        if wanted.company_id != connection.company_id:
            audit.record("order.refused", connection.company_id, address=address, claimed=wanted.company_id[:100])
            raise PermissionDenied("companyId is not the company of this token.")
        is_inline = bool(wanted.completed_callback_url)
        try:
            order, _ = intake.place(connection=connection, request=wanted, is_inline=is_inline)
        except Conflict as conflict:
            why, order_id = str(conflict.detail), wanted.smartrecruiters_order_id
            audit.record("order.conflict", connection.company_id, address=address, order=order_id, why=why)
            raise
        if order.is_inline:
            return Response({"url": links.take_url(order)})
        return Response({}, status=status.HTTP_202_ACCEPTED)


class PlaceInlineOrder(PlaceOrder):
    is_inline = True
