"""What a console that is kept open asks of AWS in a month: reads counted in virtual time, each priced as measured.

The reads are those of the Monitor with its beats for AWS over eight hours a day on 22 days, a quarter of the time with
a campaign that runs. What one read of a feed costs is measured against the embedded cloud after a real campaign: calls
and DynamoDB read units as its answers report them, at the list prices of console/spend.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from bench.embedded import metered_campaign, running_cloud
from console.campaigns import make_request
from console.services.connect import Options, connect
from console.services.monitor import OVERVIEW, Monitor
from console.sources.base import Connection
from console.sources.fake import FakeStack
from console.spend import METRIC_READ
from tests.support.stopped_clock import StoppedClock

HOURS = 8 * 22
SENDING_SHARE = 0.25
HOUR = 3_600
NAIVE_METRICS, NAIVE_SECONDS = 30, 10


def reads_per_hour(*, sending: bool) -> dict[str, int]:
    """How often each feed of the overview is read in an hour, and the series of an alarm that is looked at."""
    clock = StoppedClock()
    stack = FakeStack(clock, environment="dev")
    if sending:
        stack.send(make_request(5_000, 1.0))
    connection = dataclasses.replace(stack.connection(), clock=None)
    monitor = Monitor(connection, clock=clock)
    for _ in range(HOUR):
        monitor.tick()
        while any(feed.reading for feed in monitor.feeds.values()):
            monitor.tick()
        clock.advance(1.0)
    return {name: feed.reads for name, feed in monitor.feeds.items()}


def dollars_per_read(connection: Connection) -> dict[str, float]:
    """What one read of each feed costs once the console knows the stack."""
    source = connection.source
    campaigns = source.campaigns()
    reads: dict[str, Callable[[], object]] = {
        "alarms": source.alarms,
        "campaigns": source.campaigns,
        "messages": lambda: source.messages(campaigns),
        "spend": source.spend,
    }
    costs = {}
    for name, read in reads.items():
        read()
        before = source.use().usd
        read()
        costs[name] = source.use().usd - before
    return costs


def monthly(rows: int) -> tuple[float, float]:
    """Dollars a month of ours, and of a console that asks CloudWatch for 30 metrics every ten seconds."""
    with running_cloud() as ready:
        metered_campaign(ready, rows, 50)
        connection = connect(Options(endpoint_url=ready["endpoint_url"]), lambda step: None)
        costs = dollars_per_read(connection)
    ours = 0.0
    for sending, share in ((True, SENDING_SHARE), (False, 1 - SENDING_SHARE)):
        reads = reads_per_hour(sending=sending)
        ours += share * HOURS * sum(reads[name] * costs[name] for name in OVERVIEW)
    charts = HOURS * HOUR / 60 * METRIC_READ.usd
    naive = HOURS * HOUR / NAIVE_SECONDS * NAIVE_METRICS * METRIC_READ.usd
    return ours + charts, naive
