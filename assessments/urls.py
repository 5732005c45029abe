from django.urls import URLPattern, re_path

from assessments.api import engine, smartrecruiters

urlpatterns: list[URLPattern] = [
    re_path(r"^smartrecruiters/packages/?$", smartrecruiters.PackageList.as_view(), name="packages"),
    re_path(
        # `orders` is a route of its own, and no package may have that id.
        r"^smartrecruiters/packages/(?!orders/?$)(?P<package_id>[^/]+)/?$",
        smartrecruiters.PackageDetail.as_view(),
        name="package",
    ),
    re_path(r"^api/vendor/v1/packages/?$", engine.PackageList.as_view(), name="engine-packages"),
    re_path(r"^api/vendor/v1/packages/(?P<package_id>[^/]+)/?$", engine.PackageDetail.as_view(), name="engine-package"),
    re_path(r"^api/vendor/v1/customers/?$", engine.CustomerList.as_view(), name="engine-customers"),
]
