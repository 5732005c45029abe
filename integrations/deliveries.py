"""The outbox handlers of this app."""


def register() -> None:
    """Called once, when the apps are ready."""
