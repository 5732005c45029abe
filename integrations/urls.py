from django.urls import URLPattern, re_path

from integrations.oauth.views import token

urlpatterns: list[URLPattern] = [
    re_path(r"^oauth/token/?$", token, name="token"),
]
