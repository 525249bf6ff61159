"""UTC days: what counters and caps of a day are kept by."""

from __future__ import annotations

from datetime import UTC, datetime

SECONDS_PER_DAY = 86_400
DAY_COUNTER_SECONDS = 396 * SECONDS_PER_DAY
"""How long the counters of a day are kept."""


def utc_day(at_ms: int) -> str:
    """The UTC day of a time, YYYY-MM-DD."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).date().isoformat()
