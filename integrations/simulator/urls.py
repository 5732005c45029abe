from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

from integrations.simulator.api import attachments, configuration, exchange, reads, results, tokens
from integrations.simulator.control_api import companies, ledger, orders, switches

_ASSESSMENT_API = "assessment-api/v202010"

_rest: list[URLPattern | URLResolver] = [
    path("identity/oauth/token", tokens.token),
    path(f"{_ASSESSMENT_API}/partner/configuration", configuration.configuration),
    path(f"{_ASSESSMENT_API}/integration/company/<str:company_id>", exchange.integration),
    path(f"{_ASSESSMENT_API}/orders/<str:order_id>/results", results.result),
    path(f"{_ASSESSMENT_API}/orders/<str:order_id>/results/attachment", attachments.attachment),
    path("candidates/<str:candidate_id>", reads.candidate),
    path("jobs/<str:job_id>", reads.job),
    path("jobs/<str:job_id>/hiring-team", reads.hiring_team),
]

_control: list[URLPattern | URLResolver] = [
    path("state", ledger.state),
    path("ledger", ledger.ledger),
    path("breaches", ledger.breaches),
    path("settings", switches.settings),
    path("expire-tokens", switches.expire_tokens),
    path("faults", switches.faults),
    path("faults/<int:fault_id>", switches.fault),
    path("companies", companies.companies),
    path("companies/<str:company>", companies.one),
    path("companies/<str:company>/consent", companies.grant_consent),
    path("companies/<str:company>/disconnect", companies.disconnect),
    path("companies/<str:company>/tell-disabled", companies.tell_disabled),
    path("companies/<str:company>/revoke", companies.revoke),
    path("companies/<str:company>/expire-tokens", switches.expire_tokens),
    path("companies/<str:company>/candidates", companies.candidates),
    path("companies/<str:company>/packages", companies.packages),
    path("companies/<str:company>/packages/<str:package_id>", companies.package),
    path("orders", orders.orders),
    path("orders/<str:order_id>", orders.order),
    path("orders/<str:order_id>/retry", orders.retry),
    path("orders/<str:order_id>/announce", orders.announce),
]

handler404 = "integrations.simulator.pages.layout.not_found"
urlpatterns: list[URLPattern | URLResolver] = [
    *_rest,
    path("_simulator/", include(_control)),
    path("", include("integrations.simulator.pages.urls")),
]
