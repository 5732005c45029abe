"""Admin of customers, their people and connections, engines, the partner configuration, and the audit."""

from integrations.admin import audit, clients, connections, customers, invitations, partner, users, webhooks

__all__ = ["audit", "clients", "connections", "customers", "invitations", "partner", "users", "webhooks"]
