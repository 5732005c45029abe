REFUSAL_PREFIX = "The portal does not start: "
"""How the one line of a process begins that will not run with its settings (config/server/preflight.py)."""


class StartupError(Exception):
    """Why the portal does not start: one line that says what to do."""
