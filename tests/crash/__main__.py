"""`make crash`: the portal under faults, and what became of everything it had accepted.

    python -m tests.crash [--seed N] [--long] [--results N] [--postgresql] [--keep]

Real processes, faults from one printed seed, PostgreSQL when TEST_DATABASE_URL or --postgresql says so. The short form
scales lease and schedule (OUTBOX_TIME_SCALE) and takes under three minutes; the long one is 10,000 results with the
true ones. The last line is the verdict; the exit status is 1 unless it is all noughts.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from config.supervisor.console import print_message
from tests.crash.rig import RigStartError
from tests.crash.run import Run, RunConfig

SHORT = RunConfig(results=600, companies=5, seconds=75, patience=75, scale=0.1, rounds=1)
LONG = RunConfig(results=10_000, companies=12, seconds=900, patience=900, scale=1.0, rounds=4)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--long", action="store_true", help="10,000 results, true lease and schedule")
    parser.add_argument("--results", type=int, help="how many results to report")
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL of its own")
    parser.add_argument("--keep", action="store_true", help="leave the logs and the ledger")
    options = parser.parse_args()
    form = (LONG if options.long else SHORT).with_results(options.results)
    on_postgresql = options.postgresql or bool(os.environ.get("TEST_DATABASE_URL"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="crash-", dir="/tmp"))
    folder.chmod(0o711)
    is_good = False
    try:
        is_good = Run(folder, form, seed=options.seed, on_postgresql=on_postgresql).execute()
    except KeyboardInterrupt:
        print_message(f"broken off (seed {options.seed})")
    except RigStartError as reason:
        print_message(f"could not be played (seed {options.seed}): {reason}")
    finally:
        if options.keep or not is_good:
            print_message(f"logs and ledger: {folder}", to=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
