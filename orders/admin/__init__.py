"""Admin of orders: a list to find one, and a page that says what happened to it."""

from orders.admin import orders

__all__ = ["orders"]
