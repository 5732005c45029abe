"""Import and export of the catalogue as CSV or JSON.

Files are validated by the serializers of the engine API, plus `remind_after_days`, which only staff may set.
"""
