from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

from integrations.simulator.api import attachments, configuration, exchange, reads, results, tokens
from integrations.simulator.control_api import companies, ledger, orders, switches

_ASSESSMENT_API = "assessment-api/v202010"

_api_urls: list[URLPattern | URLResolver] = [
    path("identity/oauth/token", tokens.issue_token),
    path(f"{_ASSESSMENT_API}/partner/configuration", configuration.manage_configuration),
    path(f"{_ASSESSMENT_API}/integration/company/<str:company_id>", exchange.exchange_credentials),
    path(f"{_ASSESSMENT_API}/orders/<str:order_id>/results", results.patch_result),
    path(f"{_ASSESSMENT_API}/orders/<str:order_id>/results/attachment", attachments.upload_attachment),
    path("candidates/<str:candidate_id>", reads.get_candidate),
    path("jobs/<str:job_id>", reads.get_job),
    path("jobs/<str:job_id>/hiring-team", reads.get_hiring_team),
]

_control_urls: list[URLPattern | URLResolver] = [
    path("state", ledger.get_state),
    path("ledger", ledger.read_ledger),
    path("breaches", ledger.manage_breaches),
    path("settings", switches.manage_settings),
    path("expire-tokens", switches.expire_tokens),
    path("faults", switches.manage_faults),
    path("faults/<int:fault_id>", switches.clear_fault),
    path("companies", companies.manage_companies),
    path("companies/<str:company>", companies.get_company),
    path("companies/<str:company>/consent", companies.grant_consent),
    path("companies/<str:company>/disconnect", companies.disconnect_company),
    path("companies/<str:company>/tell-disabled", companies.notify_disabled),
    path("companies/<str:company>/revoke", companies.revoke_credential),
    path("companies/<str:company>/expire-tokens", switches.expire_tokens),
    path("companies/<str:company>/candidates", companies.list_candidates),
    path("companies/<str:company>/packages", companies.fetch_packages),
    path("companies/<str:company>/packages/<str:package_id>", companies.fetch_package),
    path("orders", orders.manage_orders),
    path("orders/<str:order_id>", orders.get_order),
    path("orders/<str:order_id>/retry", orders.retry_order),
    path("orders/<str:order_id>/announce", orders.announce_correction),
]

handler404 = "integrations.simulator.pages.layout.not_found"
urlpatterns: list[URLPattern | URLResolver] = [
    *_api_urls,
    path("_simulator/", include(_control_urls)),
    path("", include("integrations.simulator.pages.urls")),
]
