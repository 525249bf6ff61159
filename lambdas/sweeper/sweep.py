"""The minute's round: gauges, campaigns whose workers are gone, and a recount of what has settled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from lambdas.adapters.campaign_day import CampaignDay
from lambdas.adapters.campaigns import CampaignTable, meta_key
from lambdas.adapters.chains import ChainTable
from lambdas.adapters.counters import counter_key
from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.adapters.logs import Log
from lambdas.adapters.open_messages import OpenMessages
from lambdas.adapters.queues import Queue
from lambdas.adapters.tracking import TrackingTable
from lambdas.core import keys
from lambdas.core.attribute_values import Item
from lambdas.core.campaign import OPEN_STATUSES, CampaignStatus, CampaignSummary, ChannelCounts, PauseReason
from lambdas.core.channels import Channel, Routes
from lambdas.core.counting import CounterKey
from lambdas.core.days import utc_day
from lambdas.core.error_tally import ErrorTally
from lambdas.core.gauges import Reading, channel_gauges, messages_per_second, stack_gauges
from lambdas.core.metrics import CAMPAIGNS_AUTO_PAUSED, Datum
from lambdas.sweeper import day_cap
from lambdas.sweeper.ended import EndedChunks
from lambdas.sweeper.ledger import Ledger
from lambdas.sweeper.recount import Recount
from lambdas.sweeper.revival import Revival
from lambdas.sweeper.unattended import UnattendedChains

LOOK_BACK_MS = 90 * 86_400_000
"""How long a campaign is looked after if it does not settle before."""
RECOUNT_DELAY_MS = 60_000
"""Counters follow the stream; what has been settled for a minute has been counted."""
SETTLE_MS = 72 * 3_600_000
"""AWS reports a final status within 72 h (End User Messaging user guide, "Messaging events")."""
DAY_MS = 86_400_000
IN_DOUBT_DAYS = 5
"""Today and the four days before: 72 hours begin within them."""


class SweepTables(NamedTuple):
    """What a sweep reads and corrects; `counters` is the campaigns table for writes that add up (`Table.once`)."""

    campaigns: Table
    counters: Table
    rate_limits: Table
    tracking: TrackingTable
    open: OpenMessages
    work: Mapping[Channel, Queue]
    plans: Queue
    chains: ChainTable
    fallback: Queue


class Sweep:
    """One round at one time."""

    def __init__(
        self,
        tables: SweepTables,
        log: Log,
        *,
        routes: Routes,
        region: str,
        day: CampaignDay,
        now_ms: int,
        time_left: Callable[[], bool],
    ) -> None:
        self._tables = tables
        self._recount = Recount(
            tables.campaigns, tables.counters, tables.tracking, log, now_ms=now_ms, time_left=time_left
        )
        self._ledger = Ledger(
            tables.open,
            tables.tracking,
            tables.campaigns,
            channels=tuple(routes),
            now_ms=now_ms,
            time_left=time_left,
        )
        self._unattended = UnattendedChains(
            tables.campaigns, tables.chains, tables.fallback, now_ms=now_ms, time_left=time_left
        )
        self._store = CampaignTable(tables.campaigns)
        self._log = log
        self._routes = routes
        self._region = region
        self._now_ms = now_ms
        self._day = day
        self._revival = Revival(tables.campaigns, tables.work, tables.plans, log, routes, now_ms)

    def run(self) -> list[Datum]:
        """Do the round and return the gauges; a campaign that cannot be looked after is logged and left for the next
        round, so that it holds up nothing else."""
        looked_after, entered, paused, named = [], 0, 0, 0
        for meta in self._recent_campaigns():
            campaign_id = keys.campaign_id(meta["pk"])
            try:
                summary = self._store.summary(campaign_id)
                if summary is None:
                    continue
                paused += self._pause_if_failing(meta, summary)
                self._resume(meta, summary)
                self._revival.look_after(meta, summary)
                self._close_open_chunks(summary)
                self._settle(meta, summary)
                entered += self._ledger.look_at(summary, meta.get("ttl"))
                named += self._unattended.look_at(summary, meta.get("ttl"))
                looked_after.append((meta, summary))
            except Exception as error:
                self._log.line(
                    "ERROR", "sweep failed", campaign_id=campaign_id, error=f"{type(error).__name__}: {error}"
                )
        data = [datum for channel in self._routes for datum in self._channel_gauges(channel)]
        data += [Datum(CAMPAIGNS_AUTO_PAUSED, paused)] if paused else []
        given_up = self._ledger.give_up()
        if entered or given_up:
            self._log.line("INFO", "open messages", entered=entered, given_up=given_up)
        if named:
            self._log.line("WARNING", "unattended chains named", chains=named)
        return [*data, *self._stack_gauges(looked_after)]

    def _pause_if_failing(self, meta: Mapping[str, Any], summary: CampaignSummary) -> bool:
        """Pause a running campaign too many of whose messages failed since the last look, which counts from now on."""
        rate = float(meta.get("pause_error_rate", 1))
        if summary.status is not CampaignStatus.RUNNING or rate >= 1:
            return False
        tally = ErrorTally.of(summary)
        latest = tally.since(ErrorTally.from_item(meta.get("health", {})))
        if not latest.says_something:
            return False
        self._mark(meta, {"health": tally.to_item()})
        if not latest.exceeds(rate) or not self._store.pause(summary.id, PauseReason.ERROR_RATE):
            return False
        self._log.line("ERROR", "campaign paused", campaign_id=summary.id, reason=PauseReason.ERROR_RATE.value)
        return True

    def _resume(self, meta: Mapping[str, Any], summary: CampaignSummary) -> None:
        """Let a campaign run again that waits for room in the day's cap."""
        if day_cap.resume(self._store, self._day, meta, summary, now_ms=self._now_ms):
            self._tables.plans.send({"campaign_id": summary.id})
            self._log.line("INFO", "the day has room again", campaign_id=summary.id)

    def _recent_campaigns(self) -> list[Item]:
        listed = self._tables.campaigns.query(
            "#listing = :listing AND #created_at > :since",
            {"listing": keys.ALL_CAMPAIGNS, "since": self._now_ms - LOOK_BACK_MS},
            index=keys.CREATED_INDEX,
        )
        found = self._tables.campaigns.batch_get(meta_key(keys.campaign_id(item["pk"])) for item in listed)
        return [meta for meta in found if not meta.get("recounted")]

    def _close_open_chunks(self, summary: CampaignSummary) -> None:
        """Close what workers left open in an ended campaign; the next round settles it."""
        if summary.status in OPEN_STATUSES or summary.done_rows >= summary.claimed_rows:
            return
        ended = EndedChunks(self._tables.campaigns, self._tables.tracking, self._day, now_us=self._now_ms * 1_000)
        if closed := ended.close(summary):
            self._log.line("WARNING", "chunks of an ended campaign closed", campaign_id=summary.id, chunks=closed)

    def _settle(self, meta: Mapping[str, Any], summary: CampaignSummary) -> None:
        """Recount a campaign once its rows are final (or the last is 72 h old); correct its counters if they differ."""
        ended = summary.status not in OPEN_STATUSES
        expired = self._now_ms - max(summary.created_ms, summary.last_sent_ms or 0) > SETTLE_MS
        if not ended or not (summary.settled or expired):
            return
        settled_at = meta.get("settled_at")
        if settled_at is None:
            self._mark(meta, {"settled_at": self._now_ms})
        elif self._now_ms - int(settled_at) >= RECOUNT_DELAY_MS:
            spent = self._recount.run(summary)
            if spent is not None:
                self._mark(meta, {"recounted": True, "spent": spent, "reserved": Decimal(0)})

    def _mark(self, meta: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        sets = ", ".join(f"#{name} = :{name}" for name in changes)
        self._tables.campaigns.update({"pk": meta["pk"], "sk": meta["sk"]}, f"SET {sets}", changes)

    def _channel_gauges(self, channel: Channel) -> list[Datum]:
        today = utc_day(self._now_ms)
        counts = self._day_counts(today, channel)
        reading = Reading(self._now_ms, today, counts.sent)
        before = self._swap_reading(channel, reading)
        yesterday = 0
        if before is not None and before.day != today:
            yesterday = self._day_counts(before.day, channel).sent
        per_second = messages_per_second(before, reading, sent_yesterday=yesterday)
        return channel_gauges(
            channel.metric,
            counts,
            per_second,
            rate=self._routes[channel].rate,
            slowest_wait_s=self._slowest_wait_s(channel),
        )

    def _slowest_wait_s(self, channel: Channel) -> float:
        """The slowest wait for a lease of a channel's identity, of this minute or the last."""
        key = keys.limiter(channel, self._region, self._routes[channel].identity)
        limits = self._tables.rate_limits.get({"limiter_key": key}, consistent=False) or {}
        current = int(limits.get("slowest_wait_minute", 0)) >= self._now_ms // 60_000 - 1
        return float(limits.get("slowest_wait", 0)) if current else 0.0

    def _day_counts(self, day: str, channel: str) -> ChannelCounts:
        item = self._tables.campaigns.get(counter_key(CounterKey("", day, channel)), consistent=False)
        return ChannelCounts.from_item(item or {})

    def _swap_reading(self, channel: str, reading: Reading) -> Reading | None:
        """Store this reading and return the last one; None on the first, or if another sweep was faster."""
        key = {"pk": f"GAUGE#{channel}", "sk": "READING"}
        item = self._tables.campaigns.get(key)
        before = Reading(int(item["at"]), item["day"], int(item["sent"])) if item else None
        condition = "#at = :was" if before else "attribute_not_exists(#at)"
        try:
            self._tables.campaigns.update(
                key,
                "SET #at = :at, #day = :day, #sent = :sent",
                {
                    "at": reading.at_ms,
                    "day": reading.day,
                    "sent": reading.sent,
                    **({"was": before.at_ms} if before else {}),
                },
                condition=condition,
            )
        except ConditionFailed:
            return None
        return before

    def _in_doubt(self) -> int:
        """Messages in doubt of the days within which receipts come, by the days' counters."""
        days = [utc_day(self._now_ms - back * DAY_MS) for back in range(IN_DOUBT_DAYS)]
        return max(0, sum(self._day_counts(day, channel).in_doubt for day in days for channel in self._routes))

    def _stack_gauges(self, campaigns: Sequence[tuple[Mapping[str, Any], CampaignSummary]]) -> list[Datum]:
        today = [(meta, summary) for meta, summary in campaigns if self._now_ms - summary.created_ms < DAY_MS]
        return stack_gauges(
            cost_usd=sum(summary.cost_usd for _, summary in today),
            customers=sum(int(meta.get("customers", 0)) for meta, _ in today),
            overdue=self._ledger.overdue(),
            in_doubt=self._in_doubt(),
        )
