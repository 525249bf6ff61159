"""The sweeper's part in the ledger: rows that stay open are entered, those too old given up, within a bound of time.

A campaign's rows are looked at once, ten minutes after their intent, in the order of their lanes; how far that has come
is kept beside the campaign, so that a campaign of a million rows is looked at over as many sweeps as it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lambdas.adapters.dynamo import Table
from lambdas.adapters.open_messages import OpenMessages
from lambdas.adapters.tracking import TrackingTable
from lambdas.core import keys
from lambdas.core.attribute_values import Item
from lambdas.core.campaign import CampaignSummary
from lambdas.core.lanes import Lane
from lambdas.core.overdue import FIRST_LOOK_MS, GIVE_UP_MS, OVERDUE_MS, given_up

LOOKED_AT_ONCE = 100
"""Rows of one read."""
GIVEN_UP_AT_ONCE = 100
MOST_COUNTED = 20_000
"""Open messages of a channel that are counted for the gauge: far more than its alarm needs."""


class Ledger:
    """One sweep's look at what is open; `time_left` says whether there is time for one more read."""

    def __init__(
        self,
        open_messages: OpenMessages,
        tracking: TrackingTable,
        campaigns: Table,
        *,
        channels: Sequence[str],
        now_ms: int,
        time_left: Callable[[], bool],
    ) -> None:
        self._open = open_messages
        self._tracking = tracking
        self._campaigns = campaigns
        self._channels = channels
        self._now_ms = now_ms
        self._time_left = time_left

    def look_at(self, summary: CampaignSummary, expires_at_s: int | None) -> int:
        """Enter the rows of a campaign that are ten minutes old and still open; how many that were."""
        if not summary.open_receipts and not summary.total("in_doubt"):
            return 0
        key = {"pk": keys.campaign(summary.id), "sk": keys.LEDGER}
        known = self._campaigns.get(key) or {}
        entered, reached = 0, {}
        for lane in summary.lanes:
            name = f"looked_{lane.first_row}"
            first = int(known.get(name, lane.first_row))
            row, found = self._look_at_lane(summary, lane, first)
            entered += found
            if row != first:
                reached[name] = row
        if reached:
            self._save(key, reached, expires_at_s)
        return entered

    def _save(self, key: Item, reached: Mapping[str, int], expires_at_s: int | None) -> None:
        values = {**reached, **({} if expires_at_s is None else {"ttl": expires_at_s})}
        sets = ", ".join(f"#{name} = :{name}" for name in values)
        self._campaigns.update(key, f"SET {sets}", values)

    def _look_at_lane(self, summary: CampaignSummary, lane: Lane, row: int) -> tuple[int, int]:
        """The first row of a lane that has not been looked at now, and how many were entered."""
        entered, end = 0, lane.claimed.stop
        while row < end and self._time_left():
            rows = range(row, min(end, row + LOOKED_AT_ONCE))
            ids = {keys.message(summary.id, each): each for each in rows}
            found = {ids[message_id]: about for message_id, about in self._open.ages(ids).items()}
            old_enough_ms = self._now_ms - FIRST_LOOK_MS
            young = min((each for each, (_, at_ms, _) in found.items() if at_ms > old_enough_ms), default=rows.stop)
            # A row that is not on record yet may still be sent, unless every claimed chunk is closed.
            stop = young if _all_closed(summary) else min(young, max(found, default=row - 1) + 1)
            for each, (channel, _, is_open) in found.items():
                if is_open and each < stop:
                    entered += self._open.enter(keys.message(summary.id, each), channel)
            if stop < rows.stop:
                return stop, entered
            row = stop
        return row, entered

    def give_up(self) -> int:
        """Give up messages without a final receipt after 72 hours; how many, at most some hundreds a sweep."""
        old = [
            message
            for channel in self._channels
            for message in self._open.older_than(channel, self._now_ms - GIVE_UP_MS, GIVEN_UP_AT_ONCE)
        ]
        count = 0
        for message in old:
            if not self._time_left():
                break
            folded = self._tracking.fold(message.message_id, [given_up(self._now_ms)])
            count += folded is not None and folded.changed
        return count

    def overdue(self) -> int:
        """Messages without a final receipt for over an hour."""
        return self._open.count(self._channels, self._now_ms - OVERDUE_MS, MOST_COUNTED)


def _all_closed(summary: CampaignSummary) -> bool:
    """Whether no row that was claimed can be sent any more."""
    return summary.done_rows >= summary.claimed_rows
