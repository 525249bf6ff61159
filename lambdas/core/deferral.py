"""What of a campaign may be sent now, and what waits for its send window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lambdas.core.lanes import Lane, by_channel, opening_of
from lambdas.core.pacing import MICROSECOND
from lambdas.core.send_window import Opening, SendWindow

SOON_US = 75 * MICROSECOND
"""Workers wait for an opening that is no further off; the sweeper, which comes each minute, puts tokens for others."""


FORESIGHT_US = 7 * 86_400 * MICROSECOND
"""How far ahead the end of a campaign is reckoned."""


class Deferral(NamedTuple):
    """Rows that wait for their send window, and when the first window opens (epoch ms, None if nothing waits)."""

    rows: int = 0
    opens_ms: int | None = None


def claimable(lanes: Iterable[Lane], window: SendWindow | None, start_us: int) -> tuple[Lane, Opening] | None:
    """Of the lanes that have rows left and are open at `start_us` the one that closes first."""
    found: tuple[Lane, Opening] | None = None
    for lane in lanes:
        opening = opening_of(lane, window, start_us) if lane.next_row < lane.end_row else None
        if opening is not None and opening.holds(start_us) and (found is None or opening.end_us < found[1].end_us):
            found = lane, opening
    return found


def rows_that_fit(opening: Opening, start_us: int, pace: float) -> int:
    """How many slots at `pace` per second from `start_us` on begin before the window closes."""
    return int((opening.end_us - 1 - start_us) * pace / MICROSECOND) + 1


def next_opening_us(lanes: Iterable[Lane], window: SendWindow | None, now_us: int) -> int | None:
    """When the first of some lanes is open: not later than now if one is; None if none opens as far as can be seen."""
    openings = (opening_of(lane, window, now_us) for lane in lanes)
    return min((opening.start_us for opening in openings if opening is not None), default=None)


def unfinished(lanes: Sequence[Lane], *, claimed_are_done: bool) -> list[Lane]:
    """The lanes with rows to claim; where there are none, those in which claimed rows may be left unfinished."""
    left = [lane for lane in lanes if lane.next_row < lane.end_row]
    return left or [lane for lane in lanes if lane.claimed and not claimed_are_done]


def deferral(lanes: Sequence[Lane], window: SendWindow, under_way: int, now_us: int) -> Deferral:
    """What waits: rows not claimed of lanes whose window is closed, and the claimed ones (`under_way`) if all are."""
    left = unfinished(lanes, claimed_are_done=under_way <= 0)
    openings = [(lane, opening_of(lane, window, now_us)) for lane in left]
    closed = [(lane, opening) for lane, opening in openings if opening is None or not opening.holds(now_us)]
    if not closed:
        return Deferral()
    rows = sum(lane.end_row - lane.next_row for lane, _ in closed)
    rows += under_way if len(closed) == len(openings) else 0
    opens_us = min((opening.start_us for _, opening in closed if opening is not None), default=None)
    return Deferral(rows, None if opens_us is None or not rows else opens_us // 1_000)


def seconds_left(
    lanes: Sequence[Lane],
    window: SendWindow | None,
    rows: int,
    *,
    tps: float,
    rates: Mapping[str, float],
    now_us: int | None,
) -> float | None:
    """How long the last `rows` of a campaign take: all of them at its pace `tps`, and each channel's at what its
    identity has for campaigns (`rates` in parts per second; a channel without one is not held back), whichever ends
    last. Windows count where `now_us` is given; None if they put the end off by more than a week."""
    under_way = max(0, rows - sum(lane.end_row - lane.next_row for lane in lanes))
    courses: list[tuple[Sequence[Lane], int, float]] = [(lanes, rows, tps)]
    for channel, own in by_channel(lanes).items():
        left = sum(lane.end_row - lane.next_row for lane in own)
        left += min(under_way, sum(len(lane.claimed) for lane in own))
        if channel in rates:
            courses.append((own, left, rates[channel] / _parts_of_a_row(own)))
    ends = []
    for some, left, pace in courses:
        if window is None or now_us is None:
            ends.append(round(left / pace, 1))
        elif (seconds := seconds_to_send(some, window, left, tps=pace, now_us=now_us)) is None:
            return None
        else:
            ends.append(seconds)
    return max(ends)


def _parts_of_a_row(lanes: Sequence[Lane]) -> float:
    """Message parts of a row on average; one where nobody has counted them."""
    rows = sum(lane.rows for lane in lanes)
    return sum(lane.parts or lane.rows for lane in lanes) / rows if rows else 1.0


def seconds_to_send(lanes: Sequence[Lane], window: SendWindow, rows: int, *, tps: float, now_us: int) -> float | None:
    """How long `rows` of some lanes take at `tps` when each is sent while its window is open, the one that closes first
    before the others; None if that is more than a week. Claimed rows count as sendable at once."""
    left = {lane: float(lane.end_row - lane.next_row) for lane in lanes}
    under_way = max(0.0, rows - sum(left.values()))
    at_us = now_us + under_way * MICROSECOND / tps
    while any(left.values()):
        if at_us - now_us > FORESIGHT_US:
            return None
        openings = [
            (opening, lane) for lane in lanes if left[lane] and (opening := opening_of(lane, window, int(at_us)))
        ]
        if not openings:
            return None
        opened = [(opening.end_us, lane) for opening, lane in openings if opening.holds(int(at_us))]
        if not opened:
            at_us = float(min(opening.start_us for opening, _ in openings))
            continue
        closes_us, lane = min(opened, key=lambda each: each[0])
        sent = min(left[lane], (closes_us - at_us) * tps / MICROSECOND)
        left[lane] = 0.0 if left[lane] - sent < 1e-6 else left[lane] - sent
        at_us = at_us + sent * MICROSECOND / tps if left[lane] == 0.0 else float(closes_us)
    return round((at_us - now_us) / MICROSECOND, 1)
