"""Planning written down: what another process needs to go on where this one stopped, with the same result."""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, BinaryIO

from lambdas.core.audience_lines import Position
from lambdas.core.key_set import KeySet
from lambdas.core.plan_row import ExcludedRow, Exclusion
from lambdas.core.plan_totals import Group, LaneTotals, PlanTotals
from lambdas.core.pumping_audience import AudienceRanges

_LENGTH = struct.Struct("<Q")


@dataclass(slots=True)
class ReportState:
    """How far the report of left-out rows is: an upload in parts, their ETags, and the `tail` not uploaded yet."""

    upload_id: str | None = None
    etags: list[str] = field(default_factory=list)
    tail: bytes = b""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where planning stopped: `name` is the plan's own, `written` the first rows of each lane's part files, `seen` and
    the totals as in `Planning`; `columns` are those of a CSV file."""

    name: str
    position: Position
    columns: tuple[str, ...]
    written: Mapping[str, list[int]]
    report: ReportState
    seen: KeySet
    totals: PlanTotals

    def write(self, file: BinaryIO) -> None:
        """A line of JSON after its length, then the tables, the ranges and the report's tail as they are: no copies are
        made, a plan of a million rows has tables of 32 MB."""
        head = {
            "name": self.name,
            "position": [self.position.offset, self.position.line],
            "columns": self.columns,
            "written": self.written,
            "upload_id": self.report.upload_id,
            "etags": self.report.etags,
            "seen": [self.seen.size, len(self.seen)],
            "customers": [self.totals.customers.size, len(self.totals.customers)],
            "tail": len(self.report.tail),
            "totals": totals_to_json(self.totals),
            "ranges": self.totals.ranges.sizes,
        }
        text = json.dumps(head, separators=(",", ":")).encode()
        file.write(_LENGTH.pack(len(text)))
        file.write(text)
        self.seen.write(file)
        self.totals.customers.write(file)
        self.totals.ranges.write(file)
        file.write(self.report.tail)

    @classmethod
    def read(cls, file: BinaryIO, key: bytes) -> Checkpoint:
        """The inverse of `write`; `key` is that of the tables."""
        (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
        head = json.loads(file.read(length))
        seen = KeySet.read(key, file, *head["seen"])
        customers = KeySet.read(key, file, *head["customers"])
        ranges = AudienceRanges.read(file, head["ranges"])
        return cls(
            head["name"],
            Position(*head["position"]),
            tuple(head["columns"]),
            head["written"],
            ReportState(head["upload_id"], head["etags"], file.read(head["tail"])),
            seen,
            totals_from_json(head["totals"], customers, ranges),
        )


def totals_to_json(totals: PlanTotals) -> dict[str, Any]:
    """The sums as JSON values; the customers' table is apart."""
    return {
        "lanes": {name: _lane_to_json(lane) for name, lane in totals.by_lane.items()},
        "channels": _groups_to_json(totals.by_channel),
        "countries": _groups_to_json(totals.by_country),
        "reasons": dict(totals.excluded_by_reason),
        "excluded": [[row.row, row.reason.value, row.detail, row.customer_id] for row in totals.first_excluded],
        "chained": totals.chained,
    }


def totals_from_json(value: Mapping[str, Any], customers: KeySet, ranges: AudienceRanges) -> PlanTotals:
    """The inverse of `totals_to_json`."""
    return PlanTotals(
        customers,
        {name: _lane_from_json(lane) for name, lane in value["lanes"].items()},
        _groups_from_json(value["channels"]),
        _groups_from_json(value["countries"]),
        Counter(value["reasons"]),
        [
            ExcludedRow(row, Exclusion(reason), detail, customer_id)
            for row, reason, detail, customer_id in value["excluded"]
        ],
        ranges,
        value.get("chained", True),
    )


def _lane_to_json(lane: LaneTotals) -> list[Any]:
    money = (lane.cost_usd, lane.highest_price_usd, lane.highest_cost_usd, lane.highest_with_fallback_usd)
    return [lane.channel, lane.rows, lane.parts, [*map(str, money)], lane.zone, lane.number]


def _lane_from_json(value: Sequence[Any]) -> LaneTotals:
    channel, rows, parts, money, zone, number = value
    cost, price, highest, with_fallback = map(Decimal, money)
    return LaneTotals(channel, rows, parts, cost, price, highest, with_fallback, zone, number)


def _groups_to_json(groups: Mapping[str, Group]) -> dict[str, list[Any]]:
    return {name: [group.messages, group.parts, str(group.cost_usd)] for name, group in groups.items()}


def _groups_from_json(value: Mapping[str, list[Any]]) -> dict[str, Group]:
    return {name: Group(messages, parts, Decimal(cost)) for name, (messages, parts, cost) in value.items()}
