from django.urls import URLPattern, re_path

from orders.api.smartrecruiters import PlaceInlineOrder, PlaceOrder

urlpatterns: list[URLPattern] = [
    re_path(r"^smartrecruiters/packages/orders/?$", PlaceOrder.as_view()),
    re_path(r"^smartrecruiters/packages/inline/orders/?$", PlaceInlineOrder.as_view()),
]
