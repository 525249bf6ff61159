"""Runs one sweep for each message of the schedule's queue."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from lambdas.adapters.aws import client
from lambdas.adapters.campaign_day import CampaignDay
from lambdas.adapters.chains import ChainTable
from lambdas.adapters.clock import now_ms
from lambdas.adapters.dynamo import Table
from lambdas.adapters.logs import Log
from lambdas.adapters.open_messages import OpenMessages
from lambdas.adapters.queues import Queue
from lambdas.adapters.tracking import TrackingTable
from lambdas.core.channels import routes_from_text
from lambdas.sweeper.settings import SweeperSettings
from lambdas.sweeper.sweep import Sweep, SweepTables

SETTINGS = SweeperSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
ROUTES = routes_from_text(SETTINGS.channels)
_DYNAMO = client("dynamodb")
_TRACKING = Table(_DYNAMO, SETTINGS.delivery_tracking_table)
_ONCE = Table(client("dynamodb", attempts=1), SETTINGS.campaigns_table)
TABLES = SweepTables(
    campaigns=Table(_DYNAMO, SETTINGS.campaigns_table),
    counters=_ONCE,
    rate_limits=Table(_DYNAMO, SETTINGS.rate_limits_table),
    tracking=TrackingTable(_TRACKING),
    open=OpenMessages(_TRACKING),
    work={channel: Queue(client("sqs"), route.work_queue_url) for channel, route in ROUTES.items()},
    plans=Queue(client("sqs"), SETTINGS.plan_queue_url),
    chains=ChainTable(_TRACKING, Table(_DYNAMO, SETTINGS.campaigns_table)),
    fallback=Queue(client("sqs"), SETTINGS.fallback_queue_url),
)
DAY = CampaignDay(_ONCE, cap_usd=SETTINGS.daily_cap_usd, now_ms=now_ms)
LOOK_SECONDS = 30
"""Within which reading rows for the ledger and for recounts goes on; the next sweep goes on where this one stopped, and
the gauges must not be late."""


def handler(_event: Mapping[str, Any], _context: object) -> None:
    """Sweep once, however many ticks the batch holds."""
    until = time.monotonic() + LOOK_SECONDS
    sweep = Sweep(
        TABLES,
        LOG,
        routes=ROUTES,
        region=SETTINGS.region,
        day=DAY,
        now_ms=now_ms(),
        time_left=lambda: time.monotonic() < until,
    )
    LOG.metrics(sweep.run())
