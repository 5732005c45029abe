from integrations.models.audit import AuditEntry
from integrations.models.clients import Client
from integrations.models.connections import (
    ConnectAttempt,
    Connection,
    ConnectionState,
    Consent,
    DisplayMode,
    ReportDelivery,
)
from integrations.models.customers import Customer, Membership, User
from integrations.models.idempotency import IdempotencyRecord
from integrations.models.invitations import Invitation
from integrations.models.partner import (
    AssessmentType,
    PartnerConfiguration,
    PartnerField,
    UrlStyle,
)
from integrations.models.webhooks import Event, EventType, Webhook

__all__ = [
    "AssessmentType",
    "AuditEntry",
    "Client",
    "ConnectAttempt",
    "Connection",
    "ConnectionState",
    "Consent",
    "Customer",
    "DisplayMode",
    "Event",
    "EventType",
    "IdempotencyRecord",
    "Invitation",
    "Membership",
    "PartnerConfiguration",
    "PartnerField",
    "ReportDelivery",
    "UrlStyle",
    "User",
    "Webhook",
]
