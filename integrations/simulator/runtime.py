"""The one world of this process."""

from integrations.simulator import environment
from integrations.simulator.entities import Pair
from integrations.simulator.journal import Journal
from integrations.simulator.limits import Limits
from integrations.simulator.state import World

world = World(
    Journal(environment.DATA_DIR / "journal.jsonl"),
    Pair(environment.MASTER_CLIENT_ID, environment.MASTER_CLIENT_SECRET),
)
limits = Limits()
files = environment.DATA_DIR / "files"
