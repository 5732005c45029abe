"""Documentation pages of the engine API: quickstart, webhooks and reference."""

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
from config.apidocs.schema import get_schema
from integrations.models import EventType
from integrations.outbox.sending import retry_policy
from integrations.webhooks.deliveries import WebhookHandler

QUICKSTART, WEBHOOKS, EVENTS = (f"api/{name}.sh" for name in ("quickstart", "webhooks", "events"))
RECEIVER, VERIFY = "api/receiver.txt", "api/verify.txt"
ORDER_DATA = '{"order": "id", "url": "…"}'
COMPANY_DATA = '{"customer": "id", "company_id": "…"}'
EVENT_DESCRIPTIONS = {
    EventType.ORDER_CREATED: ("SmartRecruiters has placed an order.", ORDER_DATA),
    EventType.ORDER_EXPIRED: ("The candidate did not start in time, or you reported EXPIRED.", ORDER_DATA),
    EventType.DELIVERY_FAILED: ("A result cannot be delivered to SmartRecruiters; staff see the reason.", ORDER_DATA),
    EventType.CONNECTION_ENABLED: ("A customer has connected a company.", COMPANY_DATA),
    EventType.CONNECTION_DISABLED: ("A company was disconnected.", COMPANY_DATA),
}


class SchemaView(SpectacularJSONAPIView):
    """The OpenAPI description. It needs no token: it contains no data."""

    def _get_schema_response(self, request: Request) -> Response:
        return Response(get_schema())


@dataclass(frozen=True)
class QuickstartStep:
    description: str
    commands: str


def parse_steps(file: str = QUICKSTART) -> list[QuickstartStep]:
    """Return the file's blocks: a comment line, then commands. A test runs the same file."""
    blocks = render_text(file).split("\n\n")
    return [
        QuickstartStep(comment.removeprefix("# "), commands)
        for comment, _, commands in (block.partition("\n") for block in blocks)
    ]


def render_text(file: str) -> str:
    return get_template(file).render().strip()


def format_schedule() -> str:
    """Return the retry schedule of all deliveries: "5 s, 30 s, …, then every 12 h"."""
    intervals = ", ".join(map(_format_interval, retry_policy.RETRY_SCHEDULE))
    return f"{intervals}, then every {_format_interval(retry_policy.MAX_DELAY)}"


def _format_interval(wait: timedelta) -> str:
    seconds = int(wait.total_seconds())
    return next(f"{seconds // unit} {name}" for unit, name in ((3600, "h"), (60, "min"), (1, "s")) if seconds >= unit)


@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    message = examples.EVENT_PAGE["results"][0]
    context = {
        "quickstart": parse_steps(QUICKSTART),
        "webhooks": parse_steps(WEBHOOKS),
        "pull": parse_steps(EVENTS),
        "receiver": render_text(RECEIVER),
        "verify": render_text(VERIFY),
        "message": json.dumps({key: message[key] for key in ("type", "timestamp", "data")}, indent=2),
        "events": [
            {"type": type, "description": description, "keys": keys}
            for type, (description, keys) in EVENT_DESCRIPTIONS.items()
        ],
        "deadline": WebhookHandler.deadline_seconds,
        "schedule": format_schedule(),
        "operations": reference.list_operations(),
    }
    return render(request, "api/docs.html", context)
