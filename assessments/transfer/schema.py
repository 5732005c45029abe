"""Package as it is represented in an import or export file."""

from dataclasses import dataclass, field
from typing import Any

from rest_framework import serializers

from assessments.api.serializers import PackageSerializer, serialize_package
from assessments.models import MAX_DAYS, Package
from integrations.api.fields import StrictIntegerField

RawPackage = dict[str, Any]


@dataclass(frozen=True)
class FileRecord:
    """Package as read from a file, with its line. `part_lines` has the lines of its parts, such as `rules.0`."""

    raw: RawPackage
    line: int
    part_lines: dict[str, int] = field(default_factory=dict)

    def find_line(self, path: str) -> int:
        """Return the line of the part that an error's path names."""
        return self.part_lines.get(".".join(path.split(".")[:2]), self.line)


class UnreadableFileError(ValueError):
    """Raised for a file that cannot be parsed beyond this line. The message names the right form."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


class FilePackageSerializer(PackageSerializer):
    remind_after_days = StrictIntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_DAYS)

    def validate(self, package: RawPackage) -> RawPackage:
        package = super().validate(package)
        reminded, expired = package.get("remind_after_days"), package.get("expires_after_days")
        if reminded and expired and reminded >= expired:
            message = f"The order has expired by then; use fewer than {expired} days."
            raise serializers.ValidationError({"remind_after_days": [message]})
        return package


def dump_package(package: Package) -> RawPackage:
    """Return the package with all its keys, in the order of the file format."""
    columns = serialize_package(package)
    parts = {key: columns.pop(key) for key in ("assessments", "rules")}
    return {**columns, "remind_after_days": package.remind_after_days, **parts}
