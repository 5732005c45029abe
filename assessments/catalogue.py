"""What happens to the catalogue, and the only code that changes it for an engine."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypedDict, TypeVar

from django.db import transaction
from django.db.models import Count, Max
from django.utils import timezone

from assessments.models import Assessment, Package, Rule
from integrations.models import AssessmentType, PartnerConfiguration

T = TypeVar("T")
CHUNK_SIZE = 500  # ids in one query: databases limit its parameters
PACKAGE_FIELDS = (
    "type",
    "name",
    "description",
    "delivery",
    "invite_candidate",
    "remind_after_days",
    "expires_after_days",
)
UNINVITED_TYPES = frozenset(
    {AssessmentType.INLINE_ASSESSMENT, AssessmentType.BACKGROUND_CHECK, AssessmentType.REFERENCE_CHECK}
)


class AssessmentDraft(TypedDict, total=False):
    id: str
    type: str
    name: str
    description: str


class PackageDraft(TypedDict, total=False):
    """A package as it is to be; a key left out keeps its stored value. Valid: `assessments.api.serializers` says so.

    `rules` are columns of Rule. A new package has `id`, `type` and `name` at least, a new assessment likewise.
    """

    id: str
    type: str
    name: str
    description: str
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


@transaction.atomic
def put_package(draft: PackageDraft) -> bool:
    """Make or change one package; whether it is new."""
    lock_catalogue()
    return _write_drafts([draft]) == 1


@transaction.atomic
def put_packages(drafts: Sequence[PackageDraft]) -> Counts:
    """Make or change these packages, at once or not at all; the others stay as they are."""
    lock_catalogue()
    created = _write_drafts(drafts)
    return Counts(created, len(drafts) - created, 0)


@transaction.atomic
def replace_packages(drafts: Sequence[PackageDraft]) -> Counts:
    """Make or change these packages and retire all others, at once or not at all.

    `updated` counts the packages that were there, changed or not; `retired` those that are missing and were not
    retired before.
    """
    lock_catalogue()
    created = _write_drafts(drafts)
    listed = {draft["id"] for draft in drafts}
    missing = [pk for pk in Package.objects.filter(retired_at=None).values_list("pk", flat=True) if pk not in listed]
    return Counts(created, len(drafts) - created, sum(retire_packages(*ids) for ids in _split_chunks(missing)))


def retire_packages(*package_ids: str) -> int:
    """Offer these packages no longer; orders go on. How many were on offer."""
    now = timezone.now()
    return Package.objects.filter(pk__in=package_ids, retired_at=None).update(retired_at=now, updated_at=now)


def current_version() -> tuple[int, datetime | None]:
    """Another one after each change of a package, its assessments or its rules: all ways to change them touch it."""
    found = Package.objects.aggregate(count=Count("pk"), last=Max("updated_at"))
    return found["count"], found["last"]


def lock_catalogue() -> None:
    """One change of the catalogue at a time: two at once would wait for each other's rows crosswise.

    Until the transaction ends nobody else changes it.
    """
    PartnerConfiguration.objects.select_for_update().filter(pk=PartnerConfiguration.load().pk).get()


def _write_drafts(drafts: Sequence[PackageDraft]) -> int:
    """Write the drafts in a number of queries that does not grow with them (but by the chunk); how many are new."""
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
    """The stored package, or a new one, with the draft's columns; not saved."""
    if package is None:
        package = Package(id=draft["id"], invite_candidate=draft["type"] not in UNINVITED_TYPES)
    for column in PACKAGE_FIELDS:
        if column in draft:
            setattr(package, column, draft[column])  # type: ignore[literal-required]
    if "retired" in draft:
        package.retired_at = (package.retired_at or timezone.now()) if draft["retired"] else None
    return package


def _write_assessments(drafts: dict[str, list[AssessmentDraft]]) -> None:
    """Each package's assessments become those of its draft, in its order."""
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
            for column in ("type", "name", "description"):
                if column in part:
                    setattr(each, column, part[column])  # type: ignore[literal-required]
            each.pk, each.position = None, position
            written.append(each)
    for keys in _split_chunks(each.pk for each in stored.values()):
        Assessment.objects.filter(pk__in=keys).delete()
    Assessment.objects.bulk_create(
        written,
        update_conflicts=True,
        unique_fields=["package", "assessment_id"],
        update_fields=["type", "name", "description", "position"],
    )


def _write_rules(drafts: dict[str, list[dict[str, Any]]]) -> None:
    for ids in _split_chunks(drafts):
        Rule.objects.filter(package__in=ids).delete()
    Rule.objects.bulk_create(Rule(package_id=pk, **columns) for pk, rules in drafts.items() for columns in rules)


def _split_chunks(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK_SIZE)):
        yield chunk
