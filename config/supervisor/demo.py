"""`make demo`: the portal beside a SmartRecruiters simulator and a sample engine, on data of its own."""

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

from config.supervisor import broker, commands
from config.supervisor.banner import banner
from config.supervisor.console import say
from config.supervisor.data_dir import Lock, prepare
from config.supervisor.demo_credentials import master_pair
from config.supervisor.environment import ANYWHERE, REPOSITORY, Address, of_machine
from config.supervisor.errors import Refusal
from config.supervisor.health import answers
from config.supervisor.mailbox import Mailbox
from config.supervisor.output import Captured, LogFile
from config.supervisor.ports import has_ipv6_loopback, require_free
from config.supervisor.process import Child, Program
from config.supervisor.supervisor import Stopped, Supervisor

FOLDER = REPOSITORY / "var" / "demo"
GRACE = 5.0
START_TIMEOUT = 60.0
HOPELESS = 3  # ends in a row, before it ever answered
PORTS = ("web", "simulator", "engine")  # PORT, PORT + 1, PORT + 2
LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104


def run() -> int:
    address = Address.from_environment(os.environ, ports=len(PORTS))
    prepare(FOLDER)
    with Lock(FOLDER) as lock:
        _require_free_ports(address)
        machine = of_machine(os.environ)
        with (
            broker.runtime_folder(FOLDER / "run", machine) as runtime,
            Supervisor(say=say, grace=GRACE, stopping=lock.stopping) as supervisor,
        ):
            try:
                say(_Start(supervisor, machine, address, runtime).run())
                supervisor.run(Mailbox(FOLDER / "mail", say).show_new)
            except Stopped:
                say("Stopping …")
    return 0


def portal_environment(machine: dict[str, str], address: Address, runtime: Path, folder: Path) -> dict[str, str]:
    """Every setting of the portal: what is not named here has its default, whatever the caller has set."""
    client_id, client_secret = master_pair(folder / "master.json")
    simulator = address.port + 1
    return {
        **machine,
        "PORT": str(address.port),
        "BIND": address.bind,
        "PUBLIC_URL": f"http://localhost:{address.port}",
        "PORTAL_DATA_DIR": str(folder),
        "REDIS_URL": broker.url(runtime),
        "EMAIL_URL": f"filemail:///{os.path.relpath(folder / 'mail', REPOSITORY)}",
        "SMARTRECRUITERS_API_URL": f"http://localhost:{simulator}",
        "SMARTRECRUITERS_CLIENT_ID": client_id,
        "SMARTRECRUITERS_CLIENT_SECRET": client_secret,
        "SMARTRECRUITERS_TRUSTED_ORIGINS": f"http://localhost:{simulator} http://{LOOPBACK}:{simulator}",
        "STAFF_MFA": "optional",
        "WEBHOOKS_ALLOW_PRIVATE": "1",
    }


class _Start:
    def __init__(
        self,
        supervisor: Supervisor,
        machine: dict[str, str],
        address: Address,
        runtime: Path,
    ) -> None:
        self._supervisor = supervisor
        self._machine = machine
        self._address = address
        self._runtime = runtime
        self._portal = portal_environment(machine, address, runtime, FOLDER)
        self._logs: dict[str, LogFile] = {}
        self._children: dict[str, Child] = {}
        (FOLDER / "log").mkdir(exist_ok=True)

    def run(self) -> str:
        """Start everything and return what to show."""
        self._supervise(broker.program(self._runtime, self._machine))
        say("Preparing the data in var/demo …")
        seeded = self._seed()
        say("Starting the portal, the simulator and the sample engine …")
        for program in self._programs(seeded):
            self._supervise(program)
        # While the portal still starts: this goes from here to the simulator alone.
        self._wait_for("simulator")
        self._publish()
        self._wait_for("engine")
        self._wait_for("web")
        return banner(
            self._address.port,
            seeded,
            logs=self._shown(FOLDER / "log"),
            mail=self._shown(FOLDER / "mail"),
        )

    def _programs(self, seeded: dict[str, Any]) -> list[Program]:
        urls = {**self._machine, "PORTAL_URL": self._portal["PUBLIC_URL"]}
        pair = {
            "SIMULATOR_MASTER_CLIENT_ID": self._portal["SMARTRECRUITERS_CLIENT_ID"],
            "SIMULATOR_MASTER_CLIENT_SECRET": self._portal["SMARTRECRUITERS_CLIENT_SECRET"],
        }
        client = {
            "ENGINE_CLIENT_ID": seeded["engine"]["client_id"],
            "ENGINE_CLIENT_SECRET": seeded["engine"]["client_secret"],
        }
        port = self._address.port
        bind = EVERYWHERE if self._address.bind in ANYWHERE else LOOPBACK
        return [
            commands.web(listening(self._address), self._portal),
            commands.simulator(bind, port + 1, FOLDER / "simulator", {**urls, **pair}),
            commands.engine(bind, port + 2, {**urls, **client}),
            *commands.background(self._portal),
        ]

    def _seed(self) -> dict[str, Any]:
        captured = Captured()
        log = self._log("seed")
        program = commands.manage("seed_demo", "--json", environment=self._portal)
        if self._supervisor.finish(program, captured, errors=log.file):
            raise Refusal(f"the data could not be prepared ({log.where()}):\n{log.tail(15)}")
        seeded: dict[str, Any] = json.loads(captured.text())
        return seeded

    def _wait_for(self, name: str) -> None:
        log = self._logs[name]
        port = self._address.port + PORTS.index(name)
        healthy = partial(answers, LOOPBACK, port, name=f"localhost:{port}")
        child = self._children[name]
        self._supervisor.wait_until(lambda: healthy() or child.failures >= HOPELESS, timeout=START_TIMEOUT)
        if not healthy():
            raise Refusal(f"{name} does not answer on port {port} ({log.where()}):\n{log.tail(15)}")

    def _publish(self) -> None:
        log = self._log("publish")
        if self._supervisor.finish(commands.manage("publish_configuration", environment=self._portal), log):
            raise Refusal(f"the configuration could not be published ({log.where()}):\n{log.tail(15)}")

    def _supervise(self, program: Program) -> None:
        self._children[program.name] = self._supervisor.start(program, self._log(program.name))

    def _log(self, name: str) -> LogFile:
        self._logs[name] = LogFile(FOLDER / "log" / f"{name}.log")
        return self._logs[name]

    @staticmethod
    def _shown(path: Path) -> str:
        return os.path.relpath(path)


def listening(address: Address) -> list[str]:
    """BIND, and loopback in any case: the simulator reaches the portal under localhost."""
    if address.bind in (*ANYWHERE, "localhost", LOOPBACK):
        return [address.listen()]
    return [address.listen(), address.listen(LOOPBACK)]


def _require_free_ports(address: Address) -> None:
    for offset, why in enumerate(("the portal", "the simulator", "the sample engine")):
        hosts = {address.bind, LOOPBACK} | ({"::1"} if has_ipv6_loopback() else set())
        for host in sorted(hosts):
            require_free(host, address.port + offset, why=why)
