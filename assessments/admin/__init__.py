"""Admin pages of the catalogue. An engine that syncs packages overwrites changes made here."""

from assessments.admin import packages

__all__ = ["packages"]
