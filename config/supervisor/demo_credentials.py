"""Master credentials of the demo."""

import json
import os
import secrets
from pathlib import Path


def ensure_credentials(path: Path) -> tuple[str, str]:
    """Return the master credentials at the simulator, generated once in a file of mode 0600."""
    try:
        credentials = json.loads(path.read_text())
        return str(credentials["client_id"]), str(credentials["client_secret"])
    except (OSError, ValueError, KeyError, TypeError):
        credentials = {"client_id": secrets.token_hex(16), "client_secret": secrets.token_urlsafe(32)}
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(credentials, file)
    draft.replace(path)
    return credentials["client_id"], credentials["client_secret"]
