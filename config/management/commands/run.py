"""`manage.py run NAME`: one of the portal's processes, in the foreground. `make serve` starts the same ones.

Each may run any number of times, on any number of machines: the database decides which work is due, and whose it is.
"""

import os
import runpy
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from config.server.processes import COURIER_THREADS, DISPATCHER_THREADS
from config.supervisor.environment import BindAddress
from config.supervisor.processes.prctl import name_process

CELERY = ("celery", "-A", "config")
# Gossip and mingling are between workers, which have nothing to tell each other here.
WORKER = (*CELERY, "worker", "--without-gossip", "--without-mingle")
COMMANDS = {
    "web": ("gunicorn", "config.wsgi", "-c", "python:config.server.gunicorn"),
    "courier": (*WORKER, "-Q", "courier", "-n", "courier@%h", "-c", str(COURIER_THREADS)),
    "dispatcher": (*WORKER, "-Q", "dispatch", "-n", "dispatch@%h", "-c", str(DISPATCHER_THREADS)),
    "scheduler": (*CELERY, "beat", "--pidfile="),
}


class Command(BaseCommand):
    help = "Start one of the portal's processes in the foreground. SIGTERM ends it after the work that it has begun."
    requires_system_checks = []  # the database is checked when it is needed, the rest by `migrate`

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Django's own options would be taken from those of gunicorn and Celery, or by their prefixes.
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("process", choices=COMMANDS)
        parser.add_argument("options", nargs="...", help="further options of gunicorn (web) or Celery (all others)")

    def handle(self, *, process: str, options: list[str], **_: Any) -> None:
        if process == "web":
            own = ["-b", BindAddress.from_environment(os.environ).format_bind()]
        else:
            own = ["-l", settings.LOG_LEVEL]
        name_process(process)
        program, *arguments = COMMANDS[process]
        sys.argv = [program, *arguments, *own, *options]
        runpy.run_module(program, run_name="__main__", alter_sys=True)
