"""How the screen was asked for, beside which stack."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from console.domain import CampaignRequest, ConsoleError, ProblemKind
from console.text import safe_line

DEFAULT_THEME = "dark"
DEFAULT_BUDGET_USD = 2.0
"""A month of eight hours on each of 22 days stays below this with the beats as they are."""


@dataclass(frozen=True, slots=True)
class ScreenOptions:
    """`link` names the place shown first, if any; `budget_usd` is what reading may cost in a month before it slows, 0
    for no end; `columns` are those of tables, by the name of the kind of rows."""

    allow_actions: bool = False
    theme: str = DEFAULT_THEME
    link: str = ""
    budget_usd: float = DEFAULT_BUDGET_USD
    autostart: CampaignRequest | None = None
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def parse_budget(text: str) -> float:
    """Dollars a month; raises `ConsoleError`."""
    try:
        usd = float(text)
    except ValueError:
        usd = math.nan
    if not (math.isfinite(usd) and usd >= 0):
        raise ConsoleError(
            ProblemKind.BAD_INPUT, f"the budget is {safe_line(text, 40)}", "give US dollars a month, 0 for no end"
        )
    return usd
