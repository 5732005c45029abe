"""Role-based access control: one role for each member of staff, one role per organisation for a customer's people.

Permissions have Django's names, `app.verb_model`. A permission that is not listed here belongs to administrators alone,
so that new pages are closed by default.
"""

from django.db import models

# Candidates' names, email addresses, answers and reports, and the requests that contain them.
PERSONAL_DATA_PERMISSION = "integrations.see_personal"
AUDIT_PERMISSION = "integrations.view_auditentry"


class StaffRole(models.TextChoices):
    VIEWER = "viewer", "Viewer: sees orders and deliveries, but no candidate data"
    SUPPORT = "support", "Support: sees candidates, acts on orders, sends again"
    ADMINISTRATOR = "administrator", "Administrator: configures, manages people, disconnects, erases"


class MemberRole(models.TextChoices):
    VIEWER = "viewer", "Viewer: sees connections and orders"
    ADMINISTRATOR = "administrator", "Administrator: also connects, disconnects and invites people"


HIDDEN_FROM_VIEWERS = frozenset({AUDIT_PERMISSION})
SUPPORT_PERMISSIONS = frozenset(
    {
        PERSONAL_DATA_PERMISSION,
        AUDIT_PERMISSION,
        "integrations.change_connection",  # try again; not disconnect
        "integrations.change_webhook",
        "orders.change_order",  # accept, report; not erase
        "outbox.change_delivery",
        "outbox.change_stream",
    }
)


def role_has_permission(role: str, permission: str) -> bool:
    """Return True if the staff role has the permission. Without a role there are no permissions."""
    if role == StaffRole.ADMINISTRATOR:
        return True
    if role == StaffRole.SUPPORT and permission in SUPPORT_PERMISSIONS:
        return True
    is_view = permission.partition(".")[2].startswith("view_")
    return role in StaffRole.values and is_view and permission not in HIDDEN_FROM_VIEWERS
