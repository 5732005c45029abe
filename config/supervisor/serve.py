"""`make serve`: a production portal with its logs on the console."""

import os
import tempfile
from pathlib import Path

from config.supervisor.console import print_message
from config.supervisor.data_dir import DataDirLock, prepare_data_dir
from config.supervisor.environment import REPOSITORY, BindAddress, build_serve_environment
from config.supervisor.errors import REFUSAL_PREFIX, StartupError
from config.supervisor.processes import broker, commands
from config.supervisor.processes.health import extract_host, is_healthy
from config.supervisor.processes.output import ConsoleOutput
from config.supervisor.processes.ports import require_free_port
from config.supervisor.supervisor import ShutdownRequestedError, Supervisor

GRACE_SECONDS = 15.0  # longer than gunicorn's graceful_timeout
START_TIMEOUT = 60.0


def run() -> int:
    environment = build_serve_environment(os.environ)
    address = BindAddress.from_environment(environment)
    folder = Path(environment.get("PORTAL_DATA_DIR") or REPOSITORY / "var").resolve()
    environment["PORTAL_DATA_DIR"] = str(folder)
    prepare_data_dir(folder)
    with DataDirLock(folder) as lock:
        require_free_port(address.bind, address.port, purpose="the portal")
        with (
            broker.runtime_folder(folder / "run", environment) as runtime,
            Supervisor(print_message=print_message, grace=GRACE_SECONDS, on_stop=lock.announce_stop) as supervisor,
        ):
            try:
                _start_programs(supervisor, environment, address, runtime)
                supervisor.run_forever()
            except ShutdownRequestedError:
                print_message("Stopping …")
    return 0


def _start_programs(supervisor: Supervisor, environment: dict[str, str], address: BindAddress, runtime: Path) -> None:
    _migrate_database(supervisor, environment)
    environment["PROMETHEUS_MULTIPROC_DIR"] = str(broker.get_metrics_folder(runtime))
    if not environment.get("REDIS_URL"):
        supervisor.start_program(broker.build_program(runtime, environment), ConsoleOutput("broker"))
        environment["REDIS_URL"] = broker.build_url(runtime)
    for program in commands.build_portal_programs(environment):
        supervisor.start_program(program, ConsoleOutput(program.name))
    url = environment.get("PUBLIC_URL") or f"http://localhost:{address.port}"
    if supervisor.wait_until(
        lambda: is_healthy(address.reachable_host, address.port, name=extract_host(url)),
        timeout=START_TIMEOUT,
    ):
        print_message(f"The portal is running: {url} (on {address.format_bind()}). Ctrl-C stops it.")
    else:
        print_message(f"The portal does not respond on {address.format_bind()} yet: see above. Ctrl-C stops it.")


def _migrate_database(supervisor: Supervisor, environment: dict[str, str]) -> None:
    """Migrate the database. It reads the settings before all other processes. Raises StartupError."""
    migrate = commands.build_management_program("migrate", "--no-input", environment=environment)
    with tempfile.TemporaryFile() as errors:
        status = supervisor.run_once(migrate, ConsoleOutput("migrate"), errors=errors)
        errors.seek(0)
        output = errors.read().decode(errors="replace").rstrip()
    if status and REFUSAL_PREFIX in output:
        raise StartupError(output.rpartition(REFUSAL_PREFIX)[2])
    if status and len(output.splitlines()) == 1:
        raise StartupError(output)
    if output:
        print_message(output)
    if status:
        raise StartupError("the database could not be migrated: see above")
