"""`watch`: one line per beat, as text or as JSON, for logs, pipes and dashboards; ends with Ctrl-C."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict

from console.commandline import parse_seconds
from console.domain import ConsoleError, Overview, ProblemKind
from console.exit_codes import ExitCode
from console.headless import talk
from console.headless.once import snapshot
from console.services.monitor import DEADLINE, Beats, Monitor
from console.sources.base import Connection
from console.text import safe_line
from console.view import format as fmt
from console.view.overview import alarm_summary, delivery

TICK = 0.05
SLOWEST_FIRST = 2 * DEADLINE
"""Seconds that the first line waits for every feed; after that it says what is missing."""


def parse_every(text: str) -> float:
    """Seconds between two lines."""
    if text == "auto":
        raise ConsoleError(ProblemKind.BAD_INPUT, "--every is auto", "give a number of seconds")
    return parse_seconds(text)


def parse_beats(text: str | None) -> int | None:
    """How many lines there will be; None for no end."""
    if text is None:
        return None
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if number < 1:
        raise ConsoleError(ProblemKind.BAD_INPUT, f"--beats is {safe_line(text, 20)}", "give a whole number above 0")
    return number


def run(
    connection: Connection,
    *,
    every: float,
    beats: int | None,
    as_json: bool,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> ExitCode:
    """Print a line per beat; a feed that fails is null or kept and named in `stale_feeds`, and the watch goes on."""
    rates = Beats(alarms=every, campaigns=every, messages=every, spend=max(every, 30.0), idle=1.0)
    monitor = Monitor(connection, beats=rates)
    printed, due, give_up = 0, 0.0, monotonic() + SLOWEST_FIRST
    while beats is None or printed < beats:
        monitor.tick()
        if (printed or monitor.settled or monotonic() >= give_up) and monotonic() >= due:
            due = monotonic() + every
            talk.put(_json_line(monitor.overview) if as_json else _text_line(monitor.overview))
            printed += 1
        else:
            sleep(TICK)
    return ExitCode.OK


def _json_line(overview: Overview) -> str:
    stale = {name: feed.error.kind.value for name, feed in overview.feeds().items() if feed.error is not None}
    return json.dumps({**snapshot(overview), "stale_feeds": stale}, allow_nan=False, separators=(",", ":"))


def _text_line(overview: Overview) -> str:
    campaigns, rates = overview.campaigns.value, overview.throughput
    total, _ = delivery(campaigns or (), overview.taken_at)
    counted = {name: None if campaigns is None else value for name, value in asdict(total).items()}
    alarms = fmt.MISSING if overview.alarms.value is None else alarm_summary(overview.alarms.value)
    stale = [name for name, feed in overview.feeds().items() if feed.error is not None]
    words = (
        fmt.stamp(overview.taken_at),
        f"alarms {alarms}",
        f"achieved {fmt.rate(rates.achieved)} of {fmt.rate(None if campaigns is None else rates.target)}",
        f"delivered {fmt.count(counted['delivered'])} failed {fmt.count(counted['failed'])}",
        f"awaiting {fmt.count(counted['awaiting_receipt'])} in doubt {fmt.count(counted['in_doubt'])}",
        *([f"STALE {' '.join(stale)}"] if stale else []),
    )
    return "  ".join(words)
