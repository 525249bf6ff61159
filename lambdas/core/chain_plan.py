"""A planned message with what may follow it: its other channels and the terms of its chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from lambdas.core.chain_terms import ChainTerms
from lambdas.core.planned_row import PlannedRow
from lambdas.core.send_options import SendOptions


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


def highest_chain_usd(row: PlannedRow, options: SendOptions) -> Decimal:
    """The most that a message may cost if all that can follow it does: each of its channels with every retry, within
    the highest price of the whole message."""
    calls = 1 + (row.chain.retries if row.chain is not None else 0)
    highest = calls * sum((each.reserved_usd for each in (row, *row.fallback)), Decimal(0))
    return highest if options.max_price_usd is None else min(highest, Decimal(str(options.max_price_usd)))
