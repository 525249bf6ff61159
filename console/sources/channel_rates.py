"""What each channel has sent a second, out of CloudWatch: what the counters say only of the present."""

from __future__ import annotations

import math

from console.sources.clients import Clients
from console.sources.metric_queries import MINUTE, Query, read
from console.telemetry import MAX_POINTS, Series
from lambdas.core.channels import Channel
from lambdas.core.metrics import CHANNEL, MESSAGES_PER_SECOND
from lambdas.core.outputs import StackOutputs

PERIODS = (MINUTE, 300, 900)
"""Seconds; the shortest of which a span has no more than `MAX_POINTS`: a day, five days, two weeks."""


def periods_of(start: float, end: float) -> range:
    """The starts (epoch seconds) of the periods between two moments, of a longer span those at its end."""
    period = next((each for each in PERIODS if (end - start) / each <= MAX_POINTS), PERIODS[-1])
    first = math.floor(start / period) * period
    return range(first, max(first, math.ceil(end)), period)[-MAX_POINTS:]


def read_rates(clients: Clients, outputs: StackOutputs, start: float, end: float) -> tuple[Series, ...]:
    """Messages that the provider has accepted a second, of each channel that is on; its highest minute where a period
    has several, so that no spike is lost."""
    grid = periods_of(start, end)
    queries = [
        Query(name, MESSAGES_PER_SECOND, "Maximum", grid.step, (CHANNEL, Channel(name).metric))
        for name in outputs.messaging.rates()
    ]
    if not queries or not grid:
        return ()
    found = read(clients, queries, outputs.identity.stack, grid.start, end)
    return tuple(
        Series(query.id, grid.step, tuple((float(at), found[query.id].get(at)) for at in grid)) for query in queries
    )
