"""What a benchmark says: measures with their peers, as a table for people and as JSON for the record."""

from __future__ import annotations

import dataclasses
import json
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "latest.json"


class PeerMissing(ImportError):
    """A peer that is not installed; its measures are left out."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of ours beside the same figure of each peer, taken in the same run.

    `bar` is what we hold ourselves to and `holds` whether this run did; None where there is no bar.
    """

    row: str
    what: str
    unit: str
    ours: float
    peers: Mapping[str, float] = field(default_factory=dict)
    bar: str = ""
    holds: bool | None = None

    def ratio(self, peer: str) -> float | None:
        """Ours divided by the peer's."""
        return self.ours / self.peers[peer] if self.peers[peer] else None


def say(text: str) -> None:
    """Talk goes to stderr: stdout is the table."""
    print(text, file=sys.stderr, flush=True)


def table(measures: Iterable[Measure]) -> str:
    """One line per measure and peer."""
    lines = [("row", "what", "ours", "peer", "its figure", "ours / peer", "bar")]
    for measure in measures:
        mark = {True: "holds", False: "MISSED", None: ""}[measure.holds]
        bar = f"{measure.bar}: {mark}" if mark else measure.bar
        head = (measure.row, measure.what, f"{_figure(measure.ours)} {measure.unit}")
        if not measure.peers:
            lines.append((*head, "", "", "", bar))
        for number, (peer, value) in enumerate(measure.peers.items()):
            ratio = measure.ratio(peer)
            shown = head if number == 0 else ("", "", "")
            lines.append((*shown, peer, _figure(value), "" if ratio is None else f"{ratio:.2f}", "" if number else bar))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(_line(line, widths) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _figure(value: float) -> str:
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def save(measures: Sequence[Measure], *, cores: int, path: Path = RESULTS) -> None:
    """Write the measures; rows that were not run keep their last figures."""
    rows = {measure.row for measure in measures}
    kept = [entry for entry in _read(path) if entry["row"] not in rows]
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ")
    taken = [{**dataclasses.asdict(measure), "peers": dict(measure.peers), "taken": now} for measure in measures]
    document = {
        "machine": f"{cores} cores, {platform.system()}, Python {platform.python_version()}",
        "measures": sorted([*kept, *taken], key=lambda entry: (entry["row"], entry["what"])),
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _read(path: Path) -> list[dict[str, object]]:
    if not path.exists():
        return []
    entries: list[dict[str, object]] = json.loads(path.read_text(encoding="utf-8"))["measures"]
    return entries
