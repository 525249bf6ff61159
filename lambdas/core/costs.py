"""What a customer's messages have cost: the actual price where a receipt has told it, else the estimate, kept apart."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from lambdas.core.lifecycle import MessageState, Status, contribution

MAX_DAYS = 396
"""A day's counters are kept for thirteen months; rows go before, after the environment's retention."""


class CostRow(NamedTuple):
    """What costs need of a tracking row."""

    channel: str
    campaign_id: str
    created_ms: int
    estimate_usd: Decimal
    state: MessageState


@dataclass(slots=True)
class CostGroup:
    """Messages that have something in common, and their cost in US dollars.

    `charged_usd` is what receipts have told, `estimated_usd` the price sheet's figure where none has yet or the channel
    never tells one, `in_doubt_usd` the estimate of calls that may not have been taken, which is in neither.
    """

    messages: int = 0
    charged_usd: Decimal = Decimal(0)
    estimated_usd: Decimal = Decimal(0)
    in_doubt_usd: Decimal = Decimal(0)

    def add(self, row: CostRow) -> None:
        """Count one more."""
        cost = contribution(row.state, called_ms=row.created_ms, estimate_usd=row.estimate_usd).cost_usd
        self.messages += 1
        if row.state.cost_usd is not None:
            self.charged_usd += cost
        else:
            self.estimated_usd += cost
        if row.state.status is Status.IN_DOUBT:
            self.in_doubt_usd += row.estimate_usd

    def to_json(self) -> dict[str, Any]:
        """As the API answers it."""
        return {
            "messages": self.messages,
            "cost_usd": float(round(self.charged_usd + self.estimated_usd, 6)),
            "charged_usd": float(round(self.charged_usd, 6)),
            "estimated_usd": float(round(self.estimated_usd, 6)),
            "in_doubt_usd": float(round(self.in_doubt_usd, 6)),
        }


@dataclass(slots=True)
class CustomerCosts:
    """Sums over rows of one customer; single messages stand under the campaign ''."""

    total: CostGroup = field(default_factory=CostGroup)
    by_channel: dict[str, CostGroup] = field(default_factory=dict)
    by_campaign: dict[str, CostGroup] = field(default_factory=dict)
    by_status: dict[str, CostGroup] = field(default_factory=dict)

    def add(self, rows: Iterable[CostRow]) -> None:
        """Count rows."""
        for row in rows:
            self.total.add(row)
            for groups, name in (
                (self.by_channel, row.channel),
                (self.by_campaign, row.campaign_id),
                (self.by_status, row.state.status.value),
            ):
                groups.setdefault(name, CostGroup()).add(row)

    def to_json(self) -> dict[str, Any]:
        """As the API answers it."""
        groups = {"by_channel": self.by_channel, "by_campaign": self.by_campaign, "by_status": self.by_status}
        return {
            **self.total.to_json(),
            **{
                name: {each: group.to_json() for each, group in sorted(found.items())} for name, found in groups.items()
            },
        }


class Period(NamedTuple):
    """Whole UTC days; `from_ms` and `to_ms` (epoch) both belong to it."""

    first: date
    last: date

    @property
    def from_ms(self) -> int:
        """The first millisecond."""
        return _ms(self.first)

    @property
    def to_ms(self) -> int:
        """The last millisecond."""
        return _ms(self.last + timedelta(days=1)) - 1


def parse_period(first: str, last: str) -> Period:
    """Two days as YYYY-MM-DD; raises ValueError with one sentence for anything else."""
    try:
        period = Period(date.fromisoformat(first), date.fromisoformat(last))
    except ValueError as error:
        raise ValueError("from and to must be days as YYYY-MM-DD (UTC), both included") from error
    if not 0 <= (period.last - period.first).days < MAX_DAYS:
        raise ValueError(f"from must not be after to, and at most {MAX_DAYS} days may lie between them")
    return period


def _ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000


class Cursor(NamedTuple):
    """The last row that a page covers."""

    at_ms: int
    message_id: str

    def to_text(self) -> str:
        """For the next request, as it stands."""
        return base64.urlsafe_b64encode(json.dumps([self.at_ms, self.message_id]).encode()).decode().rstrip("=")

    @classmethod
    def from_text(cls, text: str) -> Cursor:
        """The inverse of `to_text`; raises ValueError."""
        try:
            at_ms, message_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (binascii.Error, TypeError, ValueError) as error:
            raise ValueError("cursor must be the next_cursor of an earlier answer") from error
        if not isinstance(at_ms, int) or not isinstance(message_id, str):
            raise ValueError("cursor must be the next_cursor of an earlier answer")
        return cls(at_ms, message_id)
