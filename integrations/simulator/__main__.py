"""`python -m integrations.simulator`: one process, many threads, so that whoever is kept waiting sleeps in one."""

import ctypes
import signal
import sys
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # it has no types

from integrations.simulator import environment


def die_with_master(_server: Any, _worker: Any) -> None:
    """Where the kernel can: a worker that outlives a killed master keeps the port and the journal from the next."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))  # PR_SET_PDEATHSIG


class SimulatorServer(BaseApplication):
    def load_config(self) -> None:
        options = {
            "bind": [f"{environment.BIND}:{environment.PORT}"],
            "worker_class": "gthread",
            "workers": 1,
            "threads": environment.THREADS,
            "worker_connections": environment.THREADS + 1000,
            "backlog": 2048,
            "keepalive": 75,
            "graceful_timeout": 2,
            "timeout": 0,  # a long journal takes its time to be replayed
            "proc_name": "simulator",
            "control_socket_disable": True,
            "loglevel": "warning",
            "post_fork": die_with_master,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from integrations.simulator.web import application

        return application


if __name__ == "__main__":
    SimulatorServer().run()
