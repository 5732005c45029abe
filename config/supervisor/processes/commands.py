"""Command lines of a portal's processes."""

from collections.abc import Mapping
from pathlib import Path

from config.server import processes
from config.supervisor.environment import PYTHON
from config.supervisor.processes.process import Program

CELERY_COMMAND = (PYTHON, "-m", "celery", "-A", "config")


def build_management_program(command: str, *arguments: str, environment: Mapping[str, str]) -> Program:
    return Program(command, (PYTHON, "manage.py", command, *arguments), environment)


def build_web_program(binds: list[str], environment: Mapping[str, str]) -> Program:
    command = (
        *(PYTHON, "-m", "gunicorn", "config.wsgi:application", "-c", "python:config.server.gunicorn"),
        *("-k", "config.server.worker.BufferingWorker", "-w", str(processes.WEB_PROCESSES)),
        *("--threads", str(processes.WEB_THREADS)),
        *("--no-control-socket", "--graceful-timeout", "4"),
        *(part for bind in binds for part in ("-b", bind)),
    )
    return Program("web", command, environment)


def build_background_programs(environment: Mapping[str, str]) -> list[Program]:
    """Return the couriers, the dispatcher that wakes them, and the scheduler that wakes the dispatcher."""
    worker = {**environment, "PORTAL_WORKER": "1"}
    level = environment.get("LOG_LEVEL") or "INFO"
    threads = (*CELERY_COMMAND, "worker", "-P", "threads", "--without-gossip", "--without-mingle", "-l", level)
    beat = (*CELERY_COMMAND, "beat", "-S", "celery.beat:Scheduler", "-l", level, "--pidfile=")
    courier = ("-c", str(processes.COURIER_THREADS), "-Q", "courier", "--prefetch-multiplier", "1", "-n")
    dispatcher = ("-c", str(processes.DISPATCHER_THREADS), "-Q", "dispatch", "-n", "dispatch@%h")
    return [
        # Two couriers: one process delivers some 150 results a second, and one continues if the other dies.
        Program("courier", (*threads, *courier, "courier@%h"), worker),
        Program("courier-2", (*threads, *courier, "courier-2@%h"), worker),
        Program("dispatcher", (*threads, *dispatcher), worker),
        # The schedule is kept in memory: a SIGKILL can corrupt a schedule file.
        Program("scheduler", beat, worker),
    ]


def build_simulator_program(bind: str, port: int, folder: Path, environment: Mapping[str, str]) -> Program:
    own = {"SIMULATOR_BIND": bind, "SIMULATOR_PORT": str(port), "SIMULATOR_DATA_DIR": str(folder)}
    return Program("simulator", (PYTHON, "-m", "integrations.simulator"), {**environment, **own})


def build_engine_program(bind: str, port: int, environment: Mapping[str, str]) -> Program:
    own = {"ENGINE_BIND": bind, "ENGINE_PORT": str(port), "ENGINE_PUBLIC_URL": f"http://localhost:{port}"}
    return Program("engine", (PYTHON, "-m", "integrations.simulator.engine"), {**environment, **own})
