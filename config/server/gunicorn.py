"""gunicorn's configuration, beside the command line of config/supervisor/commands.py."""

import signal
from typing import Any

from config.supervisor.parent import die_with_parent

# By default 8 KB, beyond which gunicorn answers HTML by itself; our refusals are problem details (RELIABILITY.md, O31).
limit_request_field_size = 32 * 1024


def post_fork(server: Any, _worker: Any) -> None:
    """A worker dies with its master at once: one that lingers keeps the port from the next start."""
    die_with_parent(signal.SIGKILL, parent=server.pid)
