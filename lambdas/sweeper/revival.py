"""Work tokens for campaigns that have none: of workers that died, at openings of send windows, at the start that a
campaign was scheduled for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.adapters.campaign_lane import CampaignLane
from lambdas.adapters.dynamo import Table
from lambdas.adapters.logs import Log
from lambdas.adapters.plans import PlanState, PlanTable
from lambdas.adapters.queues import Queue
from lambdas.core import keys
from lambdas.core.campaign import CampaignStatus, CampaignSummary
from lambdas.core.channels import Channel, Routes
from lambdas.core.deferral import SOON_US, next_opening_us, unfinished
from lambdas.core.lanes import Lane, booked, by_channel, lane_of_row, revived
from lambdas.core.rest import rest_until
from lambdas.core.schedule import MAX_DELAY_SECONDS
from lambdas.core.work import WorkToken, full_set

STALLED_US = 45_000_000
"""A channel of a running campaign that booked no time for this long has lost its workers."""
PLAN_LATE_MS = 120_000
PLAN_TROUBLE_MS = 900_000
"""Planning is asked for again by each sweep from the first age on, and after the second no more often than that: what
fails for so long fails until somebody mends it, and lies in the plan queue's DLQ meanwhile, which has an alarm."""
REVIVE_EVERY_MS = 300_000
"""A token that waits for a free worker is not put twice within this time."""
START_AHEAD_MS = 60_000
"""A start is asked for, with a delay, by the last sweep before it."""
SETTLING_IN_US = 5_000_000
"""A worker that waited for an opening has booked its first time by then."""


@dataclass(frozen=True, slots=True)
class Revival:
    """Looks after the campaigns of one sweep."""

    table: Table
    work: Mapping[Channel, Queue]
    plans: Queue
    log: Log
    routes: Routes
    now_ms: int

    def look_after(self, meta: Mapping[str, Any], summary: CampaignSummary) -> None:
        """Put a token for each channel of a running campaign that no worker has touched for a while, and a full set
        where a window opens; start one that is due; have one planned that was accepted, or resumed, without a plan."""
        if "plan" not in meta and summary.status in (CampaignStatus.CREATED, CampaignStatus.RUNNING):
            self._ask_for_a_plan(meta, summary)
        elif summary.status is CampaignStatus.SCHEDULED:
            self._start(summary)
        elif summary.status is CampaignStatus.RUNNING:
            for channel, lanes in by_channel(summary.lanes).items():
                self._revive(meta, summary, channel, lanes)

    def _ask_for_a_plan(self, meta: Mapping[str, Any], summary: CampaignSummary) -> None:
        """Again and again: a request may have died before it asked, and a planner in trouble works some day."""
        age_ms = self._unplanned_ms(summary)
        in_trouble = age_ms > PLAN_TROUBLE_MS
        asked_ago_ms = self.now_ms - int(meta.get("plan_asked_at", 0))
        if age_ms <= PLAN_LATE_MS or (in_trouble and asked_ago_ms < PLAN_TROUBLE_MS):
            return
        self._mark(meta, {"plan_asked_at": self.now_ms})
        self.plans.send({"campaign_id": summary.id})
        level = "ERROR" if in_trouble else "WARNING"
        self.log.line(level, "campaign was not planned", campaign_id=summary.id, age_s=age_ms // 1_000)

    def _unplanned_ms(self, summary: CampaignSummary) -> int:
        """How long nobody has planned a campaign that has no plan; a large audience is planned in several steps."""
        age_ms = self.now_ms - summary.created_ms
        if age_ms <= PLAN_LATE_MS:
            return age_ms
        state = PlanTable(self.table).state(keys.campaign(summary.id)) or PlanState()
        if state.held_until_ms > self.now_ms:
            return 0
        return self.now_ms - max(summary.created_ms, state.progressed_ms)

    def _start(self, summary: CampaignSummary) -> None:
        left_ms = (summary.start_ms or 0) - self.now_ms
        if left_ms <= START_AHEAD_MS:
            self.plans.send({"campaign_id": summary.id, "start": True}, delay_s=max(0, -(-left_ms // 1_000)))

    def _revive(self, meta: Mapping[str, Any], summary: CampaignSummary, channel: str, lanes: Sequence[Lane]) -> None:
        """Other channels that go on say nothing about this one."""
        now_us = self.now_ms * 1_000
        last_us = max(int(meta.get(name, 0)) for name in (booked(channel), revived(channel)))
        if summary.window is not None and summary.done_rows < summary.recipients:
            left = unfinished(lanes, claimed_are_done=summary.done_rows >= summary.claimed_rows)
            opens_us = next_opening_us(left, summary.window, now_us)
            if opens_us is None or opens_us > now_us or last_us < opens_us:
                if opens_us is not None and (opens_us > now_us or self._has_work(summary, channel, lanes)):
                    self._prepare_opening(meta, summary, channel, opens_us, last_us)
                return
        since_us = max(last_us, int(meta.get("resumed_at", 0)) * 1_000) or summary.created_ms * 1_000
        idle_us = now_us - since_us
        if idle_us <= STALLED_US or not self._has_work(summary, channel, lanes):
            return
        self._mark(meta, {revived(channel): (self.now_ms + REVIVE_EVERY_MS) * 1_000})
        self.work[Channel(channel)].send_all([WorkToken(summary.id, recover=True).to_json()])
        self.log.line(
            "WARNING",
            "channel had no worker",
            campaign_id=summary.id,
            channel=channel,
            idle_s=idle_us // 1_000_000,
        )

    def _prepare_opening(
        self, meta: Mapping[str, Any], summary: CampaignSummary, channel: str, opens_us: int, last_us: int
    ) -> None:
        """A full set of tokens for when the window opens, once; workers that wait for a near opening need none."""
        now_us = self.now_ms * 1_000
        ahead_us = opens_us - now_us
        near = -SETTLING_IN_US < ahead_us <= SOON_US
        if near or ahead_us > MAX_DELAY_SECONDS * 1_000_000 or last_us >= opens_us:
            return
        self._mark(meta, {revived(channel): opens_us, **rest_until(meta, opens_us // 1_000)})
        number = full_set(summary.throughput_tps, self.routes[Channel(channel)].rate)
        delay_s = max(0, -(-ahead_us // 1_000_000))
        self.work[Channel(channel)].send_all([WorkToken(summary.id, recover=True).to_json()] * number, delay_s=delay_s)
        self.log.line("INFO", "window opens", campaign_id=summary.id, channel=channel, in_s=delay_s, tokens=number)

    def _has_work(self, summary: CampaignSummary, channel: str, lanes: Sequence[Lane]) -> bool:
        """Whether a worker of the channel would find something: rows to claim, chunks or claims of the dead whose
        window is open, or a campaign to complete."""
        if any(lane.next_row < lane.end_row for lane in lanes) or summary.done_rows >= summary.recipients:
            return True
        now_us = self.now_ms * 1_000
        chunks = CampaignLane(self.table, channel).abandoned_chunks(summary.id, now_us)
        of_chunks = [lane for chunk in chunks if (lane := lane_of_row(lanes, chunk.first_row))]
        opens_us = next_opening_us(of_chunks, summary.window, now_us)
        return opens_us is not None and opens_us <= now_us

    def _mark(self, meta: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        sets = ", ".join(f"#{name} = :{name}" for name in changes)
        self.table.update({"pk": meta["pk"], "sk": meta["sk"]}, f"SET {sets}", changes)
