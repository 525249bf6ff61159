"""What messages have cost: a period as asked for, and pages of sums added up exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from console.domain import ConsoleError, ProblemKind
from console.text import safe_line

FIGURES = ("messages", "cost_usd", "charged_usd", "estimated_usd", "in_doubt_usd")
"""Of each sum: how many; what they cost; what of it receipts have told, and what is estimated; what calls in doubt may
have cost beside."""
GROUPS = ("by_channel", "by_campaign", "by_status")

Sums = dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Days:
    """Whole UTC days, both included."""

    first: date
    last: date


def parse_days(first: str | None, last: str | None, today: date) -> Days:
    """The days between two as YYYY-MM-DD; without them this month so far."""
    days = Days(
        today.replace(day=1) if first is None else _day(first),
        today if last is None else _day(last),
    )
    if days.first > days.last:
        raise ConsoleError(
            ProblemKind.BAD_INPUT, f"{days.first} is after {days.last}", "give --from before --to, both as YYYY-MM-DD"
        )
    return days


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConsoleError(
            ProblemKind.BAD_INPUT, f"{safe_line(text, 40)!r} is no day", "give days as YYYY-MM-DD (UTC)"
        ) from error


def _nothing() -> Sums:
    return dict.fromkeys(FIGURES, Decimal(0))


@dataclass(slots=True)
class CustomerCosts:
    """The sums of one customer, in all and by channel, campaign (single messages under '') and status."""

    total: Sums = field(default_factory=_nothing)
    groups: dict[str, dict[str, Sums]] = field(default_factory=lambda: {name: {} for name in GROUPS})

    def add(self, page: Mapping[str, Any]) -> None:
        """Add one answer of the API; raises `ConsoleError` for what is none."""
        try:
            _add(self.total, page)
            for name, groups in self.groups.items():
                for key, group in page[name].items():
                    _add(groups.setdefault(safe_line(key, 64), _nothing()), group)
        except (ArithmeticError, AttributeError, KeyError, TypeError) as error:
            raise ConsoleError(
                ProblemKind.BAD_ANSWER, "the API's answer holds no costs", "is the stack of this console's version?"
            ) from error

    def to_json(self) -> dict[str, Any]:
        """As the API writes sums."""
        return {
            **_document(self.total),
            **{
                name: {key: _document(sums) for key, sums in sorted(groups.items())}
                for name, groups in self.groups.items()
            },
        }


def _add(sums: Sums, figures: Mapping[str, Any]) -> None:
    for name in FIGURES:
        sums[name] += Decimal(str(figures[name]))


def _document(sums: Sums) -> dict[str, Any]:
    return {name: int(value) if name == "messages" else float(value) for name, value in sums.items()}
