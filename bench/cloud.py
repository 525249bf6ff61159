"""Row `cloud`: how soon the embedded cloud is ready, and what one campaign costs in DynamoDB write units.

The units are counted by the cloud's own meter over a whole campaign, from the request to the last receipt: planner,
sender, receipts by both paths, counters.
"""

from __future__ import annotations

import time

from bench.embedded import metered_campaign, running_cloud
from bench.report import Measure

TPS = 50
READY_S = 10.0
UNITS = 6.1
"""Write units per message with two receipts that change its row (docs/data-model.md)."""


def run(brief: bool) -> list[Measure]:
    """Start the cloud twice (once cold) and send one campaign in the second."""
    times = []
    for last in (False, True):
        began = time.perf_counter()
        with running_cloud() as ready:
            times.append(time.perf_counter() - began)
            if last:
                rows = 100 if brief else 1_000
                by_table = metered_campaign(ready, rows, TPS)["write_units"]
                units = {table: sum(by_operation.values()) / rows for table, by_operation in by_table.items()}
    started = min(times)
    total = sum(units.values())
    return [
        Measure("cloud", "embedded cloud, start to ready", "s", started, {}, f"<= {READY_S:g}", started <= READY_S),
        Measure("cloud", f"write units per message at {TPS}/s", "", total, {}, f"<= {UNITS}", total <= UNITS),
        *(Measure("cloud", f"  of them in {table}", "", value) for table, value in sorted(units.items())),
    ]
