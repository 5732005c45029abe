from django.urls import URLPattern, re_path

from orders.api import engine
from orders.api.smartrecruiters import PlaceInlineOrder, PlaceOrder
from orders.models import ResourceKind
from orders.views import candidate, customer

ORDERS = r"^api/vendor/v1/orders"
# Nothing else is an id of ours; PostgreSQL would choke on a NUL.
ID = "[A-Za-z0-9_]{1,40}"
ORDER = rf"{ORDERS}/(?P<order_id>{ID})"
TOKEN = r"(?P<token>[A-Za-z0-9_-]{1,64})"  # noqa: S105

urlpatterns: list[URLPattern] = [
    re_path(r"^smartrecruiters/packages/orders/?$", PlaceOrder.as_view(), name="orders"),
    re_path(r"^smartrecruiters/packages/inline/orders/?$", PlaceInlineOrder.as_view(), name="inline-orders"),
    re_path(rf"{ORDERS}/?$", engine.OrderList.as_view(), name="engine-orders"),
    re_path(rf"{ORDERS}/lease/?$", engine.OrderLease.as_view(), name="engine-lease"),
    re_path(rf"{ORDER}/?$", engine.OrderDetail.as_view(), name="engine-order"),
    re_path(rf"{ORDER}/accept/?$", engine.OrderAccept.as_view(), name="engine-accept"),
    re_path(rf"{ORDER}/result/?$", engine.OrderResult.as_view(), name="engine-result"),
    re_path(rf"{ORDER}/result/preview/?$", engine.OrderPreview.as_view(), name="engine-preview"),
    re_path(rf"{ORDER}/attachments/?$", engine.OrderAttachments.as_view(), name="engine-attachments"),
    re_path(
        rf"{ORDER}/attachments/(?P<attachment_id>{ID})/?$",
        engine.OrderAttachment.as_view(),
        name="engine-attachment",
    ),
    *(
        re_path(
            rf"{ORDER}/{kind.value.replace('_', '-')}/?$",
            engine.OrderResource.as_view(kind=kind.value),
            name=f"engine-{kind.value.replace('_', '-')}",
        )
        for kind in ResourceKind
    ),
    re_path(rf"{ORDER}/timeline/?$", engine.OrderTimeline.as_view(), name="engine-timeline"),
    re_path(r"^orders/?$", customer.orders, name="customer_orders"),
    re_path(
        r"^orders/(?P<order_id>[^/]+)/reports/(?P<attachment_id>[^/]+)/?$",
        customer.report,
        name="customer_report",
    ),
    re_path(rf"^take/{TOKEN}/?$", candidate.take, name="take"),
    re_path(rf"^take/{TOKEN}/done/?$", candidate.done, name="done"),
    re_path(rf"^files/{TOKEN}/?$", candidate.report, name="report"),
]
