"""Preflight: what a campaign would do, row by row, before anything is sent.

The same plan answers `dry_run` and feeds the planner, so what was shown is what will be sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from lambdas.core.addresses import Destination, destination_of
from lambdas.core.campaign_request import Recipient
from lambdas.core.channels import Channel, Routes
from lambdas.core.content import (
    MAX_SUBJECT_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    MAX_WHATSAPP_CHARACTERS,
    Content,
    lacks,
)
from lambdas.core.lanes import Lane
from lambdas.core.parts import count_parts
from lambdas.core.planned_row import PlannedRow
from lambdas.core.prices import price_of
from lambdas.core.simulator import is_simulator
from lambdas.core.work import campaign_rate


class Exclusion(StrEnum):
    """Why a recipient will get nothing."""

    INVALID_NUMBER = "invalid_number"
    INVALID_EMAIL = "invalid_email"
    DUPLICATE = "duplicate"
    OPTED_OUT = "opted_out"
    CHANNEL_NOT_AVAILABLE = "channel_not_available"
    MISSING_VARIABLE = "missing_variable"
    EMPTY = "empty"
    TOO_LONG = "too_long"
    OVER_PRICE_LIMIT = "over_price_limit"


@dataclass(frozen=True, slots=True)
class ExcludedRow:
    """A recipient left out: `row` is its 0-based place in the request."""

    row: int
    reason: Exclusion
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows to send and the rows left out."""

    rows: tuple[PlannedRow, ...]
    excluded: tuple[ExcludedRow, ...]

    @property
    def parts(self) -> int:
        """Message parts of the whole campaign."""
        return sum(row.parts for row in self.rows)

    @property
    def cost_usd(self) -> Decimal:
        """Estimated cost of the whole campaign."""
        return sum((row.price_usd for row in self.rows), Decimal(0))

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Each channel's run of rows."""
        runs: dict[str, list[PlannedRow]] = {}
        for row in self.rows:
            runs.setdefault(row.channel, []).append(row)
        return tuple(
            Lane(channel, rows[0].row, rows[-1].row + 1, max(row.price_usd for row in rows))
            for channel, rows in runs.items()
        )

    def duration_s(self, *, tps: float, routes: Routes) -> float:
        """Seconds the campaign takes: at its own rate over all channels, and at each channel's, which send side by
        side and are paced in message parts."""
        parts = Counter[str]()
        for row in self.rows:
            parts[row.channel] += row.parts
        slowest = [parts[channel] / campaign_rate(route.rate) for channel, route in routes.items()]
        return max(len(self.rows) / tps, *slowest, 0.0)

    def excluded_by_reason(self) -> dict[str, int]:
        """How many recipients each reason leaves out."""
        return dict(sorted(Counter(row.reason.value for row in self.excluded).items()))

    def summary(self, *, tps: float, routes: Routes) -> dict[str, Any]:
        """The answer to a dry run."""
        return {
            "recipients": len(self.rows),
            "excluded": [
                {"row": row.row, "reason": row.reason.value, "detail": row.detail} for row in self.excluded[:100]
            ],
            "excluded_by_reason": self.excluded_by_reason(),
            "parts": self.parts,
            "cost_usd": float(round(self.cost_usd, 5)),
            "duration_seconds": round(self.duration_s(tps=tps, routes=routes), 1),
            "by_country": _by((row for row in self.rows if row.country), lambda row: row.country),
            "by_channel": _by(self.rows, lambda row: row.channel),
        }


def _by(rows: Iterable[PlannedRow], key: Callable[[PlannedRow], str]) -> dict[str, dict[str, float]]:
    groups: dict[str, dict[str, float]] = {}
    for row in rows:
        group = groups.setdefault(key(row), {"messages": 0, "parts": 0, "cost_usd": 0.0})
        group["messages"] += 1
        group["parts"] += row.parts
        group["cost_usd"] = round(group["cost_usd"] + float(row.price_usd), 5)
    return dict(sorted(groups.items()))


