"""Environment variables of the simulator, read at import; README.md lists them."""

import os
import sys
from pathlib import Path


def _require_variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        sys.exit(f"simulator: {name} is not set")
    return value


PORT = int(os.environ.get("SIMULATOR_PORT", "8001"))
BIND = os.environ.get("SIMULATOR_BIND", "127.0.0.1")
PUBLIC_URL = os.environ.get("SIMULATOR_PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
DATA_DIR = Path(os.environ.get("SIMULATOR_DATA_DIR", "var/simulator"))
THREADS = int(os.environ.get("SIMULATOR_THREADS", "400"))
PORTAL_URL = os.environ.get("PORTAL_URL", "http://localhost:8000").rstrip("/")
MASTER_CLIENT_ID = _require_variable("SIMULATOR_MASTER_CLIENT_ID")
MASTER_CLIENT_SECRET = _require_variable("SIMULATOR_MASTER_CLIENT_SECRET")
