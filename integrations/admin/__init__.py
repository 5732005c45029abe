"""Admin of customers, people, connections, engines, webhooks, partner configuration, incidents and the audit log."""

from integrations.admin import (
    audit,
    clients,
    companies,
    connections,
    customers,
    invitations,
    partner,
    refused_calls,
    users,
    webhooks,
)

__all__ = [
    "audit",
    "clients",
    "companies",
    "connections",
    "customers",
    "invitations",
    "partner",
    "refused_calls",
    "users",
    "webhooks",
]
