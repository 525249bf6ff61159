"""How far planning is: the PLAN item of a campaign, or of a dry run that is too large to be answered at once.

One process plans at a time: it holds the item until the time by which its function has certainly ended, so nobody who
takes over can meet it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from lambdas.adapters.audiences import Upload
from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core import keys
from lambdas.core.attribute_values import Item


class PlanState(NamedTuple):
    """A PLAN item: `rows` read so far of the `upload`, if there is one, the `checkpoint` to go on from, and at the end
    the `summary` or the `problem`.

    Times are epoch milliseconds: `held_until_ms` while somebody plans, `progressed_ms` of the last step for good.
    """

    rows: int = 0
    held_until_ms: int = 0
    progressed_ms: int = 0
    checkpoint: str | None = None
    summary: Mapping[str, Any] | None = None
    problem: str | None = None
    report: str | None = None
    upload: Upload | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> PlanState:
        """Read a PLAN item."""
        summary, upload = item.get("summary"), item.get("upload")
        return cls(
            int(item.get("planned_rows", 0)),
            int(item.get("held_until", 0)),
            int(item.get("progressed_at", 0)),
            item.get("checkpoint"),
            json.loads(summary) if summary else None,
            item.get("problem"),
            item.get("report"),
            Upload.from_item(upload) if upload else None,
        )


def plan_key(partition: str) -> dict[str, str]:
    """Key of the PLAN item of a campaign's or a plan's partition."""
    return {"pk": partition, "sk": keys.PLAN}


class PlanTable:
    """PLAN items of the campaigns table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, item: Mapping[str, Any]) -> Item | None:
        """Put a new item; the one that is there already, if any."""
        try:
            self._table.put_new(item, "pk")
        except ConditionFailed as failed:
            return failed.item or self._table.get(plan_key(item["pk"]))
        return None

    def pin(self, partition: str, upload: Upload, expires_s: int, *, now_ms: int) -> None:
        """Say what is to be planned, before anybody can plan."""
        self._table.update(
            plan_key(partition),
            "SET #upload = :upload, #ttl = :ttl, #progressed_at = :now",
            {"upload": upload.to_item(), "ttl": expires_s, "now": now_ms},
        )

    def item(self, partition: str) -> Item | None:
        """The item itself."""
        return self._table.get(plan_key(partition))

    def state(self, partition: str) -> PlanState | None:
        """The item as a state; None before anybody has planned."""
        item = self.item(partition)
        return None if item is None else PlanState.from_item(item)

    def hold(self, partition: str, owner: str, *, now_ms: int, until_ms: int, expires_s: int) -> PlanState | None:
        """Take the planning over until `until_ms`; None while somebody else holds it."""
        try:
            item = self._table.update(
                plan_key(partition),
                "SET #owner = :owner, #held_until = :until, #ttl = if_not_exists(#ttl, :ttl), "
                "#progressed_at = if_not_exists(#progressed_at, :now)",
                {"owner": owner, "until": until_ms, "now": now_ms, "ttl": expires_s},
                condition="attribute_not_exists(#held_until) OR #held_until < :now",
            )
        except ConditionFailed:
            return None
        return PlanState.from_item(item)

    def progress(self, partition: str, rows: int) -> None:
        """Tell how many rows have been read; only the holder may."""
        self._table.update(plan_key(partition), "SET #planned_rows = :rows", {"rows": rows})

    def let_go(self, partition: str, *, from_scratch: bool = False) -> None:
        """Let the next one plan at once, from the last checkpoint or from scratch."""
        forget = " REMOVE #checkpoint" if from_scratch else ""
        self._table.update(plan_key(partition), f"SET #held_until = :never{forget}", {"never": 0})

    def hand_over(self, partition: str, *, rows: int, checkpoint: str, now_ms: int) -> None:
        """Let the next one go on from a checkpoint."""
        self._table.update(
            plan_key(partition),
            "SET #held_until = :never, #planned_rows = :rows, #checkpoint = :checkpoint, #progressed_at = :now",
            {"never": 0, "rows": rows, "checkpoint": checkpoint, "now": now_ms},
        )

    def finish(self, partition: str, *, rows: int, summary: Mapping[str, Any], report: str, now_ms: int) -> None:
        """Keep what the planning came to; `report` is the key of its report."""
        self._table.update(
            plan_key(partition),
            "SET #planned_rows = :rows, #summary = :summary, #report = :report, #progressed_at = :now",
            {"rows": rows, "summary": json.dumps(summary, separators=(",", ":")), "report": report, "now": now_ms},
        )

    def fail(self, partition: str, problem: str, now_ms: int) -> None:
        """Keep why there is no plan, as a sentence."""
        self._table.update(
            plan_key(partition),
            "SET #problem = :problem, #progressed_at = :now, #held_until = :never",
            {"problem": problem, "now": now_ms, "never": 0},
        )