def make_plan(
    recipients: Iterable[Recipient],
    *,
    channels: Collection[str],
    opted_out: Callable[[Collection[str]], Collection[str]],
    max_price_usd: float | None = None,
) -> Plan:
    """Plan a campaign over the `channels` that the stack has: `opted_out` answers which of some destinations have
    opted out.

    Rows are ordered by channel, then as they were given: each channel sends a run of its own. The first row of a
    destination wins; later ones are duplicates, except for simulator destinations, which reach nobody and let a test
    campaign be of any size. Nothing here depends on time, so planning twice gives the same rows in the same order.
    """
    excluded: list[ExcludedRow] = []
    candidates: list[tuple[Recipient, Destination]] = []
    seen: set[tuple[str, str]] = set()
    for recipient in recipients:
        if recipient.channel not in channels:
            excluded.append(ExcludedRow(recipient.row, Exclusion.CHANNEL_NOT_AVAILABLE, recipient.channel))
            continue
        found = destination_of(recipient.channel, recipient.address)
        if found is None:
            wrong = Exclusion.INVALID_EMAIL if recipient.channel is Channel.EMAIL else Exclusion.INVALID_NUMBER
            excluded.append(ExcludedRow(recipient.row, wrong))
            continue
        if (recipient.channel, found.address) in seen and not is_simulator(found.address):
            excluded.append(ExcludedRow(recipient.row, Exclusion.DUPLICATE))
            continue
        seen.add((recipient.channel, found.address))
        candidates.append((recipient, found))
    blocked = frozenset(opted_out([found.address for _, found in candidates]))
    order = {channel: place for place, channel in enumerate(Channel)}
    rows: list[PlannedRow] = []
    for recipient, found in sorted(candidates, key=lambda candidate: order[candidate[0].channel]):
        outcome = (
            ExcludedRow(recipient.row, Exclusion.OPTED_OUT)
            if found.address in blocked
            else render(recipient, found, len(rows), max_price_usd)
        )
        if isinstance(outcome, PlannedRow):
            rows.append(outcome)
        else:
            excluded.append(outcome)
    return Plan(tuple(rows), tuple(sorted(excluded, key=lambda row: row.row)))


def render(
    recipient: Recipient, destination: Destination, row: int, max_price_usd: float | None
) -> PlannedRow | ExcludedRow:
    """The message for one recipient, counted and priced, or why there is none."""
    if missing := recipient.content.missing(recipient.variables):
        return ExcludedRow(recipient.row, Exclusion.MISSING_VARIABLE, ", ".join(missing))
    content = recipient.content.render(recipient.variables)
    if lacking := lacks(recipient.channel, content):
        return ExcludedRow(recipient.row, Exclusion.EMPTY, lacking)
    parts, problem = _measure(recipient.channel, content)
    if problem:
        return ExcludedRow(recipient.row, Exclusion.TOO_LONG, problem)
    fee = price_of(recipient.channel, country=destination.country, template=content.template is not None)
    price = fee.total_usd * parts
    if max_price_usd is not None and price > Decimal(str(max_price_usd)):
        return ExcludedRow(recipient.row, Exclusion.OVER_PRICE_LIMIT, f"{price} USD")
    return PlannedRow(
        row,
        recipient.customer_id,
        recipient.channel,
        destination.address,
        destination.country,
        content,
        parts,
        price,
    )


def _measure(channel: Channel, content: Content) -> tuple[int, str]:
    """Parts of a rendered message, and what is wrong with its length."""
    if channel is Channel.SMS:
        counted = count_parts(content.body)
        return counted.parts, f"{counted.units} {counted.encoding} units" if counted.too_long else ""
    if channel is Channel.WHATSAPP:
        texts = (content.body, *(content.template.parameters if content.template else ()))
        longest = max(map(len, texts))
        return 1, f"{longest} characters" if longest > MAX_WHATSAPP_CHARACTERS else ""
    if len(content.subject) > MAX_SUBJECT_CHARACTERS:
        return 1, f"a subject of {len(content.subject)} characters"
    longest = max(len(content.body), len(content.html))
    return 1, f"{longest} characters" if longest > MAX_TEXT_CHARACTERS else ""
