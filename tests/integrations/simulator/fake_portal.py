"""Fake portal that answers the simulator's calls from a table, which a test may change."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PACKAGE = {
    "id": "skills",
    "type": "SKILL_TEST",
    "name": "Skills",
    "description": "Practical skills",
    "assessments": [
        {"id": "words", "type": "SKILL_TEST", "name": "Words", "description": ""},
        {"id": "numbers", "type": "SKILL_TEST", "name": "Numbers", "description": ""},
    ],
}
INLINE_PACKAGE = {**PACKAGE, "id": "on-the-spot", "type": "INLINE_ASSESSMENT"}
JSON = {"Content-Type": "application/json"}
TOKEN = {"access_token": "portal-token", "token_type": "Bearer", "expires_in": 1800}


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # for bulk orders


class FakePortal:
    """Server whose `answers` map "METHOD /path" to (status, headers, body); `calls` records the requests."""

    def __init__(self) -> None:
        portal = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one packet per response: with two, Nagle and delayed ACK add 40 ms

            def do_GET(self) -> None:
                portal.handle_request(self)

            def do_POST(self) -> None:
                portal.handle_request(self)

            def do_DELETE(self) -> None:
                portal.handle_request(self)

            def log_message(self, *_: Any) -> None: ...

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_port}"
        self.calls: list[dict[str, Any]] = []
        self.answers: dict[str, tuple[int, dict[str, str], Any]] = {}
        self.reset()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def reset(self) -> None:
        self.calls.clear()
        self.answers = {
            "POST /token": (200, {**JSON, "Cache-Control": "no-store"}, TOKEN),
            "GET /packages": (200, JSON, [PACKAGE, INLINE_PACKAGE]),
            "GET /packages/skills": (200, JSON, PACKAGE),
            "GET /packages/on-the-spot": (200, JSON, INLINE_PACKAGE),
            "POST /orders": (202, {}, None),
            "POST /inline": (200, JSON, {"url": "https://engine.example/take/1"}),
            "DELETE /disable": (204, {}, None),
        }

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def build_configuration(self, **changes: Any) -> dict[str, Any]:
        return {
            "consentUrl": f"{self.url}/consent",
            "consentDisplayMode": "REDIRECT",
            "assessmentPackageListUrl": f"{self.url}/packages",
            "singleAssessmentPackageUrl": f"{self.url}/packages/{{assessmentPackageId}}",
            "packageOrderUrl": f"{self.url}/orders",
            "inlineAssessmentPackageOrderUrl": f"{self.url}/inline",
            "oauthTokenUrl": f"{self.url}/token",
            "integrationDisableUrl": f"{self.url}/disable/{{companyId}}",
            "supportedAssessmentTypes": ["SKILL_TEST", "INLINE_ASSESSMENT"],
            "fields": [{"id": "level", "name": "Level", "description": "Seniority"}],
            **changes,
        }

    def calls_to(self, route: str) -> list[dict[str, Any]]:
        return [call for call in self.calls if call["route"] == route]

    def handle_request(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        path, _, query = request.path.partition("?")
        route = f"{request.command} {'/disable' if path.startswith('/disable/') else path}"
        call = {"route": route, "path": path, "query": query, "headers": dict(request.headers), "body": body.decode()}
        self.calls.append(call)
        status, headers, answer = self.answers.get(route, (404, JSON, {"errors": [{"code": "x", "message": "y"}]}))
        if status == 0:  # close the connection
            request.close_connection = True
            return
        content = b"" if answer is None else answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        if status != 204:
            request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)
