"""Admin of customers, people, connections, engines, webhooks, the partner configuration and the audit log."""

from integrations.admin import audit, clients, connections, customers, invitations, partner, users, webhooks

__all__ = ["audit", "clients", "connections", "customers", "invitations", "partner", "users", "webhooks"]
