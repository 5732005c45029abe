from django.urls import URLPattern, re_path

from orders.api import engine
from orders.api.smartrecruiters import PlaceInlineOrderView, PlaceOrderView
from orders.models import ResourceKind
from orders.views import candidate, customer

ORDERS_PATH = r"^api/vendor/v1/orders"
# PostgreSQL would fail on a NUL.
ID_PATTERN = "[A-Za-z0-9_]{1,40}"
ORDER_PATH = rf"{ORDERS_PATH}/(?P<order_id>{ID_PATTERN})"
TOKEN_PATTERN = r"(?P<token>[A-Za-z0-9_-]{1,64})"  # noqa: S105

urlpatterns: list[URLPattern] = [
    re_path(r"^smartrecruiters/packages/orders/?$", PlaceOrderView.as_view(), name="orders"),
    re_path(r"^smartrecruiters/packages/inline/orders/?$", PlaceInlineOrderView.as_view(), name="inline-orders"),
    re_path(rf"{ORDERS_PATH}/?$", engine.OrderList.as_view(), name="engine-orders"),
    re_path(rf"{ORDERS_PATH}/lease/?$", engine.OrderLease.as_view(), name="engine-lease"),
    re_path(rf"{ORDER_PATH}/?$", engine.OrderDetail.as_view(), name="engine-order"),
    re_path(rf"{ORDER_PATH}/accept/?$", engine.OrderAccept.as_view(), name="engine-accept"),
    re_path(rf"{ORDER_PATH}/result/?$", engine.OrderResult.as_view(), name="engine-result"),
    re_path(rf"{ORDER_PATH}/result/preview/?$", engine.OrderPreview.as_view(), name="engine-preview"),
    re_path(rf"{ORDER_PATH}/attachments/?$", engine.OrderAttachments.as_view(), name="engine-attachments"),
    re_path(
        rf"{ORDER_PATH}/attachments/(?P<attachment_id>{ID_PATTERN})/?$",
        engine.OrderAttachment.as_view(),
        name="engine-attachment",
    ),
    *(
        re_path(
            rf"{ORDER_PATH}/{kind.value.replace('_', '-')}/?$",
            engine.OrderResource.as_view(kind=kind.value),
            name=f"engine-{kind.value.replace('_', '-')}",
        )
        for kind in ResourceKind
    ),
    re_path(rf"{ORDER_PATH}/timeline/?$", engine.OrderTimeline.as_view(), name="engine-timeline"),
    re_path(r"^orders/?$", customer.list_orders, name="customer_orders"),
    re_path(
        r"^orders/(?P<order_id>[^/]+)/reports/(?P<attachment_id>[^/]+)/?$",
        customer.download_report,
        name="customer_report",
    ),
    re_path(rf"^take/{TOKEN_PATTERN}/?$", candidate.take_assessment, name="take"),
    re_path(rf"^take/{TOKEN_PATTERN}/done/?$", candidate.finish_assessment, name="done"),
    re_path(rf"^files/{TOKEN_PATTERN}/?$", candidate.download_report, name="report"),
]
