"""Who may do what: partner staff by one role each, a customer's people by one role in each organisation.

Permissions are Django's names, `app.verb_model`. One that no line here grants is an administrator's alone, so that a
new page is closed until somebody opens it.
"""

from django.db import models

PERSONAL_DATA_PERMISSION = "integrations.see_personal"
"""Candidates' names, addresses, answers and reports, and the calls that carried them."""


class StaffRole(models.TextChoices):
    VIEWER = "viewer", "Viewer: sees what happens, nothing of candidates"
    SUPPORT = "support", "Support: sees candidates, acts on orders, sends again"
    ADMINISTRATOR = "administrator", "Administrator: configures, manages people, disconnects, erases"


class MemberRole(models.TextChoices):
    VIEWER = "viewer", "Viewer: sees connections and orders"
    ADMINISTRATOR = "administrator", "Administrator: also connects, disconnects and invites people"


HIDDEN_FROM_VIEWERS = frozenset({"integrations.view_auditentry"})
SUPPORT_PERMISSIONS = frozenset(
    {
        PERSONAL_DATA_PERMISSION,
        "integrations.view_auditentry",
        "integrations.change_connection",  # try again; not disconnect
        "integrations.change_webhook",
        "orders.change_order",  # accept, report; not erase
        "outbox.change_delivery",
        "outbox.change_stream",
    }
)


def role_has_permission(role: str, permission: str) -> bool:
    """May staff of this role do this? Nobody without a role may anything."""
    if role == StaffRole.ADMINISTRATOR:
        return True
    if role == StaffRole.SUPPORT and permission in SUPPORT_PERMISSIONS:
        return True
    looks = permission.partition(".")[2].startswith("view_")
    return role in StaffRole.values and looks and permission not in HIDDEN_FROM_VIEWERS
