"""`make demo`: a portal with a SmartRecruiters simulator and a sample engine, on data of its own."""

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

from config.supervisor.banner import format_banner
from config.supervisor.console import print_message
from config.supervisor.data_dir import DataDirLock, prepare_data_dir
from config.supervisor.demo_credentials import ensure_credentials
from config.supervisor.environment import REPOSITORY, WILDCARD_HOSTS, BindAddress, build_machine_environment
from config.supervisor.errors import StartupError
from config.supervisor.mailbox import Mailbox
from config.supervisor.processes import broker, commands
from config.supervisor.processes.health import is_healthy
from config.supervisor.processes.output import CapturedOutput, LogFile
from config.supervisor.processes.ports import has_ipv6_loopback, require_free_port
from config.supervisor.processes.process import ManagedProcess, Program
from config.supervisor.supervisor import ShutdownRequestedError, Supervisor

DATA_DIR = REPOSITORY / "var" / "demo"
GRACE_SECONDS = 5.0
START_TIMEOUT = 60.0
MAX_FAILURES = 3  # exits in a row before the first response
SERVICES = ("web", "simulator", "engine")  # PORT, PORT + 1, PORT + 2
LOOPBACK = "127.0.0.1"
ALL_INTERFACES = "0.0.0.0"  # noqa: S104


def run() -> int:
    address = BindAddress.from_environment(os.environ, ports=len(SERVICES))
    prepare_data_dir(DATA_DIR)
    with DataDirLock(DATA_DIR) as lock:
        _require_free_ports(address)
        machine = build_machine_environment(os.environ)
        with (
            broker.runtime_folder(DATA_DIR / "run", machine) as runtime,
            Supervisor(print_message=print_message, grace=GRACE_SECONDS, on_stop=lock.announce_stop) as supervisor,
        ):
            try:
                print_message(_DemoStartup(supervisor, machine, address, runtime).start_all())
                supervisor.run_forever(Mailbox(DATA_DIR / "mail", print_message).show_new)
            except ShutdownRequestedError:
                print_message("Stopping …")
    return 0


def build_portal_environment(
    machine: dict[str, str], address: BindAddress, runtime: Path, folder: Path
) -> dict[str, str]:
    """Return all settings of the portal. Others have their defaults, whatever the caller's environment contains."""
    client_id, client_secret = ensure_credentials(folder / "master.json")
    simulator = address.port + 1
    return {
        **machine,
        "PORT": str(address.port),
        "BIND": address.bind,
        "PUBLIC_URL": f"http://localhost:{address.port}",
        "PORTAL_DATA_DIR": str(folder),
        "REDIS_URL": broker.build_url(runtime),
        "PROMETHEUS_MULTIPROC_DIR": str(broker.get_metrics_folder(runtime)),
        "EMAIL_URL": f"filemail:///{os.path.relpath(folder / 'mail', REPOSITORY)}",
        "SMARTRECRUITERS_API_URL": f"http://localhost:{simulator}",
        "SMARTRECRUITERS_CLIENT_ID": client_id,
        "SMARTRECRUITERS_CLIENT_SECRET": client_secret,
        "SMARTRECRUITERS_TRUSTED_ORIGINS": f"http://localhost:{simulator} http://{LOOPBACK}:{simulator}",
        "STAFF_MFA": "optional",
        "WEBHOOKS_ALLOW_PRIVATE": "1",
    }


