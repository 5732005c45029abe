"""Admin of orders: a list with a search, and a page with the timeline."""

from orders.admin import orders

__all__ = ["orders"]
