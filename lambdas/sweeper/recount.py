"""Counting a settled campaign again from its rows, over as many sweeps as it takes, and correcting its counters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from decimal import Decimal
from itertools import chain, islice
from typing import Any

from lambdas.adapters.counters import counter_key
from lambdas.adapters.dynamo import Table
from lambdas.adapters.logs import Log
from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.adapters.tracking import TrackingTable
from lambdas.core import keys
from lambdas.core.campaign import CampaignSummary, ChannelCounts
from lambdas.core.chain_terms import leg_id
from lambdas.core.counting import CounterKey, RowImage
from lambdas.core.lifecycle import Counts
from lambdas.core.overdue import GIVE_UP_MS, given_up

BATCH = 1_000


class Recount:
    """Counts one campaign after the other; `time_left` says whether there is time for one more batch.

    What has been counted is kept beside the campaign while it is under way. Rows hardly change any more by then; one
    that does in the minutes of a long recount is counted as it was when its turn came.

    `counters` is the campaigns table, whose client makes each call once (`Table.once`): a correction whose answer is
    lost raises, and the next recount compares with what the counters say by then.
    """

    def __init__(
        self,
        campaigns: Table,
        counters: Table,
        tracking: TrackingTable,
        log: Log,
        *,
        now_ms: int,
        time_left: Callable[[], bool],
    ) -> None:
        self._campaigns = campaigns
        self._counters = counters.once()
        self._tracking = tracking
        self._log = log
        self._now_ms = now_ms
        self._time_left = time_left

    def run(self, summary: CampaignSummary) -> Decimal | None:
        """Count as far as the time reaches; when all is counted, correct the counters and return what all that was
        handed over has cost, which also settles what a dead worker of an ended campaign had reserved."""
        key = {"pk": keys.campaign(summary.id), "sk": keys.RECOUNT}
        known = self._campaigns.get(key) or {}
        done, spent = int(known.get("done", 0)), Decimal(known.get("spent", 0))
        counted = {channel: _counts(each) for channel, each in known.get("counts", {}).items()}
        rows = islice(chain.from_iterable(lane.claimed for lane in summary.lanes), done, None)
        while batch := list(islice(rows, BATCH)):
            if not self._time_left():
                self._save(key, done, spent, counted)
                return None
            for row in self._rows([keys.message(summary.id, each) for each in batch]):
                spent += row.cost_usd if row.state.may_cost else 0
                image = RowImage(
                    row.campaign_id, row.channel, row.created_ms, row.estimate_usd, row.state, rest=row.rest
                )
                counted[row.channel] = counted.get(row.channel, Counts()) + image.counts()
            done += len(batch)
        for channel, counts in counted.items():
            self._correct(summary, channel, counts)
        return spent

    def _rows(self, ids: Sequence[str]) -> list[TrackedMessage]:
        """Rows and the legs behind them; one without a final receipt after 72 hours is given up, as the last chance
        to."""
        rows = [TrackedMessage.from_item(item) for item in self._tracking.rows(ids)]
        legs = [leg_id(row.message_id, n + 1) for row in rows for n in range(len(row.decisions))]
        rows += [TrackedMessage.from_item(item) for item in self._tracking.rows(legs)] if legs else []
        return [self._final(row) for row in rows]

    def _final(self, row: TrackedMessage) -> TrackedMessage:
        if row.state.is_final or self._now_ms - row.created_ms < GIVE_UP_MS:
            return row
        self._tracking.fold(row.message_id, [given_up(self._now_ms)])
        (item,) = self._tracking.rows([row.message_id])
        return TrackedMessage.from_item(item)

    def _save(self, key: Mapping[str, str], done: int, spent: Decimal, counted: Mapping[str, Counts]) -> None:
        counts = {channel: asdict(each) for channel, each in counted.items()}
        ttl = (self._now_ms + GIVE_UP_MS) // 1_000
        self._campaigns.update(
            key,
            "SET #done = :done, #spent = :spent, #counts = :counts, #ttl = :ttl",
            {"done": done, "spent": spent, "counts": counts, "ttl": ttl},
        )

    def _correct(self, summary: CampaignSummary, channel: str, counts: Counts) -> None:
        known = summary.channels.get(channel, ChannelCounts())
        difference = {
            "sent": counts.sent - known.sent,
            "delivered": counts.delivered - known.delivered,
            "failed": counts.failed - known.failed,
            "refused": counts.refused - known.refused,
            "unwanted": counts.unwanted - known.unwanted,
            "passed_on": counts.passed_on - known.passed_on,
            "in_doubt": counts.in_doubt - known.in_doubt,
            "cost": round(counts.cost_usd - Decimal(str(known.cost_usd)), 6),
        }
        difference = {name: value for name, value in difference.items() if value}
        if not difference:
            return
        self._log.line("WARNING", "counters corrected", campaign_id=summary.id, channel=channel, **difference)
        adds = ", ".join(f"#{name} :{name}" for name in difference)
        self._counters.update_once(counter_key(CounterKey(summary.id, "", channel)), f"ADD {adds}", difference)


def _counts(stored: Mapping[str, Any]) -> Counts:
    return Counts(**{each.name: stored.get(each.name, each.default) for each in fields(Counts)})
