"""Fake of the engine API (orders/api/README.md), as far as the sample engine uses it; one customer, two packages."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PACKAGES = {
    "/packages/skills": {
        "id": "skills",
        "type": "SKILL_TEST",
        "name": "Skills (2026)",
        "assessments": [{"id": "words", "name": "Words"}, {"id": "numbers", "name": "Numbers"}],
    },
    "/packages/references": {
        "id": "references",
        "type": "REFERENCE_CHECK",
        "name": "Two <references>",
        "assessments": [],
    },
}


class FakeEngineApi:
    """Server that leases `orders` until they are accepted or reported; `forced_statuses` are sent first, by path."""

    def __init__(self) -> None:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.handle_request(self)

            def do_POST(self) -> None:
                api.handle_request(self)

            def do_PATCH(self) -> None:
                api.handle_request(self)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_port}"
        self.orders: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str, Any]] = []
        self.tokens = 0
        self.forced_statuses: dict[str, list[int]] = {}
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add_order(self, order_id: str, **changes: Any) -> None:
        self.orders[order_id] = {
            "id": order_id,
            "package": "skills",
            "candidate": {"first_name": "Zoë <b>", "last_name": "Łukasz (Jr)", "language": "en"},
            "created_at": "2026-11-24T08:00:00Z",
            "status": "PENDING",
            "launch_url": None,
            "return_url": f"{self.url}/done/{order_id}",
            **changes,
        }

    def bodies_of(self, call: str) -> list[Any]:
        return [body for method, path, body in self.calls if f"{method} {path}" == call]

    def handle_request(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        path = request.path.removeprefix("/api/vendor/v1")
        if path == "/oauth/token":
            self.tokens += 1
            return self.send_json(request, 200, {"access_token": f"token-{self.tokens}", "token_type": "Bearer"})
        if request.headers.get("Authorization") != f"Bearer token-{self.tokens}" or not self.tokens:
            return self.send_json(request, 401, {})
        if self.forced_statuses.get(path):
            return self.send_json(request, self.forced_statuses[path].pop(0), {})
        kind = request.headers.get("Content-Type", "")
        self.calls.append((request.command, path, json.loads(body) if kind == "application/json" else body))
        self.send_json(request, *self.build_response(request.command, path, body))

    def build_response(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/orders/lease":
            open_ = [each for each in self.orders.values() if each["status"] == "PENDING" and not each["launch_url"]]
            return 200, {"orders": open_}
        if path in PACKAGES:
            return 200, PACKAGES[path]
        order = self.orders.get(path.split("/")[2])
        if order is None:
            return 404, {}
        if path.endswith("/accept"):
            order["launch_url"] = json.loads(body)["launch_url"]
        if path.endswith("/result"):
            if order["status"] == "COMPLETED":
                return 409, {}
            order["status"] = json.loads(body)["status"]
        return (201, {"id": "att_1"}) if path.endswith("/attachments") else (200, order)

    @staticmethod
    def send_json(request: BaseHTTPRequestHandler, status: int, answer: Any) -> None:
        content = json.dumps(answer).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)
