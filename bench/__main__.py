"""`python -m bench [NAME ...]`: run rows, print the table, keep the figures in bench/results/latest.json."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable

from bench.report import RESULTS, Measure, save, say, table

ROWS = {
    "pacing": "achieved rate and worst sliding second, 1 and 8 processes, beside rate limiters of the field",
    "fairness": "what a hundred customers get beside one that sends fifty times as much, beside a plain queue",
    "reducer": "folding delivery receipts, beside a plain dict update",
    "sender": "the campaign sender on fake ports, and the SMS adapter beside raw boto3",
    "sessions": "connecting, heartbeats and broadcasts to 500 listeners, beside a plain websockets server",
    "imports": "cold import of each function, beside botocore making the same clients",
    "program": "evaluating the whole Pulumi program without the CLI",
    "console": "the console's CPU, start, end, bytes and API spend, beside a plain Textual program",
    "cost": "infrastructure dollars per million messages, from counted calls and the price sheet",
    "cloud": "start of the embedded cloud, and DynamoDB write units per message",
}


def _arguments() -> argparse.Namespace:
    listing = "\n".join(f"  {name:<9}{what}" for name, what in ROWS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measurements beside their peers.",
        epilog=f"rows:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows to run (default: all)")
    parser.add_argument("--brief", action="store_true", help="short runs, to see that a row works; nothing is saved")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in ROWS]:
        parser.error(f"there is no row {', '.join(unknown)}; rows are {', '.join(ROWS)}")
    return arguments


def main() -> int:
    """Run the rows; exit code 1 if a bar was missed, 2 for wrong use."""
    arguments = _arguments()
    measures: list[Measure] = []
    for name in arguments.names or ROWS:
        say(f"{name}: {ROWS[name]}")
        run: Callable[[bool], list[Measure]] = importlib.import_module(f"bench.{name}").run
        measures.extend(run(arguments.brief))
    print(table(measures))
    if not arguments.brief:
        save(measures, cores=os.cpu_count() or 1)
        say(f"kept in {RESULTS.relative_to(RESULTS.parents[2])}")
    return int(any(measure.holds is False for measure in measures))


if __name__ == "__main__":
    sys.exit(main())
