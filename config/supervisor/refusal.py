class Refusal(Exception):
    """Why the portal does not start: one line that says what to do."""
