"""Process-wide state, rate limiter and upload directory."""

from integrations.simulator import environment
from integrations.simulator.limits import RateLimiter
from integrations.simulator.store.entities import CredentialPair
from integrations.simulator.store.journal import Journal
from integrations.simulator.store.state import SimulatorState

state = SimulatorState(
    Journal(environment.DATA_DIR / "journal.jsonl"),
    CredentialPair(environment.MASTER_CLIENT_ID, environment.MASTER_CLIENT_SECRET),
)
rate_limiter = RateLimiter()
uploads_dir = environment.DATA_DIR / "files"
