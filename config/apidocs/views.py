"""The engine API's pages: "Plug in your engine", and the reference, both drawn on the server from what is served."""

import json
from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from config.apidocs import examples, reference
from config.apidocs.schema import description
from integrations.models import EventType
from integrations.outbox import retry_policy
from integrations.webhooks.deliveries import WebhookMessage

QUICKSTART, WEBHOOKS, EVENTS = (f"api/{name}.sh" for name in ("quickstart", "webhooks", "events"))
RECEIVER, VERIFY = "api/receiver.txt", "api/verify.txt"
OF_AN_ORDER = '{"order": "id", "url": "…"}'
OF_A_COMPANY = '{"customer": "id", "company_id": "…"}'
HAPPENED = {
    EventType.ORDER_CREATED: ("SmartRecruiters has ordered.", OF_AN_ORDER),
    EventType.ORDER_EXPIRED: ("Nobody began it in time, or you said so: it is EXPIRED.", OF_AN_ORDER),
    EventType.DELIVERY_FAILED: ("A result cannot reach SmartRecruiters; staff see why.", OF_AN_ORDER),
    EventType.CONNECTION_ENABLED: ("A customer has connected a company.", OF_A_COMPANY),
    EventType.CONNECTION_DISABLED: ("A company was disconnected.", OF_A_COMPANY),
}


class Schema(SpectacularJSONAPIView):
    """The OpenAPI description; needs no token, since it holds nothing of anybody."""

    def _get_schema_response(self, request: Request) -> Response:
        return Response(description())


@dataclass(frozen=True)
class Step:
    says: str
    commands: str


def steps(file: str = QUICKSTART) -> list[Step]:
    """The file's blocks: a line of words, then the commands. A test runs the same file."""
    blocks = text(file).split("\n\n")
    return [Step(says.removeprefix("# "), commands) for says, _, commands in (b.partition("\n") for b in blocks)]


def text(file: str) -> str:
    return get_template(file).render().strip()


def schedule() -> str:
    """Of webhooks, as of all that goes out: "5 s, 30 s, …, then every 12 h"."""
    return f"{', '.join(map(_short, retry_policy.SCHEDULE))}, then every {_short(retry_policy.AFTERWARDS)}"


def _short(wait: timedelta) -> str:
    seconds = int(wait.total_seconds())
    return next(f"{seconds // unit} {name}" for unit, name in ((3600, "h"), (60, "min"), (1, "s")) if seconds >= unit)


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    message = examples.EVENT_PAGE["results"][0]
    context = {
        "quickstart": steps(QUICKSTART),
        "webhooks": steps(WEBHOOKS),
        "pull": steps(EVENTS),
        "receiver": text(RECEIVER),
        "verify": text(VERIFY),
        "message": json.dumps({key: message[key] for key in ("type", "timestamp", "data")}, indent=2),
        "events": [{"type": type, "says": says, "keys": keys} for type, (says, keys) in HAPPENED.items()],
        "deadline": WebhookMessage.deadline_seconds,
        "schedule": schedule(),
        "operations": reference.operations(),
    }
    return render(request, "api/docs.html", context)
