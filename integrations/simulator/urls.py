from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

from integrations.simulator import api, control_api

_ASSESSMENT_API = "assessment-api/v202010"

_rest: list[URLPattern | URLResolver] = [
    path("identity/oauth/token", api.token),
    path(f"{_ASSESSMENT_API}/partner/configuration", api.configuration),
    path(f"{_ASSESSMENT_API}/integration/company/<str:company_id>", api.integration),
    path(f"{_ASSESSMENT_API}/orders/<str:order_id>/results", api.result),
    path(f"{_ASSESSMENT_API}/orders/<str:order_id>/results/attachment", api.attachment),
    path("candidates/<str:candidate_id>", api.candidate),
    path("jobs/<str:job_id>", api.job),
    path("jobs/<str:job_id>/hiring-team", api.hiring_team),
]

_control: list[URLPattern | URLResolver] = [
    path("state", control_api.state),
    path("ledger", control_api.ledger),
    path("breaches", control_api.breaches),
    path("settings", control_api.settings),
    path("expire-tokens", control_api.expire_tokens),
    path("faults", control_api.faults),
    path("faults/<int:fault_id>", control_api.fault),
    path("companies", control_api.companies),
    path("companies/<str:company>", control_api.company_),
    path("companies/<str:company>/consent", control_api.grant_consent),
    path("companies/<str:company>/disconnect", control_api.disconnect),
    path("companies/<str:company>/tell-disabled", control_api.tell_disabled),
    path("companies/<str:company>/revoke", control_api.revoke),
    path("companies/<str:company>/expire-tokens", control_api.expire_tokens),
    path("companies/<str:company>/candidates", control_api.candidates),
    path("companies/<str:company>/packages", control_api.packages),
    path("companies/<str:company>/packages/<str:package_id>", control_api.package),
    path("orders", control_api.orders),
    path("orders/<str:order_id>", control_api.order),
    path("orders/<str:order_id>/retry", control_api.retry),
    path("orders/<str:order_id>/announce", control_api.announce),
]

urlpatterns: list[URLPattern | URLResolver] = [
    *_rest,
    path("_simulator/", include(_control)),
    path("", include("integrations.simulator.pages.urls")),
]
