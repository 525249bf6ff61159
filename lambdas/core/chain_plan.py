"""A planned message with what may follow it: its other channels and the terms of its chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lambdas.core.campaign_request import SendOptions
from lambdas.core.chain_terms import ChainTerms
from lambdas.core.planned_row import PlannedRow


def chained(rows: Sequence[PlannedRow], options: SendOptions) -> PlannedRow:
    """The first of one message's rows, each on a channel of its own, with the others to follow it."""
    first, *rest = rows
    terms = ChainTerms(
        tuple(row.channel for row in rows),
        options.fallback_after_seconds if rest else None,
        options.retries,
        options.validity_seconds,
    )
    return replace(first, chain=terms, fallback=tuple(rest)) if terms.may_go_on else first
