"""Errors of the supervisor."""

# The start of the line that the preflight check writes (config/server/preflight.py).
REFUSAL_PREFIX = "The portal does not start: "


class StartupError(Exception):
    """The portal cannot start. The message is one line with the remedy."""
