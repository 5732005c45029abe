from django.urls import URLPattern, re_path

from integrations.webhooks import views

WEBHOOK_PATTERN = r"^api/vendor/v1/webhooks/(?P<webhook_id>[A-Za-z0-9_]{1,40})"

urlpatterns: list[URLPattern] = [
    re_path(r"^api/vendor/v1/webhooks/?$", views.WebhookList.as_view(), name="engine_webhooks"),
    re_path(rf"{WEBHOOK_PATTERN}/?$", views.WebhookDetail.as_view(), name="engine_webhook"),
    re_path(rf"{WEBHOOK_PATTERN}/rotate/?$", views.WebhookRotation.as_view(), name="engine_webhook_rotate"),
    re_path(rf"{WEBHOOK_PATTERN}/test/?$", views.WebhookTest.as_view(), name="engine_webhook_test"),
    re_path(r"^api/vendor/v1/events/?$", views.EventList.as_view(), name="engine_events"),
]
