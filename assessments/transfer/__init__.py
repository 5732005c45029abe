"""The catalogue as a file: written, read, compared with what is stored, applied.

A file says what an engine could say by PUT, and is checked by the same serializers; beside that it has what staff
alone decide (`remind_after_days`).
"""
