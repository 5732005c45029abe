"""Write operations on the catalogue. Engine, import and seeding all write through this module."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypedDict, TypeVar

from django.db import transaction
from django.utils import timezone

from assessments.models import Assessment, CatalogueRevision, Package, Rule
from integrations.models import AssessmentType

T = TypeVar("T")
CHUNK_SIZE = 500  # ids in one query: databases limit its parameters
COMMON_FIELDS = ("type", "name", "description")
PACKAGE_FIELDS = (*COMMON_FIELDS, "delivery", "invite_candidate", "remind_after_days", "expires_after_days")
UNINVITED_TYPES = frozenset(
    {AssessmentType.INLINE_ASSESSMENT, AssessmentType.BACKGROUND_CHECK, AssessmentType.REFERENCE_CHECK}
)


class AssessmentDraft(TypedDict, total=False):
    id: str
    type: str
    name: str
    description: str


class PackageDraft(AssessmentDraft, total=False):
    """New values of a package, validated by `assessments.api.serializers`. A missing key keeps its stored value.

    `rules` are columns of Rule. New packages and new assessments need `id`, `type` and `name`.
    """

    delivery: str
    invite_candidate: bool
    remind_after_days: int | None
    expires_after_days: int | None
    retired: bool
    assessments: list[AssessmentDraft]
    rules: list[dict[str, Any]]


class Counts(NamedTuple):
    created: int
    updated: int
    retired: int


def put_package(draft: PackageDraft) -> bool:
    """Create or update one package. Return True if it is new."""
    return put_packages([draft]).created == 1


@transaction.atomic
def put_packages(drafts: Sequence[PackageDraft]) -> Counts:
    """Create or update these packages in one transaction. Other packages do not change."""
    CatalogueRevision.renew()
    created = _write_drafts(drafts)
    return Counts(created, len(drafts) - created, 0)


@transaction.atomic
def replace_packages(drafts: Sequence[PackageDraft]) -> Counts:
    """Create or update these packages and retire all others, in one transaction.

    `updated` counts existing packages, changed or not; `retired` those that this call retires.
    """
    CatalogueRevision.renew()
    created = _write_drafts(drafts)
    listed = {draft["id"] for draft in drafts}
    missing = [pk for pk in Package.objects.filter(retired_at=None).values_list("pk", flat=True) if pk not in listed]
    return Counts(created, len(drafts) - created, sum(retire_packages(*ids) for ids in _split_chunks(missing)))


def retire_packages(*package_ids: str) -> int:
    """Retire these packages and return how many were on offer. Their orders go on."""
    now = timezone.now()
    return Package.objects.filter(pk__in=package_ids, retired_at=None).update(retired_at=now, updated_at=now)


def _write_drafts(drafts: Sequence[PackageDraft]) -> int:
    """Write the drafts with a fixed number of queries per chunk. Return how many packages are new."""
    stored: dict[str, Package] = {}
    for ids in _split_chunks([draft["id"] for draft in drafts]):
        stored |= Package.objects.in_bulk(ids)
    Package.objects.bulk_create(
        [apply_draft(draft, stored.get(draft["id"])) for draft in drafts],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[*PACKAGE_FIELDS, "retired_at", "updated_at"],
    )
    _write_assessments({draft["id"]: draft["assessments"] for draft in drafts if "assessments" in draft})
    _write_rules({draft["id"]: draft["rules"] for draft in drafts if "rules" in draft})
    return len(drafts) - len(stored)


def apply_draft(draft: PackageDraft, package: Package | None) -> Package:
    """Return the package, or a new one, with the draft's values. It is not saved."""
    if package is None:
        package = Package(id=draft["id"], invite_candidate=draft["type"] not in UNINVITED_TYPES)
    for column in PACKAGE_FIELDS:
        if column in draft:
            setattr(package, column, draft[column])  # type: ignore[literal-required]
    if "retired" in draft:
        package.retired_at = (package.retired_at or timezone.now()) if draft["retired"] else None
    return package


def _write_assessments(drafts: dict[str, list[AssessmentDraft]]) -> None:
    """Replace the assessments of each package by those of its draft, in the draft's order."""
    stored = {
        (each.package_id, each.assessment_id): each
        for ids in _split_chunks(drafts)
        for each in Assessment.objects.filter(package__in=ids)
    }
    written = []
    for package_id, parts in drafts.items():
        for position, part in enumerate(parts):
            each = stored.pop((package_id, part["id"]), None)
            each = each or Assessment(package_id=package_id, assessment_id=part["id"])
            for column in COMMON_FIELDS:
                if column in part:
                    setattr(each, column, part[column])  # type: ignore[literal-required]
            # The primary key is not written: conflicts are found by package and assessment_id.
            each.pk, each.position = None, position
            written.append(each)
    for keys in _split_chunks(each.pk for each in stored.values()):
        Assessment.objects.filter(pk__in=keys).delete()
    Assessment.objects.bulk_create(
        written,
        update_conflicts=True,
        unique_fields=["package", "assessment_id"],
        update_fields=[*COMMON_FIELDS, "position"],
    )


def _write_rules(drafts: dict[str, list[dict[str, Any]]]) -> None:
    for ids in _split_chunks(drafts):
        Rule.objects.filter(package__in=ids).delete()
    Rule.objects.bulk_create(Rule(package_id=pk, **columns) for pk, rules in drafts.items() for columns in rules)


def _split_chunks(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK_SIZE)):
        yield chunk
