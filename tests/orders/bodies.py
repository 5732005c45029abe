"""Requests from SmartRecruiters, and orders created from them."""

from typing import Any
from uuid import uuid4

from integrations.models import Connection
from orders import intake
from orders.api.order_request import parse_order_request
from orders.models import Order

ORDERS = "/smartrecruiters/packages/orders"
INLINE_ORDERS = "/smartrecruiters/packages/inline/orders"
CALLBACK = "https://api.smartrecruiters.com/assessment-api/v202010/orders/{}/results"
INLINE = {
    "candidate": {"email": "ada@lovelace.example", "firstName": "Ada", "lastName": "Lovelace"},
    "requester": None,
    "completedAssessmentCallbackUrl": "https://jobs.smartrecruiters.com/back?x=1",
}


def order_body(**changes: Any) -> dict[str, Any]:
    """Return the body of an ordinary order. A change to None removes the key."""
    body: dict[str, Any] = {
        "resultCallbackURL": CALLBACK.format(changes.pop("order_id", None) or uuid4()),
        "candidate": {
            "id": "cand-1",
            "email": "ada@lovelace.example",
            "firstName": "Ada",
            "lastName": "Lovelace",
            "applicationLanguage": "en",
        },
        "requester": {"userId": "user-1", "email": "ruth@northwind.example"},
        "assessmentPackageId": "skills",
        "companyId": "northwind",
        "job": {"id": "job-1"},
        **changes,
    }
    return {key: value for key, value in body.items() if value is not None}


def place_order(connection: Connection, **changes: Any) -> Order:
    is_inline = "completedAssessmentCallbackUrl" in changes
    request = parse_order_request(order_body(companyId=connection.company_id, **changes), is_inline=is_inline)
    order, _ = intake.place(connection=connection, request=request, is_inline=is_inline)
    return order
