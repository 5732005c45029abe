"""A package as a file has it."""

from dataclasses import dataclass, field
from typing import Any

from rest_framework import serializers

from assessments.api.serializers import PackageSerializer, serialize_package
from assessments.models import MAX_DAYS, Package
from integrations.api.fields import StrictIntegerField

RawPackage = dict[str, Any]


@dataclass(frozen=True)
class FileRecord:
    """One package as it was read, and on which line it stands; `part_lines` has those of its parts (`rules.0`)."""

    raw: RawPackage
    line: int
    part_lines: dict[str, int] = field(default_factory=dict)

    def find_line(self, path: str) -> int:
        """Of the part that an error's path leads to."""
        return self.part_lines.get(".".join(path.split(".")[:2]), self.line)


class UnreadableFileError(ValueError):
    """The file cannot be read on from this line; the message says what would be right."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


class FilePackageSerializer(PackageSerializer):
    remind_after_days = StrictIntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_DAYS)

    def validate(self, package: RawPackage) -> RawPackage:
        package = super().validate(package)
        reminded, expired = package.get("remind_after_days"), package.get("expires_after_days")
        if reminded and expired and reminded >= expired:
            message = f"By then the order has expired: remind earlier than after {expired} days."
            raise serializers.ValidationError({"remind_after_days": [message]})
        return package


def dump_package(package: Package) -> RawPackage:
    """The package with all its keys, in the order in which files have them."""
    shown = serialize_package(package)
    parts = {key: shown.pop(key) for key in ("assessments", "rules")}
    return {**shown, "remind_after_days": package.remind_after_days, **parts}
