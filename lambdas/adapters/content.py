"""The content bucket: request bodies by their hash, planned rows in part files of 1,000 lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lambdas.core.planned_row import PART_FILE_ROWS, PlannedRow, part_key


class Content:
    """Implements `lambdas.core.ports.AudiencePort`, and storing what it reads."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._part: tuple[str, list[PlannedRow]] | None = None

    def put_request(self, body_hash: str, document: object) -> str:
        """Store a request body under its hash; returns its key."""
        key = f"requests/{body_hash}.json"
        self._client.put_object(
            Bucket=self._bucket, Key=key, Body=json.dumps(document).encode(), ContentType="application/json"
        )
        return key

    def get_request(self, key: str) -> Any:
        """Read a request body back."""
        return json.loads(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())

    def put_rows(self, plan: str, rows: Sequence[PlannedRow]) -> None:
        """Store all rows of a plan under its own name: planning again cannot move rows under a running campaign."""
        for start in range(0, len(rows), PART_FILE_ROWS):
            lines = [json.dumps(row.to_json(), ensure_ascii=False) for row in rows[start : start + PART_FILE_ROWS]]
            self._client.put_object(
                Bucket=self._bucket,
                Key=part_key(plan, start),
                Body="\n".join(lines).encode(),
                ContentType="application/x-ndjson",
            )

    def rows(self, plan: str, first_row: int, count: int) -> list[PlannedRow]:
        """The rows `first_row` .. `first_row + count - 1`; the part file read last is kept."""
        rows: list[PlannedRow] = []
        while len(rows) < count:
            row = first_row + len(rows)
            part = self._read_part(part_key(plan, row))
            offset = row % PART_FILE_ROWS
            found = part[offset : offset + count - len(rows)]
            if not found:
                break
            rows.extend(found)
        return rows

    def _read_part(self, key: str) -> list[PlannedRow]:
        if self._part is None or self._part[0] != key:
            text = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read().decode()
            self._part = key, [PlannedRow.from_json(json.loads(line)) for line in text.split("\n")]
        return self._part[1]
