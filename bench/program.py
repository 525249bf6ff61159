"""Row `program`: evaluating the whole Pulumi program for `dev` without the CLI, imports included.

The peer evaluates the same program through the SDK's mocks.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.report import Measure

ROOT = Path(__file__).parents[1]
MOST_S = 1.2
RECORD = """
import time; began = time.perf_counter()
from localcloud.program import record
count = len(record("dev").registrations)
print(time.perf_counter() - began, count)
"""


def run(brief: bool) -> list[Measure]:
    """Seconds from a fresh interpreter to the recorded graph, the least of a few runs that take turns."""
    rounds = [(_timed("-c", RECORD), _timed("-m", "bench.program_mocks")) for _ in range(2 if brief else 7)]
    ours, registrations = min(mine for mine, _ in rounds)
    peer, _ = min(theirs for _, theirs in rounds)
    what = f"evaluate {registrations} registrations"
    return [Measure("program", what, "s", ours, {"Pulumi SDK mocks": peer}, f"<= {MOST_S} s", ours <= MOST_S)]


def _timed(*arguments: str) -> tuple[float, int]:
    ended = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    seconds, count = ended.stdout.split()
    return float(seconds), int(count)
