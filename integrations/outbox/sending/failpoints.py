"""Failpoints: places where a process kills itself by chance, as a power cut would, for the crash suite.

OUTBOX_FAILPOINTS="before_send:0.01 after_reply:0.02" gives each name its probability. Production refuses the setting.
"""

import os
import random
import signal

from django.conf import settings

FAILPOINT_NAMES = ("claimed", "before_send", "after_reply", "before_settle", "after_settle", "before_numbering")


def parse_failpoints(text: str) -> dict[str, float]:
    """Parse the setting to a probability per name. Raises ValueError for an unknown name."""
    chances = {}
    for part in text.split():
        name, _, chance = part.partition(":")
        if name not in FAILPOINT_NAMES:
            raise ValueError(f"there is no failpoint {name!r}; the names are {', '.join(FAILPOINT_NAMES)}")
        chances[name] = float(chance or 1)
    return chances


def maybe_crash(name: str) -> None:
    """Kill the process with the failpoint's probability."""
    chance = settings.OUTBOX_FAILPOINTS.get(name)
    if chance and random.random() < chance:  # noqa: S311
        os.kill(os.getpid(), signal.SIGKILL)
