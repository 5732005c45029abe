"""Command lines of a portal's processes."""

from collections.abc import Mapping
from pathlib import Path

from config.supervisor.environment import PYTHON
from config.supervisor.processes.process import Program


def build_management_program(command: str, *arguments: str, environment: Mapping[str, str], name: str = "") -> Program:
    return Program(name or command, (PYTHON, "manage.py", command, *arguments), environment)


def build_portal_programs(environment: Mapping[str, str], *web_options: str) -> list[Program]:
    """Return the web server, the couriers, the dispatcher that wakes them, and the scheduler that wakes that."""
    processes = {
        "web": ("web", *web_options),
        # Two couriers: one process delivers some 150 results a second, and one continues if the other dies.
        "courier": ("courier",),
        "courier-2": ("courier", "-n", "courier-2@%h"),
        "dispatcher": ("dispatcher",),
        "scheduler": ("scheduler",),
    }
    return [
        build_management_program("run", *arguments, environment=environment, name=name)
        for name, arguments in processes.items()
    ]


def build_simulator_program(bind: str, port: int, folder: Path, environment: Mapping[str, str]) -> Program:
    own = {"SIMULATOR_BIND": bind, "SIMULATOR_PORT": str(port), "SIMULATOR_DATA_DIR": str(folder)}
    return Program("simulator", (PYTHON, "-m", "integrations.simulator"), {**environment, **own})


def build_engine_program(bind: str, port: int, environment: Mapping[str, str]) -> Program:
    own = {"ENGINE_BIND": bind, "ENGINE_PORT": str(port), "ENGINE_PUBLIC_URL": f"http://localhost:{port}"}
    return Program("engine", (PYTHON, "-m", "integrations.simulator.engine"), {**environment, **own})
