"""A result as SmartRecruiters takes it: an RFC 7396 merge patch that says all we know (PROTOCOL.md, "A result").

What is left out stays, `null` removes, arrays are replaced whole. So arrays are always complete, and a key that was
cleared is `null` until one such patch has arrived.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from integrations.outbox.models import Attempt, Delivery, DeliveryState
from orders import links
from orders.models import Attachment, Order, Result

Document = dict[str, Any]

ARRAYS = ("attachments", "assessmentResults")
# In place of our own links, which are a right by themselves: a stored payload must not open a report.
HOSTED = "attachment:"
OUR_LINK = re.compile(r"(files\\?/)[A-Za-z0-9_-]{32}")


def key_of(order: Order) -> str:
    """The sequence key of an order's results."""
    return f"{order.pk}:result"


def instant(at: datetime) -> str:
    """`2020-08-28T20:36:28.618Z`"""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def compose(order: Order, results: Iterable[Result] | None = None) -> Document:
    """The patch that brings SmartRecruiters from whatever it may have now to what we have now.

    `results`: to be taken for the stored ones, for a look at what a report would send.
    """
    attachments: defaultdict[str, list[Attachment]] = defaultdict(list)
    for attachment in order.attachments.all():
        attachments[attachment.assessment_id].append(attachment)
    rows = {row.assessment_id: row for row in (order.results.all() if results is None else results)}
    document = _part(rows.pop("", None), attachments.pop("", []), date="assessmentPackageDate")
    parts = [
        {"assessmentId": assessment_id, **part}
        for assessment_id in [*rows, *(key for key in attachments if key not in rows)]
        if (part := _part(rows.get(assessment_id), attachments.get(assessment_id, []), date="assessmentDate"))
    ]
    if parts:
        document["assessmentResults"] = parts
    for key in sorted(_perhaps_there(order) - document.keys()):
        document[key] = [] if key in ARRAYS else None
    return document


def _part(row: Result | None, attachments: Iterable[Attachment], *, date: str) -> Document:
    """What was set, of the package or of one assessment."""
    found: Document = {}
    if row is not None:
        found = {
            "status": row.status or None,
            date: row.assessment_date and instant(row.assessment_date),
            "submissionDate": row.submission_date and instant(row.submission_date),
            "name": row.name,
            "summary": row.summary,
            "scoreLabel": row.score_label,
            "score": score_of(row),
        }
    found["attachments"] = [{"type": a.type, "url": a.external_url or HOSTED + a.pk} for a in attachments] or None
    return {key: value for key, value in found.items() if value is not None}


def score_of(row: Result) -> dict[str, int | None] | None:
    if row.score_raw is None:
        return None
    return {"raw": row.score_raw, "min": row.score_min, "max": row.score_max}


def without_empty(document: Document) -> Document:
    """What a patch sets, without what it only takes away."""
    return {key: value for key, value in document.items() if value is not None and value != []}


def _perhaps_there(order: Order) -> set[str]:
    """Keys that SmartRecruiters may hold: of the last patch that arrived, and of those sent since."""
    sent = Delivery.objects.filter(key=key_of(order))
    last = sent.filter(state=DeliveryState.DELIVERED).order_by("-pk").first()
    since = perhaps_sent(sent.filter(pk__gt=last.pk) if last else sent)
    payloads = [delivery.payload for delivery in since] + ([last.payload] if last else [])
    return {key for payload in payloads for key in without_empty(payload)}


def perhaps_sent(deliveries: Any) -> Any:
    """Those whose call went out at least once, whatever became of it."""
    is_waiting = Q(state=DeliveryState.IN_FLIGHT)
    return deliveries.filter(is_waiting | Exists(Attempt.objects.filter(delivery=OuterRef("pk"))))


def addressed(document: Document) -> Document:
    """The patch as it goes out: with the links to the reports that we host. One that is gone is left out."""
    wanted = [entry["url"].removeprefix(HOSTED) for entry in _attachments(document) if entry["url"].startswith(HOSTED)]
    urls = (
        {HOSTED + row.pk: links.report_url(row) for row in Attachment.objects.filter(pk__in=wanted)} if wanted else {}
    )

    def with_links(part: Document) -> Document:
        if not part.get("attachments"):
            return part
        entries = [
            {**entry, "url": urls.get(entry["url"], entry["url"])}
            for entry in part["attachments"]
            if entry["url"] in urls or not entry["url"].startswith(HOSTED)
        ]
        return {**part, "attachments": entries}

    found = with_links(document)
    if found.get("assessmentResults"):
        found = {**found, "assessmentResults": [with_links(part) for part in found["assessmentResults"]]}
    return found


def _attachments(document: Document) -> list[dict[str, str]]:
    parts = [document, *(document.get("assessmentResults") or [])]
    return [entry for part in parts for entry in part.get("attachments") or []]


def without_links(text: str) -> str:
    """SmartRecruiters' answer repeats our links; in what we keep of it they open nothing."""
    return OUR_LINK.sub(r"\1***", text)
