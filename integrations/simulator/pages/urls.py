from django.urls import path
from django.urls.resolvers import URLPattern, URLResolver

from integrations.simulator.pages import apply, apps, candidates, layout, orders, workbench

urlpatterns: list[URLPattern | URLResolver] = [
    path("", apps.list_companies),
    path("healthz", layout.check_health),
    path("assets/<str:name>", layout.serve_asset),
    path("files/<str:upload_id>/<str:name>", candidates.serve_report),
    path("companies/<str:company>/apps", apps.show_apps),
    path("companies/<str:company>/connect", apps.connect_company),
    path("companies/<str:company>/popup", apps.show_popup),
    path("companies/<str:company>/connection.json", apps.get_connection),
    path("companies/<str:company>/connected", apps.show_connected),
    path("companies/<str:company>/disconnect", apps.disconnect_company),
    path("companies/<str:company>/tell-disabled", apps.notify_disabled),
    path("companies/<str:company>/packages", orders.list_packages),
    path("companies/<str:company>/order", orders.order_package),
    path("companies/<str:company>/orders", orders.list_orders),
    path("companies/<str:company>/candidates", candidates.list_candidates),
    path("companies/<str:company>/candidates/<str:candidate_id>", candidates.show_candidate),
    path("companies/<str:company>/orders/<str:order_id>/retry", candidates.retry_order),
    path("companies/<str:company>/orders/<str:order_id>/announce", candidates.announce_correction),
    path("companies/<str:company>/apply", apply.apply_for_job),
    path("applied/<str:order_id>", apply.show_thanks),
    path("switches", workbench.show_switches),
    path("switches/faults", workbench.set_fault),
    path("switches/faults/clear", workbench.clear_faults),
    path("switches/settings", workbench.change_settings),
    path("switches/tokens", workbench.expire_tokens),
    path("switches/revoke", workbench.revoke_credential),
    path("ledger", workbench.show_ledger),
    path("breaches", workbench.show_breaches),
]
