"""A supervisor over the commands of a JSON file, in a process of its own: tests kill it, and its children."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from config.supervisor import supervisor
from config.supervisor.console import print_message
from config.supervisor.data_dir import DataDirLock
from config.supervisor.processes import process
from config.supervisor.processes.output import LogFile
from config.supervisor.processes.process import Program
from config.supervisor.supervisor import ShutdownRequestedError, Supervisor


def main(folder: Path) -> int:
    plan = json.loads((folder / "plan.json").read_text())
    process.INITIAL_DELAY = plan["first_delay"]
    process.MAX_DELAY = supervisor.MAX_DELAY = plan["longest_delay"]
    with (
        DataDirLock(folder) as lock,
        Supervisor(print_message=print_message, grace=plan["grace"], on_stop=lock.announce_stop) as running,
    ):
        try:
            for name, command in plan["programs"].items():
                running.start_program(Program(name, tuple(command), dict(os.environ)), LogFile(folder / f"{name}.log"))
            print_message("started")
            running.run_forever()
        except ShutdownRequestedError:
            print_message("stopped")
    return 0


def application(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Start a portal that only answers."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
