"""Emails about claims: a request to staff to confirm, and the outcome to the customer's administrators."""

from enum import StrEnum

from django.conf import settings
from django.contrib.admin.utils import quote
from django.urls import reverse

from integrations import mail
from integrations.connections.claims import ownership
from integrations.customers import memberships
from integrations.models import ClaimState, CompanyClaim, Customer, User
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery
from integrations.roles import StaffRole


class Outcome(StrEnum):
    CONNECTED = "connected"
    REFUSED = "refused"
    DENIED = "denied"
    EXPIRED = "expired"


def notify_staff(claim: CompanyClaim) -> None:
    """Ask the staff with the permission to confirm the claim. Call it in the transaction of the request."""
    for reader in User.objects.filter(is_active=True, staff_role=StaffRole.ADMINISTRATOR):
        deliveries.enqueue(
            ClaimRequestHandler.kind,
            stream="email",
            key=f"{ClaimRequestHandler.kind}:{claim.pk}:{reader.pk}",
            subject=claim.company_id,
            payload={"claim": claim.pk, "reader": reader.pk},
        )


def notify_customer(claim: CompanyClaim, outcome: Outcome) -> None:
    """Tell the customer's administrators the outcome. Call it in the transaction of the decision."""
    for reader in memberships.get_administrators(claim.customer):
        deliveries.enqueue(
            ClaimOutcomeHandler.kind,
            stream="email",
            key=f"{ClaimOutcomeHandler.kind}:{claim.customer_id}:{claim.company_id}:{reader.pk}",
            subject=claim.company_id,
            payload={"customer": claim.customer_id, "reader": reader.pk, "outcome": outcome},
        )


def _reader_skip_reason(delivery: Delivery) -> str:
    has_reader = User.objects.filter(pk=delivery.payload["reader"], is_active=True).exists()
    return "" if has_reader else "the recipient can no longer sign in"


class ClaimRequestHandler(mail.EmailHandler):
    """The email to staff, in English like all admin pages. Its link leads to the page with the button."""

    kind = "claim_request"
    label = "Email to confirm a company"
    previews = (
        mail.EmailPreview(
            "claim_request",
            "Confirm a company, to staff",
            "To all administrators of the staff, when a customer connects a company for the first time. In English.",
        ),
    )

    def skip_reason(self, delivery: Delivery) -> str:
        waiting = CompanyClaim.objects.filter(pk=delivery.payload["claim"], state=ClaimState.WAITING)
        if not waiting.exists():
            return "the request no longer waits"
        return _reader_skip_reason(delivery)

    def build_email(self, delivery: Delivery) -> tuple[mail.EmailContent, str]:
        claim = CompanyClaim.objects.select_related("customer").get(pk=delivery.payload["claim"])
        reader = User.objects.get(pk=delivery.payload["reader"])
        consent = ownership.find_waiting_consent(claim)
        others = [each for each in ownership.list_waiting_claims(claim.company_id) if each != claim]
        content = mail.render_email(
            self.kind,
            settings.LANGUAGE_CODE,
            person=reader.get_full_name(),
            company=claim.company_id,
            customer=claim.customer.name,
            inviter=consent.user.email if consent and consent.user else "",
            other=others[0].customer.name if others else "",
            url=settings.PUBLIC_URL + confirmation_path(claim),
        )
        return content, reader.email


def confirmation_path(claim: CompanyClaim) -> str:
    return reverse("admin:integrations_companyclaim_act", args=[quote(claim.pk), "confirm"])


class ClaimOutcomeHandler(mail.EmailHandler):
    kind = "claim_outcome"
    label = "Email about a confirmed company"
    previews = (
        mail.EmailPreview(
            "claim_outcome",
            "Company confirmed, to the customer",
            "To the customer’s administrators, when a company that staff had to confirm is connected, was refused by "
            "SmartRecruiters, denied by staff, or not confirmed in two weeks. In their language.",
        ),
    )

    def skip_reason(self, delivery: Delivery) -> str:
        if not Customer.objects.filter(pk=delivery.payload["customer"]).exists():
            return "the customer was deleted"
        return _reader_skip_reason(delivery)

    def build_email(self, delivery: Delivery) -> tuple[mail.EmailContent, str]:
        customer = Customer.objects.get(pk=delivery.payload["customer"])
        reader = User.objects.get(pk=delivery.payload["reader"])
        content = mail.render_email(
            self.kind,
            mail.best_language(customer.language),
            person=reader.get_full_name(),
            company=delivery.subject,
            customer=customer.name,
            outcome=delivery.payload["outcome"],
            url=settings.PUBLIC_URL + reverse("home"),
        )
        return content, reader.email
