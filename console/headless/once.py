"""`--once`: one snapshot, as JSON with fixed keys or as text."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from console.domain import Alarm, ConsoleError, Fetched, Overview
from console.exit_codes import ExitCode
from console.headless import talk
from console.services.monitor import DEADLINE, Beats, Monitor
from console.sources.base import Connection
from console.tallies import is_sending
from console.view import format as fmt
from console.view import frame
from console.view import overview as view
from console.view.segments import Line, Role, line, text_of
from console.view.throughput import throughput_rows
from lambdas.core.campaign import CampaignSummary

T = TypeVar("T")

BEAT = 0.05
RATE_SECONDS = 2.0
"""A rate needs two readings; they are taken this far apart, and only while something is being sent."""
COLUMNS, ROWS = 100, 10
_ONE_READ = Beats(alarms=math.inf, campaigns=math.inf, messages=math.inf, spend=math.inf, idle=1.0)


def take(connection: Connection, *, allow_actions: bool) -> Overview:
    """Read everything once, and the campaigns a second time while one is running."""
    monitor = Monitor(connection, allow_actions=allow_actions, beats=_ONE_READ)
    _until_settled(monitor)
    if any(is_sending(campaign) for campaign in monitor.overview.campaigns.value or ()):
        time.sleep(RATE_SECONDS)
        monitor.refresh()
        _until_settled(monitor)
    return monitor.overview


def _until_settled(monitor: Monitor) -> None:
    give_up = time.monotonic() + 2 * DEADLINE
    monitor.tick()
    while not monitor.settled and time.monotonic() < give_up:
        time.sleep(BEAT)
        monitor.tick()


def snapshot(overview: Overview) -> dict[str, Any]:
    """The JSON document; money in US dollars, times ISO 8601 UTC, null where nothing is known."""
    alarms, campaigns, spend = overview.alarms.value, overview.campaigns.value, overview.spend.value
    rates = overview.throughput
    return {
        "stack": overview.stack.stack,
        "environment": overview.stack.environment,
        "taken_at": fmt.stamp(overview.taken_at),
        "stale": any(feed.error is not None for feed in overview.feeds().values()),
        "alarms": None if alarms is None else [alarm_document(alarm) for alarm in alarms],
        "throughput": {
            "target_per_second": None if campaigns is None else rates.target,
            "achieved_per_second": _rounded(rates.achieved, 3),
            "by_channel": {name: round(rate, 3) for name, rate in rates.by_channel.items()},
        },
        "delivery": _delivery_document(campaigns, overview.taken_at),
        "cost": {
            "today_usd": None if spend is None else round(spend.today_usd, 6),
            "month_to_date_usd": None if spend is None else round(spend.month_to_date_usd, 6),
            "forecast_usd": None if spend is None else round(view.forecast(spend, overview.taken_at), 6),
            "console_api_usd": round(overview.api.usd, 9),
        },
        "campaigns": None if campaigns is None else [campaign_document(campaign) for campaign in campaigns],
    }


def _delivery_document(campaigns: Sequence[CampaignSummary] | None, now: float) -> dict[str, Any]:
    if campaigns is None:
        return {"by_status": None, "by_channel": None}
    total, by_channel = view.delivery(campaigns, now)
    by_status = {
        "queued": total.queued,
        "awaiting_receipt": total.awaiting_receipt,
        "delivered": total.delivered,
        "failed": total.failed,
        "in_doubt": total.in_doubt,
        "not_sent": total.not_sent,
    }
    return {"by_status": by_status, "by_channel": by_channel}


def alarm_document(alarm: Alarm) -> dict[str, Any]:
    """One alarm of the snapshot."""
    return {
        "name": alarm.name,
        "state": alarm.state.value,
        "severity": alarm.severity,
        "since": None if alarm.since is None else fmt.stamp(alarm.since),
        "reason": alarm.reason,
        "runbook": alarm.runbook,
    }


def campaign_document(campaign: CampaignSummary) -> dict[str, Any]:
    """One campaign of the snapshot."""
    return {
        "id": campaign.id,
        "status": campaign.status.value,
        "recipients": campaign.recipients,
        "sent": campaign.total("sent"),
        "delivered": campaign.total("delivered"),
        "failed": campaign.failures,
        "in_doubt": campaign.total("in_doubt"),
        "achieved_tps": campaign.achieved_tps,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def lines_of(overview: Overview) -> list[Line]:
    """The snapshot for people: the panels of the screen one below the other, or why one could not be read."""
    glyphs, now = talk.glyphs(), overview.taken_at
    campaigns = overview.campaigns
    sections: list[tuple[str, list[Line]]] = [
        ("", [frame.header_row(overview, columns=COLUMNS, glyphs=glyphs)]),
        ("alarms", _read(overview.alarms, partial(_alarms, overview))),
        (
            "throughput",
            _read(
                campaigns, lambda _: throughput_rows(overview.throughput, now, columns=COLUMNS, rows=1, glyphs=glyphs)
            ),
        ),
        (
            "campaigns",
            _read(campaigns, lambda all_: view.campaign_rows(all_, now, columns=COLUMNS, rows=ROWS, glyphs=glyphs)),
        ),
        (
            "campaigns, 24 h",
            _read(campaigns, lambda all_: view.delivery_rows(all_, now, columns=COLUMNS, rows=ROWS, glyphs=glyphs)),
        ),
        ("cost", _read(overview.spend, lambda spend: view.cost_rows(spend, now, overview, columns=COLUMNS, rows=ROWS))),
    ]
    lines: list[Line] = []
    for title, body in sections:
        lines += ([line((title.upper(), Role.STRONG))] if title else []) + body
    return lines


def _read(feed: Fetched[T], rows: Callable[[T], list[Line]]) -> list[Line]:
    """The rows of what was read; nothing known is not the same as nothing there."""
    if feed.value is not None:
        return rows(feed.value)
    return [line((f"could not be read: {feed.error or 'no answer yet'}", Role.ALARM))]


def _alarms(overview: Overview, alarms: Sequence[Alarm]) -> list[Line]:
    return view.alarm_rows(
        alarms,
        overview.taken_at,
        columns=COLUMNS,
        rows=50,
        glyphs=talk.glyphs(),
        prefix=overview.stack.alarm_prefix,
    )


def run(connection: Connection, *, as_json: bool, allow_actions: bool) -> ExitCode:
    """Print one snapshot. Feeds that failed are named on stderr; if none answered, the first trouble is raised."""
    overview = take(connection, allow_actions=allow_actions)
    errors = [feed.error for feed in overview.feeds().values()]
    if all(feed.value is None for feed in overview.feeds().values()):
        problem = next(error for error in errors if error is not None)
        raise ConsoleError(problem.kind, problem.sentence, problem.remedy)
    for name, feed in overview.feeds().items():
        if feed.error is not None:
            talk.say(f"cpaas-console: {name} could not be read: {feed.error}")
    if as_json:
        talk.put_json(snapshot(overview))
    else:
        talk.put(text_of(lines_of(overview)))
    return ExitCode.FAILED if any(errors) else ExitCode.OK
