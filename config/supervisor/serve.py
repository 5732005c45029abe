"""`make serve`: a portal in earnest, its logs on the console."""

import os
import tempfile
from pathlib import Path

from config.supervisor import broker, commands
from config.supervisor.console import say
from config.supervisor.data_dir import Lock, prepare
from config.supervisor.environment import REPOSITORY, Address, of_serve
from config.supervisor.errors import REFUSES, Refusal
from config.supervisor.health import answers, host_of
from config.supervisor.output import ConsoleOutput
from config.supervisor.ports import require_free
from config.supervisor.supervisor import Stopped, Supervisor

GRACE = 10.0
START_TIMEOUT = 60.0


def run() -> int:
    environment = of_serve(os.environ)
    address = Address.from_environment(environment)
    folder = Path(environment.get("PORTAL_DATA_DIR") or REPOSITORY / "var").resolve()
    environment["PORTAL_DATA_DIR"] = str(folder)
    prepare(folder)
    with Lock(folder) as lock:
        require_free(address.bind, address.port, why="the portal")
        with (
            broker.runtime_folder(folder / "run", environment) as runtime,
            Supervisor(say=say, grace=GRACE, stopping=lock.stopping) as supervisor,
        ):
            try:
                _start(supervisor, environment, address, runtime)
                supervisor.run()
            except Stopped:
                say("Stopping …")
    return 0


def _start(supervisor: Supervisor, environment: dict[str, str], address: Address, runtime: Path) -> None:
    _migrate(supervisor, environment)
    if not environment.get("REDIS_URL"):
        supervisor.start(broker.program(runtime, environment), ConsoleOutput("broker"))
        environment["REDIS_URL"] = broker.url(runtime)
    for program in (
        commands.web([address.listen()], environment),
        *commands.background(environment),
    ):
        supervisor.start(program, ConsoleOutput(program.name))
    url = environment.get("PUBLIC_URL") or f"http://localhost:{address.port}"
    if supervisor.wait_until(
        lambda: answers(address.reachable, address.port, name=host_of(url)),
        timeout=START_TIMEOUT,
    ):
        say(f"The portal runs: {url} (on {address.listen()}). Ctrl-C stops it.")
    else:
        say(f"The portal does not answer on {address.listen()} yet: see above. It is tried on; Ctrl-C stops it.")


def _migrate(supervisor: Supervisor, environment: dict[str, str]) -> None:
    """The first process that reads the settings: what it refuses is said once, and nothing else is started."""
    migrate = commands.manage("migrate", "--no-input", environment=environment)
    with tempfile.TemporaryFile() as errors:
        status = supervisor.finish(migrate, ConsoleOutput("migrate"), errors=errors)
        errors.seek(0)
        said = errors.read().decode(errors="replace").rstrip()
    if status and REFUSES in said:
        raise Refusal(said.rpartition(REFUSES)[2])
    if status and len(said.splitlines()) == 1:
        raise Refusal(said)
    if said:
        say(said)
    if status:
        raise Refusal("the database could not be migrated: see above")
