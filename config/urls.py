from allauth.account.views import password_set
from allauth.socialaccount import views as social
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from config import brand, errors, security_txt
from config.apidocs import views
from config.monitoring import health
from config.monitoring.metrics import metrics
from integrations.accounts.reauthentication import reauthentication_required
from integrations.accounts.views import sso
from integrations.api.not_found import NotFoundView

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics),
    path(security_txt.PATH, security_txt.security_txt, name="security_txt"),
    path("brand.css", brand.brand_stylesheet, name="brand_css"),
    path("brand-logo", brand.brand_logo, name="brand_logo"),
    path("favicon.ico", brand.brand_icon, name="brand_icon"),
    path("apple-touch-icon.png", brand.brand_touch_icon, name="brand_touch_icon"),
    re_path(r"^api/vendor/v1/schema/?$", views.SchemaView.as_view(), name="engine_schema"),
    re_path(r"^api/vendor/v1/docs/?$", views.api_docs, name="engine_docs"),
    path("", include("integrations.urls")),
    path("", include("assessments.urls")),
    path("", include("orders.urls")),
    re_path(r"^api/vendor/v1(?:/[\s\S]*)?$", NotFoundView.as_view(), name="engine_nothing"),
    path("admin/", admin.site.urls),
    # An email address identifies the account, so only the person who invited its owner changes it.
    path("accounts/email/", RedirectView.as_view(pattern_name="mfa_index")),
    # It needs no confirmation either: the invitation went there.
    path("accounts/confirm-email/", errors.removed_page),
    path("accounts/confirm-email/<path:rest>", errors.removed_page),
    # Of allauth's pages about third-party accounts, only those that sign-in needs.
    path("accounts/oidc/vendor/login/", sso.begin_login, name="identity_begin"),
    path("accounts/oidc/vendor/confirm/", sso.begin_confirmation, name="identity_confirm"),
    path("accounts/oidc/vendor/login/callback/", sso.callback_view, name="identity_callback"),
    path("accounts/3rdparty/login/cancelled/", social.login_cancelled, name="identity_cancelled"),
    path("accounts/oidc/<path:rest>", errors.removed_page),
    path("accounts/social/<path:rest>", errors.removed_page),
    path("accounts/3rdparty/", errors.removed_page),
    path("accounts/3rdparty/<path:rest>", errors.removed_page),
    # Who signs in with the identity provider alone sets a password here, with which others could sign in too.
    path(
        "accounts/password/set/", login_required(reauthentication_required(password_set)), name="account_set_password"
    ),
    path("accounts/", include("allauth.urls")),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.page_not_found"
handler500 = "config.errors.server_error"
handler429 = "config.errors.too_many_requests"
