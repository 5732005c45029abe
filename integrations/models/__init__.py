from integrations.models.audit import AuditEntry
from integrations.models.clients import Client
from integrations.models.connections import (
    ConnectAttempt,
    Connection,
    ConnectionState,
    Consent,
    DisplayMode,
)
from integrations.models.customers import Customer, User
from integrations.models.partner import (
    AssessmentType,
    PartnerConfiguration,
    PartnerField,
    ReportDelivery,
    UrlStyle,
)

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
    "PartnerConfiguration",
    "PartnerField",
    "ReportDelivery",
    "UrlStyle",
    "User",
]
