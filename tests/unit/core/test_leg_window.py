"""When legs of a campaign may be sent: in the send window of the row's own zone."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from lambdas.core.lanes import ALWAYS, Lane, lane_attributes
from lambdas.core.leg_window import leg_opening, leg_opens_ms
from lambdas.core.send_window import SendWindow

WINDOW = {"start": "09:00", "end": "20:00"}
LANES = (
    Lane("sms", 0, 10, Decimal(0), zone="Europe/Berlin", number=0),
    Lane("sms", 10, 20, Decimal(0), zone="America/New_York", number=1),
)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


@pytest.mark.parametrize(
    ("row", "at", "opens"),
    [
        (0, "2026-11-25T10:00", "2026-11-25T10:00"),
        (0, "2026-11-25T19:30", "2026-11-26T08:00"),
        (10, "2026-11-25T19:30", "2026-11-25T19:30"),
        (10, "2026-11-25T10:00", "2026-11-25T14:00"),
        (9, "2026-11-25T07:59", "2026-11-25T08:00"),
    ],
)
def test_a_leg_waits_for_its_rows_own_window(row: int, at: str, opens: str) -> None:
    meta = {"window": SendWindow.from_json(WINDOW).to_json(), **lane_attributes(LANES)}
    assert leg_opens_ms(meta, row, ms(at)) == ms(opens)
    opening = leg_opening(meta, row, ms(at))
    assert opening.holds(ms(opens) * 1_000)
    assert opening.end_us - ms(opens) * 1_000 <= 11 * 3_600_000_000


def test_without_a_window_nobody_waits() -> None:
    meta = lane_attributes((Lane("sms", 0, 10, Decimal(0)),))
    assert leg_opens_ms(meta, 0, 5) == 5
    assert leg_opens_ms({}, 0, 5) == 5
    assert leg_opening(meta, 0, 5) == leg_opening({}, 0, 5) == ALWAYS


def test_a_window_that_never_opens_is_looked_at_again_the_next_day() -> None:
    never = {"start": "09:00", "end": "09:30"}
    lane = Lane("sms", 0, 10, Decimal(0), zone="Europe/Berlin,America/Los_Angeles", number=0)
    meta = {"window": SendWindow.from_json(never).to_json(), **lane_attributes((lane,))}
    assert leg_opens_ms(meta, 0, 0) == 86_400_000
