"""Command line of the process supervisor."""

import argparse
import os
import signal
import sys

from config.supervisor import console, demo, serve
from config.supervisor.errors import StartupError
from config.supervisor.processes import prctl


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m config.supervisor", description="Run a portal's processes.")
    parser.add_argument("command", choices=("demo", "serve"))
    parser.add_argument(
        "--end-with-parent",
        action="store_true",
        help="stop as on Ctrl-C when the calling process (make) dies",
    )
    arguments = parser.parse_args()
    if arguments.end_with_parent:
        prctl.die_with_parent(signal.SIGTERM)
    os.umask(0o077)
    try:
        return demo.run() if arguments.command == "demo" else serve.run()
    except StartupError as error:
        console.print_message(f"{arguments.command}: {error}", to=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
