"""Debian's nginx as a reverse proxy before the portal, with upstream connections that it keeps alive."""

import contextlib
import getpass
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.config.conftest import wait_for

CONFIGURATION = """
daemon off;
master_process off;
user {user};
worker_rlimit_nofile 8192;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_max_body_size 13m;
    large_client_header_buffers 8 32k;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream portal {{
        server 127.0.0.1:{portal_port};
        keepalive 64;
        keepalive_timeout {idle_seconds}s;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://portal;
            proxy_http_version 1.1;
            proxy_request_buffering {buffering};
            proxy_buffering {buffering};
            proxy_buffer_size 16k;
            proxy_buffers 8 16k;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"""


@dataclass
class Nginx:
    process: subprocess.Popen[bytes]
    error_log: Path

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the process for a while, as a busy machine does; the kernel queues what arrives meanwhile."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def run_nginx(
    folder: Path, port: int, portal_port: int, *, idle_seconds: int = 60, buffering: bool = True
) -> Iterator[Nginx]:
    """Run nginx on `port`. It keeps upstream connections for `idle_seconds`."""
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder,
            port=port,
            portal_port=portal_port,
            idle_seconds=idle_seconds,
            buffering="on" if buffering else "off",
            user=getpass.getuser(),
        )
    )
    command = [shutil.which("nginx") or "/usr/sbin/nginx", "-e", str(folder / "error.log"), "-c", str(configuration)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: _is_listening(port) or process.poll() is not None)
            assert process.poll() is None, (folder / "error.log").read_text()
            yield Nginx(process, folder / "error.log")
        finally:
            process.terminate()
