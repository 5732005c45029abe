"""Admin of the outbox: streams, deliveries and replays."""

from integrations.outbox.admin import deliveries, streams

__all__ = ["deliveries", "streams"]
