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
from config.apidocs.schema import get_schema
from integrations.models import EventType
from integrations.outbox import retry_policy
from integrations.webhooks.deliveries import WebhookHandler

QUICKSTART, WEBHOOKS, EVENTS = (f"api/{name}.sh" for name in ("quickstart", "webhooks", "events"))
RECEIVER, VERIFY = "api/receiver.txt", "api/verify.txt"
ORDER_DATA = '{"order": "id", "url": "…"}'
COMPANY_DATA = '{"customer": "id", "company_id": "…"}'
EVENT_DESCRIPTIONS = {
    EventType.ORDER_CREATED: ("SmartRecruiters has ordered.", ORDER_DATA),
    EventType.ORDER_EXPIRED: ("Nobody began it in time, or you said so: it is EXPIRED.", ORDER_DATA),
    EventType.DELIVERY_FAILED: ("A result cannot reach SmartRecruiters; staff see why.", ORDER_DATA),
    EventType.CONNECTION_ENABLED: ("A customer has connected a company.", COMPANY_DATA),
    EventType.CONNECTION_DISABLED: ("A company was disconnected.", COMPANY_DATA),
}


class SchemaView(SpectacularJSONAPIView):
    """The OpenAPI description; needs no token, since it holds nothing of anybody."""

    def _get_schema_response(self, request: Request) -> Response:
        return Response(get_schema())


@dataclass(frozen=True)
class QuickstartStep:
    description: str
    commands: str


def parse_steps(file: str = QUICKSTART) -> list[QuickstartStep]:
    """The file's blocks: a line of words, then the commands. A test runs the same file."""
    blocks = render_text(file).split("\n\n")
    return [
        QuickstartStep(says.removeprefix("# "), commands) for says, _, commands in (b.partition("\n") for b in blocks)
    ]


def render_text(file: str) -> str:
    return get_template(file).render().strip()


def format_schedule() -> str:
    """Of webhooks, as of all that goes out: "5 s, 30 s, …, then every 12 h"."""
    return f"{', '.join(map(_format_interval, retry_policy.RETRY_SCHEDULE))}, then every {_format_interval(retry_policy.MAX_DELAY)}"


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
            {"type": type, "description": says, "keys": keys} for type, (says, keys) in EVENT_DESCRIPTIONS.items()
        ],
        "deadline": WebhookHandler.deadline_seconds,
        "schedule": format_schedule(),
        "operations": reference.list_operations(),
    }
    return render(request, "api/docs.html", context)
