"""Stream labels: readable names for the outbox's streams, by customer, company and engine."""

from collections.abc import Iterable

from django.contrib.admin.utils import quote
from django.db.models import Q
from django.urls import reverse

from integrations import mail
from integrations.models import Connection, Customer, Webhook
from integrations.staff.model_admin import StreamLabel

SHARED_STREAMS = {
    mail.ACCOUNT_STREAM: "Email to users",
    "master": "SmartRecruiters, with the master credentials",
    "audit": "Numbering of the audit log",
    "events": "Numbering of events for engines",
}
MAX_MATCHES = 200


def label_streams(streams: Iterable[str]) -> dict[str, StreamLabel]:
    """Return a label for each stream: its name if its owner was deleted."""
    names = set(streams)
    return (
        {name: StreamLabel(SHARED_STREAMS.get(name, name)) for name in names}
        | _label_connections(names)
        | _label_webhooks(names)
        | _label_candidate_emails(names)
    )


def search_streams(term: str) -> list[str]:
    """Return the names of streams whose customer, company, engine or webhook URL contains `term`."""
    connections = Connection.objects.filter(Q(customer__name__icontains=term) | Q(company_id__icontains=term))
    webhooks = Webhook.objects.filter(Q(client__name__icontains=term) | Q(url__icontains=term))
    customers = Customer.objects.filter(name__icontains=term)
    return [
        *(row.stream_name for row in connections[:MAX_MATCHES]),
        *(row.stream_name for row in webhooks[:MAX_MATCHES]),
        *(mail.get_candidate_stream(row.pk) for row in customers[:MAX_MATCHES]),
    ]


def _label_connections(names: Iterable[str]) -> dict[str, StreamLabel]:
    rows = Connection.objects.filter(pk__in=[key for key in _extract_keys("connection", names) if key.isdecimal()])
    return {
        row.stream_name: StreamLabel(str(row), reverse("admin:integrations_connection_change", args=[row.pk]))
        for row in rows.select_related("customer")
    }


def _label_webhooks(names: Iterable[str]) -> dict[str, StreamLabel]:
    rows = Webhook.objects.filter(pk__in=_extract_keys("webhook", names)).select_related("client")
    return {row.stream_name: StreamLabel(f"{row.client} – {row.url}", _change_url(row)) for row in rows}


def _label_candidate_emails(names: Iterable[str]) -> dict[str, StreamLabel]:
    rows = Customer.objects.filter(pk__in=_extract_keys(mail.ACCOUNT_STREAM, names))
    return {
        mail.get_candidate_stream(row.pk): StreamLabel(
            f"Email to candidates of {row}", reverse("admin:integrations_customer_change", args=[quote(row.pk)])
        )
        for row in rows
    }


def _change_url(webhook: Webhook) -> str:
    return reverse("admin:integrations_webhook_change", args=[quote(webhook.pk)])


def _extract_keys(kind: str, names: Iterable[str]) -> list[str]:
    return [name.partition(":")[2] for name in names if name.startswith(f"{kind}:")]
