"""Sample engine: the code that a vendor writes to use the engine API. `python -m integrations.simulator.engine`.

It uses the public engine API only, has no storage, and may be stopped and started at any time:

    lease orders -> accept each with a launch_url -> the candidate answers on that page
                 -> upload the report, report the result -> redirect the candidate to the order's return_url

Environment: PORTAL_URL, ENGINE_CLIENT_ID, ENGINE_CLIENT_SECRET, ENGINE_PORT (8002), ENGINE_BIND (127.0.0.1),
ENGINE_PUBLIC_URL (http://localhost:ENGINE_PORT), ENGINE_AUTO_ANSWER=1 (answers every order at once, for load tests).
"""

import html
import json
import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import requests

PORT = int(os.environ.get("ENGINE_PORT", "8002"))
BIND = os.environ.get("ENGINE_BIND", "127.0.0.1")
PUBLIC_URL = os.environ.get("ENGINE_PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
PORTAL_URL = os.environ.get("PORTAL_URL", "http://localhost:8000").rstrip("/")
MIN_SCORE, MAX_SCORE = 20, 80
ANSWER_POINTS = [(2, 20, 0), (3, 20, 0), (3, 20, 0)]  # of each question's answers; the first ones make 28 of 80
UNANSWERED = -1
TRANSLATIONS = json.loads(Path(__file__).with_name("engine_translations.json").read_text("utf-8"))
# By language: the page's texts, and the questions with their answers by the last word of the package's type.
PAGE_TEMPLATE = """<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{title}</title>
<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width"><style>
:root {{ color-scheme: light dark }}
body {{ font: 1.05rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 2rem auto; padding: 0 1rem }}
fieldset {{ border: 1px solid #8888; border-radius: 8px; margin: 0 0 1rem; padding: 1rem; min-width: 0 }}
label {{ display: block; padding: .5rem 0 }} legend {{ float: left; width: 100%; padding: 0; font-weight: 600 }}
legend small {{ display: block; font-weight: 400 }} legend + label {{ clear: both }}
button {{ font: inherit; padding: .6rem 1.4rem; border: 0; border-radius: 8px; background: #1f5fbf; color: #fff }}
</style><main><h1>{title}</h1>{body}</main></html>"""
HEADERS = {"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"}
CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
Json = dict[str, Any]

auth_headers: dict[str, str] = {}


def call_api(method: str, path: str, **options: Any) -> Json:
    """Call the engine API; renew a missing or refused token once. Raises requests.HTTPError for an error status."""
    url = f"{PORTAL_URL}/api/vendor/v1/{path}"
    response = requests.request(method, url, headers=auth_headers, timeout=20, **options)
    if response.status_code == 401:
        client = (os.environ["ENGINE_CLIENT_ID"], os.environ["ENGINE_CLIENT_SECRET"])
        form = {"grant_type": "client_credentials"}
        token = requests.post(f"{PORTAL_URL}/oauth/token", form, auth=client, timeout=20)
        token.raise_for_status()
        auth_headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        response = requests.request(method, url, headers=auth_headers, timeout=20, **options)
    response.raise_for_status()
    return dict(response.json())


def poll_orders() -> None:
    """Lease new orders every second, forever. Errors are logged and retried."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        while True:
            orders = []
            try:
                orders = call_api("POST", "orders/lease", json={"max": 50, "seconds": 60})["orders"]
            except (requests.RequestException, ValueError, LookupError) as error:
                logging.warning("no orders: %s", error)
            list(pool.map(accept_order, orders))
            time.sleep(0 if orders else 1)


def accept_order(order: Json) -> None:
    """Accept the order with the URL of its page. After a failure, the lease expires and the order is leased again."""
    try:
        if os.environ.get("ENGINE_AUTO_ANSWER") == "1":
            report_result(order, [0] * len(ANSWER_POINTS))  # accepts the order as well
        else:
            page = f"{PUBLIC_URL}/take/{order['id']}"
            call_api("POST", f"orders/{order['id']}/accept", json={"launch_url": page})
    except (requests.RequestException, ValueError, LookupError) as error:
        logging.warning("%s: %s", order["id"], error)


def report_result(order: Json, choices: list[int]) -> None:
    """Upload the report, then the result that refers to it. Idempotent."""
    raw = MIN_SCORE + sum(points[choice] for points, choice in zip(ANSWER_POINTS, choices, strict=True))
    label = "Excellent" if raw >= 70 else "Good" if raw >= 50 else "Needs practice"
    name = f"{order['candidate']['first_name']} {order['candidate']['last_name']}"
    package = call_api("GET", f"packages/{order['package']}")
    pdf = build_pdf([package["name"], f"Candidate: {name}", f"Score: {raw} of {MAX_SCORE} ({label})"])
    call_api("POST", f"orders/{order['id']}/attachments", files={"file": ("report.pdf", pdf, "application/pdf")})
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    score = {"score": {"raw": raw, "min": MIN_SCORE, "max": MAX_SCORE}, "score_label": label}
    shared = {"status": "COMPLETED", **score, "submission_date": now}
    assessments = [
        {**shared, "assessment_id": each["id"], "assessment_date": now, "summary": f"{each['name']}: {label}"}
        for each in package["assessments"]
    ]
    summary = f"{name} answered {len(choices)} questions and scored {raw} of {MAX_SCORE} points."
    dated = {"assessment_package_date": order["created_at"], "summary": summary}
    try:
        call_api("PATCH", f"orders/{order['id']}/result", json={**shared, **dated, "assessment_results": assessments})
    except requests.HTTPError as error:
        if error.response.status_code != 409:  # the result is final already
            raise


def build_pdf(lines: list[str]) -> bytes:
    """Build a PDF of one page: five objects, the table of their offsets, and the trailer."""
    escaped = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in lines]
    text = " ".join(f"({line}) Tj T*" for line in escaped)
    stream = f"BT /F1 16 Tf 72 760 Td 28 TL {text} ET".encode("cp1252", "replace")
    objects = [
        b"<</Type /Catalog /Pages 2 0 R>>",
        b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources <</Font <</F1 4 0 R>>>>>>",
        b"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    pdf, table = b"%PDF-1.4\n", b"0000000000 65535 f \n"
    for number, each in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(pdf)
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    return pdf + b"xref\n0 6\n%strailer\n<</Size 6 /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (table, len(pdf))


class CandidateHandler(BaseHTTPRequestHandler):
    """Serve the page at launch_url. The order's id is random and long enough to act as the page's access token."""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] in ("/", "/healthz"):
            return self.send_page(200, "The sample engine is running", "<p>Open the link in your invitation.</p>")
        self.serve_order([])

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 10_000)).decode("latin-1"))
        chosen = [form.get(f"q{place}", [""])[0] for place in range(len(ANSWER_POINTS))]
        self.serve_order([int(choice) if choice in ("0", "1", "2") else UNANSWERED for choice in chosen])

    def serve_order(self, choices: list[int]) -> None:
        """Show the questions of the order in the path, or report the answers and redirect to the order's return_url."""
        order_id, is_complete = self.path.removeprefix("/take/"), bool(choices) and UNANSWERED not in choices
        if not order_id.replace("_", "").isalnum():
            return self.send_page(404, "Page not found", "")
        try:
            order = call_api("GET", f"orders/{order_id}")
            finished = order["status"] in ("COMPLETED", "REJECTED", "EXPIRED")
            if is_complete and not finished:
                report_result(order, choices)
            package = call_api("GET", f"packages/{order['package']}")
        except requests.RequestException as error:
            if error.response is not None and error.response.status_code in (404, 410):
                return self.send_page(404, "This assessment is no longer available", "")
            logging.warning("%s: %s", order_id, error)
            return self.send_page(503, "One moment please", "<p>Please reload this page in a minute.</p>")
        if is_complete or finished:
            return self.send_page(303, "Thank you", "", Location=order["return_url"])
        language = next((each for each in TRANSLATIONS if each == (order["candidate"]["language"] or "")[:2]), "en")
        body = self.render_questions(order["candidate"]["first_name"], package, TRANSLATIONS[language], choices)
        self.send_page(422 if choices else 200, package["name"], body, language)

    def render_questions(self, name: str, package: Json, texts: Json, choices: list[int]) -> str:
        """Return the form for the package's type. `choices` keeps the given answers if some are missing."""
        body = f"<p>{html.escape(texts['hello'].format(name=name))}</p><form method=post>"
        if missing := choices.count(UNANSWERED):
            body = f"<p role=alert><b>{texts['missing'].format(missing=missing, of=len(choices))}</b></p>{body}"
        questions = texts["questions"].get(package["type"].split("_")[-1], texts["questions"]["ASSESSMENT"])
        for place, (question, *answers) in enumerate(questions):
            parts = package["assessments"] or [package]
            part = html.escape(parts[place % len(parts)]["name"])
            body += f"<fieldset><legend><small>{part}</small> {question}</legend>"
            for value, text in enumerate(answers):
                checked = " checked" if choices[place : place + 1] == [value] else ""
                body += f"<label><input type=radio name=q{place} value={value} required{checked}> {text}</label>"
            body += "</fieldset>"
        return body + f"<button>{texts['submit']}</button></form>"

    def send_page(self, status: int, title: str, body: str, language: str = "en", **headers: str) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Security-Policy": CSP, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(PAGE_TEMPLATE.format(title=html.escape(title), body=body, language=language).encode())

    def log_message(self, *_: Any) -> None: ...  # the URL of a candidate's page is secret


if __name__ == "__main__":
    logging.basicConfig(format="engine: %(message)s")
    threading.Thread(target=poll_orders, daemon=True).start()
    ThreadingHTTPServer((BIND, PORT), CandidateHandler).serve_forever()
