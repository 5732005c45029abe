"""World for end-to-end tests: the portal under the supervisor of `make serve`, the simulator and the sample engine.

Each runs in its own processes.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import requests

from config.supervisor.processes.prctl import die_with_parent
from tests.integrations.simulator.process import MASTER, ROOT, Simulator, free_port
from tests.migrated_database import DATABASE_NAME, copy_migrated_database

T = TypeVar("T")
Json = dict[str, Any]
TIMEOUT_SECONDS = 90


def wait_for(what: str, condition: Callable[[], T], seconds: float = TIMEOUT_SECONDS) -> T:
    """Wait until the condition is true, and return its value."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        assert time.monotonic() < deadline, f"timed out after {seconds:.0f} s: {what}"
        time.sleep(0.05)


class World:
    """Portal with its own data folder and ports, without connections."""

    def __init__(self, folder: Path, *, auto_answer: bool = True, engine: bool = True, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.simulator = Simulator(folder / "simulator")
        self.control = self.simulator.control
        self.engine_url = f"http://localhost:{free_port()}"
        self._auto_answer = auto_answer
        self._has_engine = engine
        self._processes: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")},
            "PYTHONUNBUFFERED": "1",
            "PORTAL_ENV_FILE": "",
            "PORT": str(self.port),
            "PORTAL_DATA_DIR": str(folder / "portal"),
            "SMARTRECRUITERS_API_URL": self.simulator.url,
            "SMARTRECRUITERS_TRUSTED_ORIGINS": f"{self.simulator.url} http://127.0.0.1:{self.simulator.port}",
            "SMARTRECRUITERS_CLIENT_ID": MASTER[0],
            "SMARTRECRUITERS_CLIENT_SECRET": MASTER[1],
            "EMAIL_URL": f"filemail:///{folder / 'mail'}",
            **settings,
        }
        self.seeded: Json = {}

    def __enter__(self) -> Self:
        self.simulator.start()
        if "DATABASE_URL" not in self.environment and "PORTAL_DATA_DIR" in os.environ:  # not in a benchmark
            copy_migrated_database(self.folder / "portal" / DATABASE_NAME)
        self._start_process("portal", "config.supervisor", "serve", PORT=str(self.port))
        wait_for("the portal to answer", self._is_ready)
        self.seeded = json.loads(self.run_manage("seed_demo", "--json"))
        self.run_manage("publish_configuration")
        if self._has_engine:
            self._start_engine()
        return self

    def _start_engine(self) -> None:
        client = self.seeded["engine"]
        self._start_process(
            "engine",
            "integrations.simulator.engine",
            PORTAL_URL=self.url,
            ENGINE_PORT=self.engine_url.rpartition(":")[2],
            ENGINE_CLIENT_ID=client["client_id"],
            ENGINE_CLIENT_SECRET=client["client_secret"],
            ENGINE_AUTO_ANSWER="1" if self._auto_answer else "",
        )

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        self.simulator.kill()

    def _start_process(self, name: str, module: str, *arguments: str, **environment: str) -> None:
        self.folder.mkdir(exist_ok=True)
        with (self.folder / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", module, *arguments],
                    cwd=ROOT,
                    env={**self.environment, **environment},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    # A run that is killed leaves no portal behind.
                    preexec_fn=partial(die_with_parent, signal.SIGTERM, parent=os.getpid()),
                )
            )

    def _is_ready(self) -> bool:
        assert self._processes[0].poll() is None, (self.folder / "portal.log").read_text()[-3000:]
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        return False

    def run_manage(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def set_display_mode(self, mode: str) -> None:
        """Change the partner configuration, without publishing it."""
        change = f"from integrations.models import *; PartnerConfiguration.objects.update(display_mode={mode!r})"
        self.run_manage("shell", "-c", change)

    def read_log(self) -> str:
        return (self.folder / "portal.log").read_text()

    def find_pid(self, name: str) -> int:
        """Return the pid of a child of the supervisor, by its name in `ps`."""
        return self.find_pids(name)[0]

    def find_pids(self, *names: str) -> list[int]:
        listed = subprocess.run(["ps", "-eo", "pid,ppid,comm"], capture_output=True, text=True).stdout.splitlines()
        rows = [line.split(None, 2) for line in listed]
        pids = [int(pid) for pid, parent, name in rows if parent == str(self._processes[0].pid) and name in names]
        assert pids, f"no process {names}"
        return pids

    # Actions of people

    def sign_in(self, customer: int = 0) -> "Person":
        account = self.seeded["customers"][customer]
        return Person(self, account["email"], account["password"])

    def connect_company(self, company: str, customer: int = 0) -> None:
        """Connect a company as a customer's administrator, by the pages, and wait until it is live."""
        self.control.add_company(company)
        self.sign_in(customer).approve_consent(self.control.grant_consent(company) or "")
        wait_for(f"{company} to be connected", lambda: self.control.get_company(company)["state"] == "connected")

    def engine_token(self) -> str:
        """Return a token for a test that acts as the engine."""
        client = self.seeded["engine"]
        form = {"grant_type": "client_credentials"}
        answer = requests.post(
            f"{self.url}/oauth/token", form, auth=(client["client_id"], client["client_secret"]), timeout=10
        )
        token: str = answer.json()["access_token"]
        return token

    def package_ids(self, *types: str) -> list[str]:
        """Return the ids of the seeded packages, of these types or of all."""
        return [package["id"] for package in self.seeded["packages"] if not types or package["type"] in types]

    def order_statuses(self, placed: list[Json]) -> list[str]:
        """Return SmartRecruiters' status of each of these orders."""
        return [self.control.get_order(order["order_id"])["status"] for order in placed]


class Person:
    """User of the portal, with a minimal browser (forms and cookies)."""

    def __init__(self, world: World, email: str, password: str) -> None:
        self.world, self.email, self.password = world, email, password
        self.session = requests.Session()
        self.session.trust_env = False

    def submit_form(self, page: requests.Response, **fields: str) -> requests.Response:
        """Submit the page's form, with its hidden fields."""
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        return self.session.post(page.url, data={**hidden, **fields}, headers={"Origin": self.world.url}, timeout=30)

    def approve_consent(self, consent_url: str) -> requests.Response:
        page = self.session.get(consent_url, timeout=30)
        if 'name="password"' in page.text:
            page = self.submit_form(page, login=self.email, password=self.password)
        assert 'name="decision"' in page.text, page.text[:3000]
        return self.submit_form(page, decision="approve")


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run Debian's Redis on a free port, and return its URL."""
    port = free_port()
    command = [shutil.which("redis-server") or "", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir"]
    with subprocess.Popen([*command, str(folder)], stdout=subprocess.DEVNULL) as process:
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
