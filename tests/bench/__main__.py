"""`make bench`, or `python -m tests.bench [MEASURE …] [--quick]`: measures the product as it runs, in one run.

The report, a table and plots, goes to the data folder (var/bench); the table is printed. On PostgreSQL where
DATABASE_URL names one.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bench import measures, report
from tests.bench.stage import Stage, print_progress
from tests.integrations.simulator.process import ROOT

MEASURES = ("tokens", "packages", "delay", "drain", "throughput", "memory", "recovery")


def main() -> int:
    options = argparse.ArgumentParser(prog="bench")
    options.add_argument("measures", nargs="*", choices=[*MEASURES, []], default=[])
    options.add_argument("--quick", action="store_true", help="fewer orders: an impression, not a figure to quote")
    chosen = options.parse_args()
    less = 4 if chosen.quick else 1
    sizes = {
        "tokens": (8 / less,),
        "packages": (5000 // less,),
        "delay": (100 // less,),
        "drain": (200 // less,),
        "throughput": (50, 3000 // less),
        "memory": (100_000 // less,),
        "recovery": (),
    }
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    found: list[measures.Measurement] = []
    try:
        with Stage(folder) as stage:
            for name in chosen.measures or MEASURES:
                print_progress(f"Measuring {name} …")
                found += getattr(measures, name)(stage, *sizes[name])
    finally:
        if found:
            report.write_report(found, ROOT / "var" / "bench")
            sys.stdout.write(report.render_table(found) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