class _DemoStartup:
    def __init__(self, supervisor: Supervisor, machine: dict[str, str], address: BindAddress, runtime: Path) -> None:
        self._supervisor = supervisor
        self._machine_environment = machine
        self._address = address
        self._runtime = runtime
        self._portal_environment = build_portal_environment(machine, address, runtime, DATA_DIR)
        self._logs: dict[str, LogFile] = {}
        self._processes: dict[str, ManagedProcess] = {}
        (DATA_DIR / "log").mkdir(exist_ok=True)

    def start_all(self) -> str:
        self._start_program(broker.build_program(self._runtime, self._machine_environment))
        print_message("Preparing the data in var/demo …")
        seeded = self._seed_data()
        print_message("Starting the portal, the simulator and the sample engine …")
        for program in self._build_programs(seeded):
            self._start_program(program)
        # While the portal is still starting: publishing only needs the simulator.
        self._wait_for("simulator")
        self._publish_configuration()
        self._wait_for("engine")
        self._wait_for("web")
        logs, mail = os.path.relpath(DATA_DIR / "log"), os.path.relpath(DATA_DIR / "mail")
        return format_banner(self._address.port, seeded, logs=logs, mail=mail)

    def _build_programs(self, seeded: dict[str, Any]) -> list[Program]:
        urls = {**self._machine_environment, "PORTAL_URL": self._portal_environment["PUBLIC_URL"]}
        credentials = {
            "SIMULATOR_MASTER_CLIENT_ID": self._portal_environment["SMARTRECRUITERS_CLIENT_ID"],
            "SIMULATOR_MASTER_CLIENT_SECRET": self._portal_environment["SMARTRECRUITERS_CLIENT_SECRET"],
        }
        client = {
            "ENGINE_CLIENT_ID": seeded["engine"]["client_id"],
            "ENGINE_CLIENT_SECRET": seeded["engine"]["client_secret"],
        }
        port = self._address.port
        # The first one is BIND, which `manage.py run web` adds by itself.
        bind_options = [part for each in list_binds(self._address)[1:] for part in ("-b", each)]
        bind = ALL_INTERFACES if self._address.bind in WILDCARD_HOSTS else LOOPBACK
        return [
            commands.build_simulator_program(bind, port + 1, DATA_DIR / "simulator", {**urls, **credentials}),
            commands.build_engine_program(bind, port + 2, {**urls, **client}),
            *commands.build_portal_programs(self._portal_environment, *bind_options),
        ]

    def _seed_data(self) -> dict[str, Any]:
        captured = CapturedOutput()
        log = self._open_log("seed")
        program = commands.build_management_program("seed_demo", "--json", environment=self._portal_environment)
        if self._supervisor.run_once(program, captured, errors=log.file):
            raise _startup_error("the data could not be prepared", log)
        seeded: dict[str, Any] = json.loads(captured.join_lines())
        return seeded

    def _wait_for(self, name: str) -> None:
        log = self._logs[name]
        port = self._address.port + SERVICES.index(name)
        healthy = partial(is_healthy, LOOPBACK, port, name=f"localhost:{port}")
        child = self._processes[name]
        self._supervisor.wait_until(lambda: healthy() or child.failures >= MAX_FAILURES, timeout=START_TIMEOUT)
        if not healthy():
            raise _startup_error(f"{name} does not respond on port {port}", log)

    def _publish_configuration(self) -> None:
        log = self._open_log("publish")
        program = commands.build_management_program("publish_configuration", environment=self._portal_environment)
        if self._supervisor.run_once(program, log):
            raise _startup_error("the configuration could not be published", log)

    def _start_program(self, program: Program) -> None:
        self._processes[program.name] = self._supervisor.start_program(program, self._open_log(program.name))

    def _open_log(self, name: str) -> LogFile:
        self._logs[name] = LogFile(DATA_DIR / "log" / f"{name}.log")
        return self._logs[name]


def _startup_error(message: str, log: LogFile) -> StartupError:
    return StartupError(f"{message} ({log.describe_location()}):\n{log.read_tail(15)}")


def list_binds(address: BindAddress) -> list[str]:
    """Return BIND, and loopback in any case: the simulator calls the portal at localhost."""
    if address.bind in (*WILDCARD_HOSTS, "localhost", LOOPBACK):
        return [address.format_bind()]
    return [address.format_bind(), address.format_bind(LOOPBACK)]


def _require_free_ports(address: BindAddress) -> None:
    for offset, why in enumerate(("the portal", "the simulator", "the sample engine")):
        hosts = {address.bind, LOOPBACK} | ({"::1"} if has_ipv6_loopback() else set())
        for host in sorted(hosts):
            require_free_port(host, address.port + offset, purpose=why)
