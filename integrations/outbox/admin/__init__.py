"""Streams and deliveries: what must reach the outside, why it does not, and how it is sent again."""

from integrations.outbox.admin import deliveries, streams

__all__ = ["deliveries", "streams"]
