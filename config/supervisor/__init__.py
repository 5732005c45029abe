"""Process supervisor: runs all processes of a portal, by `python -m config.supervisor serve` or `demo`.

It does not import Django, so that its first line appears at once; the processes themselves report invalid settings.
"""
