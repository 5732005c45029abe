"""The streams of the outbox, which knows no customers, by the names that people know."""

from collections.abc import Iterable

from django.contrib.admin.utils import quote
from django.db.models import Q
from django.urls import reverse

from integrations.models import Connection, Webhook
from integrations.staff.model_admin import Way

NOBODYS = {
    "email": "E-mail",
    "master": "SmartRecruiters, with the master pair",
    "audit": "The audit's numbers, given one by one",
    "events": "Engines' events, numbered one by one",
}
MOST = 200


def of(streams: Iterable[str]) -> dict[str, Way]:
    """What belongs to nothing that is there has its own name."""
    names = set(streams)
    return {name: Way(NOBODYS.get(name, name)) for name in names} | _of_connections(names) | _of_webhooks(names)


def like(term: str) -> list[str]:
    """By a part of a customer's, a company's or an engine's name."""
    connections = Connection.objects.filter(Q(customer__name__icontains=term) | Q(company_id__icontains=term))
    webhooks = Webhook.objects.filter(Q(client__name__icontains=term) | Q(url__icontains=term))
    return [row.stream_name for row in connections[:MOST]] + [row.stream_name for row in webhooks[:MOST]]


def _of_connections(names: Iterable[str]) -> dict[str, Way]:
    rows = Connection.objects.filter(pk__in=[key for key in _keys("connection", names) if key.isdecimal()])
    return {
        row.stream_name: Way(str(row), reverse("admin:integrations_connection_change", args=[row.pk]))
        for row in rows.select_related("customer")
    }


def _of_webhooks(names: Iterable[str]) -> dict[str, Way]:
    rows = Webhook.objects.filter(pk__in=_keys("webhook", names)).select_related("client")
    return {row.stream_name: Way(f"{row.client.name} – {row.url}", _page_of(row)) for row in rows}


def _page_of(webhook: Webhook) -> str:
    return reverse("admin:integrations_webhook_change", args=[quote(webhook.pk)])


def _keys(kind: str, names: Iterable[str]) -> list[str]:
    return [name.partition(":")[2] for name in names if name.startswith(f"{kind}:")]
