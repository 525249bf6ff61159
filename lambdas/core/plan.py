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

import phonenumbers

from lambdas.core.campaign_request import VARIABLE, Recipient
from lambdas.core.parts import count_parts
from lambdas.core.planned_row import PlannedRow
from lambdas.core.prices import sms_price
from lambdas.core.simulator import is_simulator

AVAILABLE_CHANNELS = frozenset({"sms"})


class Exclusion(StrEnum):
    """Why a recipient will get nothing."""

    INVALID_NUMBER = "invalid_number"
    DUPLICATE = "duplicate"
    OPTED_OUT = "opted_out"
    CHANNEL_NOT_AVAILABLE = "channel_not_available"
    MISSING_VARIABLE = "missing_variable"
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
    def highest_price_usd(self) -> Decimal:
        """Price of the dearest row: what a claim reserves for each of its rows."""
        return max((row.price_usd for row in self.rows), default=Decimal(0))

    def duration_s(self, *, tps: float, parts_per_second: float, requests_per_second: float) -> float:
        """Seconds the campaign takes at its own rate and at the identity's, which is paced in message parts at the
        lower of its parts/s and the account's requests/s."""
        if not self.rows:
            return 0.0
        return max(len(self.rows) / tps, self.parts / min(parts_per_second, requests_per_second))

    def summary(self, *, tps: float, parts_per_second: float, requests_per_second: float) -> dict[str, Any]:
        """The answer to a dry run."""
        reasons = Counter(row.reason.value for row in self.excluded)
        duration = self.duration_s(tps=tps, parts_per_second=parts_per_second, requests_per_second=requests_per_second)
        return {
            "recipients": len(self.rows),
            "excluded": [
                {"row": row.row, "reason": row.reason.value, "detail": row.detail} for row in self.excluded[:100]
            ],
            "excluded_by_reason": dict(sorted(reasons.items())),
            "parts": self.parts,
            "cost_usd": float(round(self.cost_usd, 5)),
            "duration_seconds": round(duration, 1),
            "by_country": _by(self.rows, lambda row: row.country),
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


def normalise_number(number: str) -> tuple[str, str] | None:
    """E.164 form and ISO country of a number written with its country code; None if it is not possible."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    country = phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(
        parsed.country_code or 0
    )
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), country


def make_plan(
    recipients: Iterable[Recipient],
    *,
    opted_out: Callable[[Collection[str]], Collection[str]],
    max_price_usd: float | None = None,
) -> Plan:
    """Plan a campaign: `opted_out` answers which of some E.164 numbers have opted out.

    The first row of a destination wins; later ones are duplicates, except for simulator destinations, which reach
    nobody and let a test campaign be of any size. Nothing here depends on time, so planning twice
    gives the same rows in the same order.
    """
    excluded: list[ExcludedRow] = []
    candidates: list[tuple[Recipient, str, str]] = []
    seen: set[tuple[str, str]] = set()
    for recipient in recipients:
        if recipient.channel not in AVAILABLE_CHANNELS:
            excluded.append(ExcludedRow(recipient.row, Exclusion.CHANNEL_NOT_AVAILABLE, recipient.channel))
            continue
        number = normalise_number(recipient.address)
        if number is None:
            excluded.append(ExcludedRow(recipient.row, Exclusion.INVALID_NUMBER))
            continue
        if (recipient.channel, number[0]) in seen and not is_simulator(number[0]):
            excluded.append(ExcludedRow(recipient.row, Exclusion.DUPLICATE))
            continue
        seen.add((recipient.channel, number[0]))
        candidates.append((recipient, *number))
    blocked = frozenset(opted_out([destination for _, destination, _ in candidates]))
    rows: list[PlannedRow] = []
    for recipient, destination, country in candidates:
        outcome = (
            ExcludedRow(recipient.row, Exclusion.OPTED_OUT)
            if destination in blocked
            else _render(recipient, destination, country, len(rows), max_price_usd)
        )
        if isinstance(outcome, PlannedRow):
            rows.append(outcome)
        else:
            excluded.append(outcome)
    return Plan(tuple(rows), tuple(sorted(excluded, key=lambda row: row.row)))


def _render(
    recipient: Recipient, destination: str, country: str, row: int, max_price_usd: float | None
) -> PlannedRow | ExcludedRow:
    missing = sorted({name for name in VARIABLE.findall(recipient.body) if name not in recipient.variables})
    if missing:
        return ExcludedRow(recipient.row, Exclusion.MISSING_VARIABLE, ", ".join(missing))
    body = VARIABLE.sub(lambda match: recipient.variables[match.group(1)], recipient.body)
    counted = count_parts(body)
    if counted.too_long or counted.parts == 0:
        return ExcludedRow(recipient.row, Exclusion.TOO_LONG, f"{counted.units} {counted.encoding} units")
    price = sms_price(country).total_usd * counted.parts
    if max_price_usd is not None and price > Decimal(str(max_price_usd)):
        return ExcludedRow(recipient.row, Exclusion.OVER_PRICE_LIMIT, f"{price} USD")
    return PlannedRow(row, recipient.customer_id, recipient.channel, destination, country, body, counted.parts, price)
