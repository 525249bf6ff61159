"""The console's own state in lines."""

from __future__ import annotations

import pytest

from console.domain import Fetched, Problem, ProblemKind
from console.view.glyphs import UNICODE
from console.view.health import FeedStats, Pulse, feed_lines, groups_together, pulse_lines
from console.view.segments import Role, plain, text_of, width

NOW = 1_795_003_200.0
THROTTLED = Problem(ProblemKind.THROTTLED, "slow down", "wait")
FEEDS = (
    FeedStats("alarms", 10.0, 4, 0, 0, Fetched(1, NOW - 3, 0.0123)),
    FeedStats("queues", 240.0, 9, 2, 5, Fetched(1, NOW - 90, 2.5, error=THROTTLED, retry_at=NOW + 12)),
    FeedStats("bill", 3600.0, 0, 0, 0, Fetched(reading_since=NOW - 2)),
    FeedStats("resources", 600.0, 0, 0, 0, Fetched()),
)


def pulse(**how: object) -> Pulse:
    given: dict[str, object] = {
        "lags": (0.0, 0.002, 0.250),
        "per_second": 1.25,
        "threads": 2,
        "most_threads": 8,
        "slowness": 1.0,
        "least_seconds": 0.0,
        "paused": False,
    }
    return Pulse(**{**given, **how})  # type: ignore[arg-type]


@pytest.mark.parametrize("columns", [76, 120])
def test_every_feed_tells_its_reads_failures_drops_and_back_off(columns: int) -> None:
    lines = feed_lines(FEEDS, NOW, columns, UNICODE)
    assert all(width(each) <= columns for each in lines)
    rows = {row.split()[0]: row.split() for row in text_of(lines).splitlines()}
    assert rows["alarms"][1:7] == ["10s", "3s", "4", "0", "0", "12"]
    assert rows["queues"][1:7] == ["4m", "1m", "9", "2", "5", "2,500"]
    assert rows["queues"][8].startswith("throttled")
    assert "reading" in rows["bill"]
    assert rows["resources"][-2:] == ["not", "yet"]
    if columns == 120:
        assert "again in 12s" in text_of(lines)


def test_groups_of_logs_with_the_same_trouble_stand_together() -> None:
    names = ("sweeper", "message-sender", "fallback", "outbox")
    groups = [
        FeedStats(
            f"/aws/lambda/{name}",
            4.0,
            10 + place,
            place % 2,
            1,
            Fetched(at=NOW - 10 * place, took=0.1 * place, error=THROTTLED if name == "fallback" else None),
        )
        for place, name in enumerate(names)
    ]
    rows = [row.split() for row in text_of(feed_lines(groups_together(groups), NOW, 76, UNICODE)).splitlines()[1:]]
    assert rows == [
        ["logs,", "3", "groups", "-", "30s", "34", "2", "3", "300", "●", "good,", "at", "rest"],
        ["logs", "fallback", "-", "20s", "12", "0", "1", "200", "◆", "throttled"],
    ]
    assert groups_together([]) == []


def test_the_pulse_tells_lateness_calls_and_drops() -> None:
    lines = pulse_lines(pulse(), FEEDS, 76, UNICODE)
    assert all(width(each) <= 76 for each in lines)
    text = text_of(lines)
    for words in ("late p50 2.0 p95 250 most 250 ms", "1.25/s", "2 of 8 threads out", "5 dropped", "their own pace"):
        assert words in text
    late = next(segment for segment in lines[0] if segment.text == "250" and segment.role is Role.WARN)
    assert late
    assert "late p50 - p95 - most - ms" in plain(pulse_lines(pulse(lags=()), (), 76, UNICODE)[0])


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"paused": True}, "reading is held (space goes on)"),
        ({"slowness": 4.0}, "the budget makes reads 4x rarer"),
        ({"least_seconds": 30.0}, "no feed is read more often than every 30 s"),
    ],
)
def test_the_pulse_says_what_slows_reading(how: dict[str, object], words: str) -> None:
    assert words in text_of(pulse_lines(pulse(**how), (), 76, UNICODE))
