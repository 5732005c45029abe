from django.urls import path
from django.urls.resolvers import URLPattern, URLResolver

from integrations.simulator.pages import apply, apps, candidates, layout, orders, workbench

urlpatterns: list[URLPattern | URLResolver] = [
    path("", apps.home),
    path("healthz", layout.healthz),
    path("assets/<str:name>", layout.asset),
    path("files/<str:upload_id>/<str:name>", candidates.report),
    path("companies/<str:company>/apps", apps.company_apps),
    path("companies/<str:company>/connect", apps.connect),
    path("companies/<str:company>/popup", apps.popup),
    path("companies/<str:company>/connection.json", apps.connection),
    path("companies/<str:company>/connected", apps.connected),
    path("companies/<str:company>/disconnect", apps.disconnect),
    path("companies/<str:company>/tell-disabled", apps.tell_disabled),
    path("companies/<str:company>/packages", orders.packages),
    path("companies/<str:company>/order", orders.order),
    path("companies/<str:company>/orders", orders.placed),
    path("companies/<str:company>/candidates", candidates.everybody),
    path("companies/<str:company>/candidates/<str:candidate_id>", candidates.panel),
    path("companies/<str:company>/orders/<str:order_id>/retry", candidates.retry),
    path("companies/<str:company>/orders/<str:order_id>/announce", candidates.announce),
    path("companies/<str:company>/apply", apply.form),
    path("applied/<str:order_id>", apply.thanks),
    path("switches", workbench.switches),
    path("switches/faults", workbench.set_fault),
    path("switches/faults/clear", workbench.clear_faults),
    path("switches/settings", workbench.change_settings),
    path("switches/tokens", workbench.expire_tokens),
    path("switches/revoke", workbench.revoke),
    path("ledger", workbench.ledger),
    path("breaches", workbench.breaches),
]
