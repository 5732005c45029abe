"""Server process of the simulator: `python -m integrations.simulator`.

One process with many threads, because a simulated delay blocks its thread.
"""

import ctypes
import os
import signal
import sys
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # it has no types

from integrations.simulator import environment


def die_with_master(_server: Any, _worker: Any) -> None:
    """Make the kernel kill this worker with its master (Linux only).

    A worker that outlives its master would keep the port and the journal from the next start.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))  # PR_SET_PDEATHSIG


class SimulatorServer(BaseApplication):
    def load_config(self) -> None:
        options = {
            "bind": [f"{environment.BIND}:{environment.PORT}"],
            "worker_class": "integrations.simulator.arrival.StampingWorker",
            "workers": 1,
            "threads": environment.THREADS,
            "worker_connections": environment.THREADS + 1000,
            "backlog": 2048,
            "keepalive": 75,
            "graceful_timeout": 2,
            "timeout": 0,  # replaying a long journal takes time
            "proc_name": "simulator",
            "control_socket_disable": True,
            "loglevel": "warning",
            "post_fork": die_with_master,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        os.environ["DJANGO_SETTINGS_MODULE"] = "integrations.simulator.settings"
        from django.core.wsgi import get_wsgi_application
        from django.urls import get_resolver

        application = get_wsgi_application()
        list(get_resolver().url_patterns)  # imports the views, which replays the journal before the first call
        return application


if __name__ == "__main__":
    SimulatorServer().run()
