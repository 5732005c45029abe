"""Simulator in a separate process, and a caller that acts as the portal."""

import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import requests

from config.supervisor.processes.prctl import die_with_parent
from integrations.simulator.control import ControlClient

MASTER = ("vendor-master", "vendor-master-secret")
API = "assessment-api/v202010"
ROOT = Path(__file__).parents[3]
Json = dict[str, Any]
_session = requests.Session()
_session.trust_env = False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Simulator:
    """Simulator that can be killed and restarted on the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.control = ControlClient(self.url, timeout=60)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {
            **os.environ,
            "SIMULATOR_PORT": str(self.port),
            "SIMULATOR_DATA_DIR": str(self.folder),
            "SIMULATOR_MASTER_CLIENT_ID": MASTER[0],
            "SIMULATOR_MASTER_CLIENT_SECRET": MASTER[1],
        }
        command = [sys.executable, "-m", "integrations.simulator"]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
            preexec_fn=partial(die_with_parent, signal.SIGTERM, parent=os.getpid()),
        )
        deadline = time.monotonic() + 20
        while not self.control.is_up():
            assert self._process.poll() is None, "the simulator exited"
            assert time.monotonic() < deadline, "the simulator does not respond"
            time.sleep(0.05)

    def kill(self) -> None:
        """Send SIGKILL to the server and its worker."""
        if self._process is not None:
            os.killpg(self._process.pid, 9)
            self._process.wait()
            self._process = None

    def master_caller(self) -> "Caller":
        return Caller(self, *MASTER)

    def connect_company(self, company: str, *, client_id: str | None = None) -> "Caller":
        """Consent and exchange credentials, as a portal does; return a caller with the new credentials."""
        self.control.add_company(company)
        self.control.grant_consent(company)
        body = {"clientId": client_id or f"ours-{company}-{time.time_ns()}", "clientSecret": "our-secret"}
        response = self.master_caller().call("POST", f"{API}/integration/company/{company}", json=body)
        assert response.status_code == 200, response.text
        return Caller(self, response.json()["clientId"], response.json()["clientSecret"])


class Caller:
    """HTTP client with one set of credentials and a cached token."""

    def __init__(self, simulator: Simulator, client_id: str, client_secret: str) -> None:
        self.simulator = simulator
        self.client_id, self.client_secret = client_id, client_secret
        self.token: str | None = None

    def fetch_token(self) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        return _session.post(f"{self.simulator.url}/identity/oauth/token", data=form, timeout=20)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        if self.token is None:
            self.token = self.fetch_token().json()["access_token"]
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        url = f"{self.simulator.url}/{path}"
        timeout = options.pop("timeout", 20)
        return _session.request(method, url, headers=headers, allow_redirects=False, timeout=timeout, **options)

    def patch_result(self, order_id: str, result: Json, **options: Any) -> requests.Response:
        return self.call("PATCH", f"{API}/orders/{order_id}/results", json=result, **options)

    def upload_file(self, order_id: str, content: bytes = b"%PDF-1.4\n", part: str = "file") -> requests.Response:
        files = {part: ("report.pdf", content, "application/pdf")}
        return self.call("POST", f"{API}/orders/{order_id}/results/attachment", files=files)
