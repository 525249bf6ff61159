"""Part files: a plan's rows in the content bucket, in runs small enough to be held in memory, and the index of them.

Each lane writes runs of its own while the audience streams past; the index, written last, says at which of the
campaign's rows each run begins. Planning again writes under another name, so it cannot move rows under a running
campaign.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdas.core.lanes import Lane
from lambdas.core.planned_row import PlannedRow

MAX_PART_ROWS = 1_000
MAX_PART_BYTES = 4 * 1024 * 1024
"""A part file is full at either: what a worker holds of a plan at a time."""
MAX_OPEN_BYTES = 8 * 1024 * 1024
"""Of all lanes' unfinished part files together; over it the largest is written as it is."""


def part_key(plan: str, lane: str, first_row: int) -> str:
    """Key of the part file that begins at a lane's own row `first_row`."""
    return f"parts/{plan}/{lane}/{first_row:07d}.jsonl"


def index_key(plan: str) -> str:
    """Key of a plan's index."""
    return f"parts/{plan}/index.json"


@dataclass(slots=True)
class _OpenPart:
    first_row: int
    lines: list[bytes] = field(default_factory=list)
    size: int = 0


class PartWriter:
    """Writes the part files of one plan; `written` holds for each lane at which of its rows each file begins."""

    def __init__(self, client: Any, bucket: str, plan: str, written: Mapping[str, Iterable[int]] | None = None) -> None:
        self._client = client
        self._bucket = bucket
        self._plan = plan
        self._open: dict[str, _OpenPart] = {}
        self._open_bytes = 0
        self.written = {lane: list(firsts) for lane, firsts in (written or {}).items()}

    def add(self, lane: str, row: PlannedRow) -> None:
        """Take the next row of a lane, whose place there is `row.row`."""
        line = json.dumps(row.to_json(), ensure_ascii=False, separators=(",", ":")).encode()
        part = self._open.get(lane)
        if part is not None and (len(part.lines) == MAX_PART_ROWS or part.size + len(line) > MAX_PART_BYTES):
            self._write(lane)
            part = None
        if part is None:
            part = self._open[lane] = _OpenPart(row.row)
        part.lines.append(line)
        part.size += len(line)
        self._open_bytes += len(line)
        if self._open_bytes > MAX_OPEN_BYTES:
            self._write(max(self._open, key=lambda name: self._open[name].size))

    def flush(self) -> None:
        """Write what is unfinished as it is."""
        for lane in list(self._open):
            self._write(lane)

    def finish(self, lanes: Iterable[Lane]) -> None:
        """Write what is left and the index; `lanes` are all lanes of the plan with their places in the campaign."""
        self.flush()
        index = [[lane.first_row + first, lane.name, first] for lane in lanes for first in self.written[lane.name]]
        self._put(index_key(self._plan), json.dumps(index, separators=(",", ":")).encode(), "application/json")

    def _write(self, lane: str) -> None:
        part = self._open.pop(lane)
        self._open_bytes -= part.size
        self._put(part_key(self._plan, lane, part.first_row), b"\n".join(part.lines), "application/x-ndjson")
        self.written.setdefault(lane, []).append(part.first_row)

    def _put(self, key: str, body: bytes, content_type: str) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)


class PartReader:
    """Implements `lambdas.core.ports.AudiencePort`; the index and the part file read last are kept."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._index: tuple[str, list[tuple[int, str]]] = ("", [])
        self._part: tuple[str, list[PlannedRow]] = ("", [])

    def rows(self, plan: str, first_row: int, count: int) -> list[PlannedRow]:
        """The campaign's rows `first_row` .. `first_row + count - 1`, fewer where the plan ends."""
        index = self._read_index(plan)
        rows: list[PlannedRow] = []
        while len(rows) < count:
            row = first_row + len(rows)
            place = bisect_right(index, row, key=lambda entry: entry[0]) - 1
            if place < 0:
                break
            part = self._read_part(*index[place])
            found = part[row - index[place][0] :][: count - len(rows)]
            if not found:
                break
            rows.extend(found)
        return rows

    def _read_index(self, plan: str) -> list[tuple[int, str]]:
        if self._index[0] != plan:
            entries = json.loads(self._read(index_key(plan)))
            self._index = plan, [(first, part_key(plan, lane, lane_row)) for first, lane, lane_row in entries]
        return self._index[1]

    def _read_part(self, first_row: int, key: str) -> list[PlannedRow]:
        if self._part[0] != key:
            lines = self._read(key).decode().split("\n")
            rows = [PlannedRow.from_json(json.loads(line), first_row + place) for place, line in enumerate(lines)]
            self._part = key, rows
        return self._part[1]

    def _read(self, key: str) -> bytes:
        body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return body
