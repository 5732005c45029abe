"""Admin of customers and their people, connections, engines, the partner configuration, and the audit."""

from integrations.admin import audit, clients, connections, customers, partner, users

__all__ = ["audit", "clients", "connections", "customers", "partner", "users"]
