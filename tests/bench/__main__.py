"""Benchmark of the running product: `make bench`, or `python -m tests.bench [MEASURE …] [--quick]`.

The report, a table and charts, is written to var/bench; the table is printed too. Runs on PostgreSQL if DATABASE_URL
names one.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import intake, measures, report, slow_clients
from tests.bench.stage import Stage, print_progress
from tests.integrations.simulator.process import ROOT

MEASURES = (
    "intake",
    "requests_without_effect",
    "tokens",
    "packages",
    "delay",
    "drain",
    "throughput",
    "memory",
    "recovery",
    "slow_clients",
)


def find_measure(name: str) -> Callable[..., list[measures.Measurement]]:
    module = next(each for each in (measures, intake, slow_clients) if hasattr(each, name))
    found: Callable[..., list[measures.Measurement]] = getattr(module, name)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("measures", nargs="*", choices=[*MEASURES, []], default=[])
    parser.add_argument("--quick", action="store_true", help="fewer orders, for a rough figure")
    options = parser.parse_args()
    divisor = 4 if options.quick else 1
    sizes = {
        "intake": (8 / divisor,),
        "requests_without_effect": (4 / divisor,),
        "tokens": (8 / divisor,),
        "packages": (5000 // divisor,),
        "delay": (100 // divisor,),
        "drain": (200 // divisor,),
        "throughput": (50, 3000 // divisor),
        "memory": (100_000 // divisor,),
        "recovery": (),
        "slow_clients": (500 // divisor, 60 / divisor),
    }
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    measurements: list[measures.Measurement] = []
    try:
        with Stage(folder) as stage:
            for name in options.measures or MEASURES:
                print_progress(f"Measuring {name} …")
                measurements += find_measure(name)(stage, *sizes[name])
    finally:
        if measurements:
            report.write_report(measurements, ROOT / "var" / "bench")
            sys.stdout.write(report.render_table(measurements) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
