"""Crash test: run the portal under injected faults and check that everything it accepted was delivered once.

`make crash`, or `python -m tests.crash [--seed N] [--long] [--results N] [--postgresql] [--keep]`. Real processes; the
faults follow from the seed, which is printed. Runs on PostgreSQL with TEST_DATABASE_URL or --postgresql. The short run
shortens leases and retry delays (OUTBOX_TIME_SCALE) and takes under three minutes; the long one reports 10,000 results
without that. The last line is the verdict; the exit status is 0 only if all its counts are zero.
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
    parser.add_argument("--long", action="store_true", help="10,000 results, with unscaled leases and retry delays")
    parser.add_argument("--results", type=int, help="number of results to report")
    parser.add_argument("--postgresql", action="store_true", help="run on a temporary PostgreSQL")
    parser.add_argument("--keep", action="store_true", help="keep the logs and the ledger")
    options = parser.parse_args()
    config = (LONG if options.long else SHORT).with_results(options.results)
    on_postgresql = options.postgresql or bool(os.environ.get("TEST_DATABASE_URL"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="crash-", dir="/tmp"))
    folder.chmod(0o711)
    is_good = False
    try:
        is_good = Run(folder, config, seed=options.seed, on_postgresql=on_postgresql).execute()
    except KeyboardInterrupt:
        print_message(f"interrupted (seed {options.seed})")
    except RigStartError as error:
        print_message(f"could not run (seed {options.seed}): {error}")
    finally:
        if options.keep or not is_good:
            print_message(f"logs and ledger: {folder}", to=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
