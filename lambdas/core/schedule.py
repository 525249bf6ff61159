"""When a campaign starts: `options.send_at`, an instant with its offset from UTC."""

from __future__ import annotations

import re
from datetime import datetime

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")
DAY_MS = 86_400_000
LATE_MS = 60_000
"""A start that is no longer ago than this is meant to be now: clocks differ, and a request takes its time."""
MAX_DELAY_SECONDS = 900
"""The longest that SQS delays a message (SQS API reference, `DelaySeconds`)."""


def parse_send_at(value: object, where: str, problems: list[str]) -> int | None:
    """Read an RFC 3339 time as epoch milliseconds; adds to `problems` and returns None where it is none."""
    try:
        if isinstance(value, str) and _RFC_3339.fullmatch(value):
            return int(datetime.fromisoformat(value.upper()).timestamp() * 1_000)
    except (ValueError, OverflowError):
        pass
    problems.append(f"{where} must be a time with its offset from UTC, like 2027-03-01T09:00:00+01:00")
    return None


def wrong_start(start_ms: int, now_ms: int, retention_days: int) -> str | None:
    """What is wrong with a start, as a sentence; None if nothing is.

    The plan is kept for the stack's retention from its making: half of it must be left to send in.
    """
    if start_ms < now_ms - LATE_MS:
        return "options.send_at has passed; leave it out to send at once"
    latest_days = retention_days / 2
    if start_ms > now_ms + latest_days * DAY_MS:
        return (
            f"options.send_at may be at most {latest_days:g} days ahead, half of the {retention_days} days"
            " that this environment keeps data"
        )
    return None
