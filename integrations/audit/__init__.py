"""The one writer of audit entries."""

from typing import Any

from integrations.models import AuditEntry, User


def record(action: str, subject: object, *, by: User | None = None, ip: str | None = None, **detail: Any) -> AuditEntry:
    """Write down one act. `action` is `noun.verb`; `subject` says of what; never a secret, nor a candidate's data."""
    return AuditEntry.objects.create(
        action=action,
        subject=str(subject),
        actor=by,
        actor_name=by.email if by else "",
        ip=ip,
        detail=detail,
    )
