from django.contrib import admin
from django.urls import include, path

from config import health

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("", include("integrations.urls")),
    path("", include("assessments.urls")),
    path("", include("orders.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
]
