import json
import os
import secrets
from pathlib import Path


def ensure_credentials(path: Path) -> tuple[str, str]:
    """The vendor's own credential at the simulator: made once, readable by the owner alone."""
    try:
        pair = json.loads(path.read_text())
        return str(pair["client_id"]), str(pair["client_secret"])
    except (OSError, ValueError, KeyError, TypeError):
        pair = {
            "client_id": secrets.token_hex(16),
            "client_secret": secrets.token_urlsafe(32),
        }
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(pair, file)
    draft.replace(path)
    return pair["client_id"], pair["client_secret"]
