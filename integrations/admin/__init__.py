"""Admin of customers, people, connections, engines, webhooks, partner configuration, refused calls, and audit log."""

from integrations.admin import (
    audit,
    clients,
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
    "connections",
    "customers",
    "invitations",
    "partner",
    "refused_calls",
    "users",
    "webhooks",
]
