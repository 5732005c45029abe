"""Runs every process of a portal: `python -m config.supervisor serve` or `demo`.

Nothing of Django is imported here, so that the first line shows at once and a broken setting is reported by the
process that needs it.
"""
