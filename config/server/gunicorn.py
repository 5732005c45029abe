"""gunicorn's configuration. `manage.py run web` adds the address to listen on."""

import resource
import signal
from typing import Any

from config.server import processes
from config.server.preflight import check_database
from config.supervisor.processes.prctl import die_with_parent

worker_class = "config.server.worker.BufferingWorker"
# The processes are forked from one that has imported everything, whose memory they share.
preload_app = True
workers, threads = processes.WEB_PROCESSES, processes.WEB_THREADS
# Longer than a request may wait for the database (integrations/database/limits.py).
graceful_timeout = 12
# By default gunicorn 27 puts a socket into the home folder, where two portals collide.
control_socket_disable = True

# Beyond this limit (default: 8 KB) gunicorn responds with HTML of its own instead of a problem document.
limit_request_field_size = 32 * 1024
# RFC 9112, section 3, recommends at least 8,000 octets; the default of 4,094 refuses long mapped fields in a query.
limit_request_line = 8190
# Longer than the idle time of proxies and load balancers (mostly 60 s): a server that closes an idle connection first
# loses the POST that crosses the close, and proxies do not repeat a POST.
keepalive = 75
# By default gunicorn takes SCRIPT_NAME, PATH_INFO and the scheme from headers of any client on this machine, so that
# `SCRIPT_NAME: /x` walks around a proxy's rules for paths. Who may say what is judged in one place, the application
# (config/middleware.py, TrustedProxyMiddleware).
forwarded_allow_ips = forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

# A connection that waits for its client takes a descriptor, and another one for what of it is on disk. Without any left
# the process ends, so clients beyond this wait to be accepted. The soft limit (mostly 1,024) is for programs that use
# select(2).
MAX_CONNECTIONS = 2000
_, MAX_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)
MAX_FILES = 8192 if MAX_FILES == resource.RLIM_INFINITY else min(MAX_FILES, 8192)
resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
worker_connections = max(8, min(MAX_CONNECTIONS, (MAX_FILES - 100) // 2))


def on_starting(_server: Any) -> None:
    """Refuse to serve with a database that does not suit."""
    check_database()


def post_fork(server: Any, _worker: Any) -> None:
    """Kill this worker when its master dies: a leftover worker would keep the port."""
    die_with_parent(signal.SIGKILL, parent=server.pid)
