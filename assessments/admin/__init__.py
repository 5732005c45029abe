"""The catalogue by hand. An engine that syncs it (PUT /packages) overwrites what is changed here."""

from assessments.admin import packages

__all__ = ["packages"]
