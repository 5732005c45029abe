"""Examples of every request and response of the engine API, for its OpenAPI description and its reference pages.

A test runs them against the API: Northwind Retail orders the package `shop-manager` for Amara Okafor, and the engine
accepts the order and reports the result.
"""

from typing import Any

Json = dict[str, Any]

PORTAL_URL = "https://portal.example"
API_URL = f"{PORTAL_URL}/api/vendor/v1"
ORDER_ID = "ord_8vk3m2zqt6wy4hcnd7ra"
ATTACHMENT_ID = "att_5pfx9s2hjm8vq3twkc6d"
WEBHOOK_ID = "wh_2bq7xk9mzr4tchv8ne5d"
CANDIDATE_ID = "b7c1f1d2-3e0a-4c57-9f0c-2f6f4d1d7a10"
JOB_ID = "0f5e7e3d-1473-4492-acc1-a51138fdb868"
TAKE_URL = f"{PORTAL_URL}/take/Vq3pJ8sYkZ0mTnXrB5wL2cHd7fGa9eUi"
EVENTS = ["order.created", "delivery.failed"]
WEBHOOK_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"  # noqa: S105  (the specification's example)

CUSTOMER = {"id": "cus_northwind", "name": "Northwind Retail"}
PACKAGE_DRAFT: Json = {
    "type": "SKILL_TEST",
    "name": "Shop manager",
    "description": "Three situations from a day in a shop",
    "expires_after_days": 14,
    "assessments": [
        {"id": "situations", "type": "SKILL_TEST", "name": "Situations", "description": ""},
        {"id": "till", "type": "SKILL_TEST", "name": "At the till", "description": ""},
    ],
    "rules": [{"customer": "cus_northwind"}, {"requester": "@northwind.example", "country": "DE", "remote": False}],
}
PACKAGE: Json = {
    "id": "shop-manager",
    **{key: PACKAGE_DRAFT[key] for key in ("type", "name", "description")},
    "delivery": "engine",
    "invite_candidate": True,
    "expires_after_days": 14,
    "retired": False,
    **{key: PACKAGE_DRAFT[key] for key in ("assessments", "rules")},
}
ACCEPT_REQUEST = {"launch_url": "https://engine.example/start/42"}
VIDEO_REQUEST = {"type": "VIDEO_URL", "url": "https://video.example/watch/42", "name": "Interview"}
FILE_REQUEST = {"file": "(the file itself: PDF, PNG or JPEG)", "assessment_id": "situations", "name": "report.pdf"}
SCORE = {"raw": 28, "min": 20, "max": 80}
SUBMITTED_AT = "2026-11-24T09:30:00Z"
RESULT_PATCH: Json = {
    "status": "COMPLETED",
    "score": SCORE,
    "score_label": "Promising",
    "summary": "Listens well, hesitates at the till.",
    "submission_date": SUBMITTED_AT,
    "assessment_results": [{"assessment_id": "situations", "status": "COMPLETED", "score_label": "Good"}],
}
EMPTY_RESULT = dict.fromkeys(("submission_date", "name", "summary", "score_label", "score"))
ASSESSMENT_RESULT = {
    **{"assessment_id": "situations", "status": "COMPLETED", "score": None, "score_label": "Good", "summary": None},
    **dict.fromkeys(("assessment_date", "submission_date", "name")),
}
LEASED_ORDER: Json = {
    "id": ORDER_ID,
    "smartrecruiters_order_id": "4f0c7b52-8d0e-4c57-9f0c-2f6f4d1d7a11",
    "company_id": "northwind",
    "customer": "cus_northwind",
    "package": "shop-manager",
    "inline": False,
    "created_at": "2026-11-24T09:00:00.120000Z",
    "updated_at": "2026-11-24T09:00:02.480000Z",
    "candidate": {
        "id": CANDIDATE_ID,
        "email": "amara.okafor@mail.example",
        "first_name": "Amara",
        "last_name": "Okafor",
        "language": "en",
    },
    "requester": {"user_id": "user-7", "email": "rita@northwind.example"},
    "job_id": JOB_ID,
    "accepted_at": None,
    "lease_expires_at": "2026-11-24T09:01:02.480000Z",
    "launch_url": None,
    "take_url": TAKE_URL,
    "return_url": f"{TAKE_URL}/done",
    "status": "PENDING",
    "delivery": "none",
    "result": {"status": "PENDING", "assessment_package_date": None, **EMPTY_RESULT, "assessment_results": []},
    "attachments": [],
    "fields": {"department": "Sales"},
}
ACCEPTED_ORDER: Json = LEASED_ORDER | {
    "updated_at": "2026-11-24T09:00:02.610000Z",
    "accepted_at": "2026-11-24T09:00:02.600000Z",
    "lease_expires_at": None,
    **ACCEPT_REQUEST,
}
FILE_ATTACHMENT = {
    "id": "att_9wkm4d7xq2tvh6scz3rp",
    "assessment_id": "situations",
    "type": "PDF_URL",
    "name": "report.pdf",
    "url": f"{PORTAL_URL}/files/hR6tKp2WvXc9QzLmN4sBf8JdYgE7uA3o",
}
VIDEO_ATTACHMENT = {"id": ATTACHMENT_ID, "assessment_id": None, **VIDEO_REQUEST}
COMPLETED_ORDER: Json = ACCEPTED_ORDER | {
    "updated_at": "2026-11-24T09:30:01.320000Z",
    "status": "COMPLETED",
    "delivery": "pending",
    "result": {
        **{"status": "COMPLETED", "assessment_package_date": None, "submission_date": SUBMITTED_AT, "name": None},
        **{key: RESULT_PATCH[key] for key in ("summary", "score_label", "score")},
        "assessment_results": [ASSESSMENT_RESULT],
    },
    "attachments": [FILE_ATTACHMENT, VIDEO_ATTACHMENT],
}
PREVIEW: Json = {
    "wire": {
        "status": "COMPLETED",
        "submissionDate": "2026-11-24T09:30:00.000Z",
        "summary": RESULT_PATCH["summary"],
        "scoreLabel": "Promising",
        "score": SCORE,
        "attachments": [{"type": "VIDEO_URL", "url": VIDEO_REQUEST["url"]}],
        "assessmentResults": [
            {
                "assessmentId": "situations",
                "status": "COMPLETED",
                "scoreLabel": "Good",
                "attachments": [{"type": "PDF_URL", "url": FILE_ATTACHMENT["url"]}],
            }
        ],
    },
    "score_text": "28/80",
    "score_percent": 13,
}
LOCATION = {"country": "Germany", "country_code": "de", "region": "Berlin", "region_code": "BE", "city": "Berlin"}
CANDIDATE = {
    **{"id": CANDIDATE_ID, "first_name": "Amara", "last_name": "Okafor", "email": "amara.okafor@mail.example"},
    **{"phone_number": "+1 555 0107", "location": LOCATION},
}
JOB = {
    **{"id": JOB_ID, "title": "Store manager", "ref_number": "REF104", "status": "SOURCING"},
    "company": {"id": "northwind", "name": "Northwind Retail"},
    "department": {"id": "retail", "label": "Retail"},
    "location": LOCATION | {"remote": False},
}
HIRING_TEAM = {
    "total_found": 2,
    "content": [{"id": "user-7", "role": "RECRUITER"}, {"id": "user-9", "role": "HIRING_MANAGER"}],
}
TIMELINE = {
    "results": [
        {"at": "2026-11-24T09:00:02.610000Z", "hop": "engine", "what": "Accepted", "by": "Sample engine", "detail": {}},
        {
            **{"at": "2026-11-24T09:00:00.120000Z", "hop": "in", "what": "Ordered: Shop manager"},
            **{"by": "SmartRecruiters", "detail": {"inline": False}},
        },
    ]
}
WEBHOOK = {"id": WEBHOOK_ID, "url": "https://engine.example/hooks/portal", "events": EVENTS}
EVENT_PAGE: Json = {
    "results": [
        {
            "type": "order.created",
            "timestamp": "2026-11-24T09:00:00.120Z",
            "data": {"order": ORDER_ID, "url": f"{API_URL}/orders/{ORDER_ID}"},
            "cursor": "1",
        },
        {
            "type": "connection.disabled",
            "timestamp": "2026-11-24T10:12:31.007Z",
            "data": {"customer": "cus_northwind", "company_id": "northwind"},
            "cursor": "2",
        },
    ],
    "next": None,
}


