"""Django's PostgreSQL backend for a pooler in transaction mode."""
