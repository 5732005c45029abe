"""A supervisor over the commands of a JSON file, in a process of its own: tests kill it, and its children."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from config.supervisor import process, supervisor
from config.supervisor.console import say
from config.supervisor.data_dir import Lock
from config.supervisor.output import LogFile
from config.supervisor.process import Program
from config.supervisor.supervisor import Stopped, Supervisor


def main(folder: Path) -> int:
    plan = json.loads((folder / "plan.json").read_text())
    process.FIRST_DELAY = plan["first_delay"]
    process.LONGEST_DELAY = supervisor.LONGEST_DELAY = plan["longest_delay"]
    with Lock(folder) as lock, Supervisor(say=say, grace=plan["grace"], stopping=lock.stopping) as running:
        try:
            for name, command in plan["programs"].items():
                running.start(Program(name, tuple(command), dict(os.environ)), LogFile(folder / f"{name}.log"))
            say("started")
            running.run()
        except Stopped:
            say("stopped")
    return 0


def application(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """A portal that only answers."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