def _build_page(*rows: Json) -> Json:
    return {"results": [*rows], "next": None, "previous": None}


REQUESTS: dict[str, Json] = {
    "PUT packages": {"packages": [{"id": "shop-manager", **PACKAGE_DRAFT}]},
    "PUT packages/{package_id}": PACKAGE_DRAFT,
    "POST orders/lease": {"max": 10, "seconds": 60},
    "POST orders/{order_id}/accept": ACCEPT_REQUEST,
    "PATCH orders/{order_id}/result": RESULT_PATCH,
    "POST orders/{order_id}/result/preview": RESULT_PATCH,
    "POST orders/{order_id}/attachments": VIDEO_REQUEST,
    "POST webhooks": {key: WEBHOOK[key] for key in ("url", "events")},
    "PATCH webhooks/{webhook_id}": {"events": [*EVENTS, "order.expired"]},
}
RESPONSES: dict[str, dict[str, Json]] = {
    "GET customers": {"200": _build_page(CUSTOMER)},
    "GET packages": {"200": _build_page(PACKAGE)},
    "PUT packages": {"200": {"created": 0, "updated": 1, "retired": 0}},
    "GET packages/{package_id}": {"200": PACKAGE},
    "PUT packages/{package_id}": {"200": PACKAGE, "201": PACKAGE},
    "GET orders": {"200": _build_page(COMPLETED_ORDER)},
    "GET orders/{order_id}": {"200": COMPLETED_ORDER},
    "POST orders/lease": {"200": {"orders": [LEASED_ORDER]}},
    "POST orders/{order_id}/accept": {"200": ACCEPTED_ORDER},
    "PATCH orders/{order_id}/result": {"200": COMPLETED_ORDER},
    "POST orders/{order_id}/result/preview": {"200": PREVIEW},
    "POST orders/{order_id}/attachments": {"200": VIDEO_ATTACHMENT, "201": VIDEO_ATTACHMENT},
    "GET orders/{order_id}/candidate": {"200": CANDIDATE, "202": {}},
    "GET orders/{order_id}/job": {"200": JOB, "202": {}},
    "GET orders/{order_id}/hiring-team": {"200": HIRING_TEAM, "202": {}},
    "GET orders/{order_id}/timeline": {"200": TIMELINE},
    "GET webhooks": {"200": _build_page(WEBHOOK)},
    "POST webhooks": {"201": {**WEBHOOK, "secret": WEBHOOK_SECRET}},
    "GET webhooks/{webhook_id}": {"200": WEBHOOK},
    "PATCH webhooks/{webhook_id}": {"200": WEBHOOK | {"events": [*EVENTS, "order.expired"]}},
    "POST webhooks/{webhook_id}/rotate": {"200": {**WEBHOOK, "secret": WEBHOOK_SECRET}},
    "POST webhooks/{webhook_id}/test": {"200": WEBHOOK},
    "GET events": {"200": EVENT_PAGE},
}
PATH_PARAMETERS = {
    "package_id": "shop-manager",
    "order_id": ORDER_ID,
    "attachment_id": ATTACHMENT_ID,
    "webhook_id": WEBHOOK_ID,
}


def add_examples(result: Json, generator: Any, request: Any, public: bool) -> Json:
    """Add an example to each request, response and path parameter (drf-spectacular's postprocessing hook)."""
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path.removeprefix('/api/vendor/v1/')}"
            for kind, media in operation.get("requestBody", {}).get("content", {}).items():
                media["example"] = FILE_REQUEST if kind == "multipart/form-data" else REQUESTS[name]
            for status, example in RESPONSES.get(name, {}).items():
                operation["responses"][status]["content"]["application/json"]["example"] = example
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    parameter["example"] = PATH_PARAMETERS[parameter["name"]]
    return result
