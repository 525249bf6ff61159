"""Carrying out what chains ask for (`lambdas/core/chains.py`): decisions on record first, orders after them."""

from __future__ import annotations

from dataclasses import dataclass

from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.chains import ChainTable, StoredChain
from lambdas.adapters.logs import Log
from lambdas.adapters.queues import Queue
from lambdas.adapters.tracking import TrackingTable
from lambdas.core import keys
from lambdas.core.attribute_values import Item
from lambdas.core.campaign import LEG_STATUSES, CampaignStatus
from lambdas.core.chain_terms import Decision
from lambdas.core.chains import DOUBLE, Ended, SendLeg, StartLeg, Wait, arrival_flags, next_step
from lambdas.core.leg_order import LegOrder
from lambdas.core.leg_window import leg_opens_ms
from lambdas.core.lifecycle import StatusEvent
from lambdas.core.watch import LOOK_AGAIN_S, Watch

MAX_TRIES = 5
"""Reads of a chain that others change each time in between; the watch comes again after that."""


@dataclass(slots=True)
class Looked:
    """What looking at chains came to: legs started, and arrivals that were not the first of their chain."""

    legs: int = 0
    doubles: int = 0


class Steps:
    """Looks at chains; whoever dies in between looks again, since a decision is written once and an order of a leg
    that is on its way is the same message."""

    def __init__(
        self,
        chains: ChainTable,
        tracking: TrackingTable,
        campaigns: CampaignTable,
        outbox: Queue,
        legs: Queue,
        fallback: Queue,
        log: Log,
    ) -> None:
        self._chains = chains
        self._tracking = tracking
        self._campaigns = campaigns
        self._outbox = outbox
        self._legs = legs
        self._fallback = fallback
        self._log = log

    def take(self, watch: Watch, now_ms: int, looked: Looked) -> None:
        """Look at each chain of a watch that is due, and count in `looked`; raises what a store failed with."""
        metas: dict[str, Item | None] = {}
        for stored in self._chains.load(watch.chain_ids):
            campaign_id = stored.campaign_id
            if campaign_id and campaign_id not in metas:
                metas[campaign_id] = self._campaigns.meta(campaign_id)
            looked.doubles += self._flag(stored)
            looked.legs += self._go_on(stored, watch, metas.get(campaign_id), now_ms)

    def _flag(self, stored: StoredChain) -> int:
        """Put on record which legs came late or twice; how many rows say `DOUBLE` for the first time."""
        doubles = 0
        for number, flags in arrival_flags(stored.chain.legs).items():
            row = stored.rows[number]
            if row is None or flags <= row.state.flags:
                continue
            event = StatusEvent(row.state.status, row.state.history[row.state.status], flags=flags)
            folded = self._tracking.fold(row.message_id, [event])
            doubles += folded is not None and DOUBLE in folded.after.flags - folded.before.state.flags
        return doubles

    def _go_on(self, stored: StoredChain, watch: Watch, meta: Item | None, now_ms: int) -> int:
        """Take the chain's next step; how many legs that started."""
        for _ in range(MAX_TRIES):
            step = next_step(stored.chain, now_ms)
            if isinstance(step, Ended):
                return 0
            if isinstance(step, Wait):
                # Who is looking because of an event leaves the deadline to the watch that was put for it.
                if step.until_ms is not None and watch.due_ms:
                    self._look_again(stored, step.until_ms, now_ms)
                return 0
            if stored.campaign_id and (later_ms := _held_until_ms(stored, meta, now_ms)) != now_ms:
                if later_ms is not None:
                    self._look_again(stored, later_ms, now_ms)
                return 0
            if isinstance(step, SendLeg) or self._chains.record(stored, step):
                self._order(stored, step.number, step.decision, now_ms)
                return int(isinstance(step, StartLeg))
            (stored,) = self._chains.load([stored.chain.id])
        raise RuntimeError(f"{stored.chain.id} was changed by others {MAX_TRIES} times in a row")

    def _order(self, stored: StoredChain, number: int, decision: Decision, now_ms: int) -> None:
        chain = stored.chain
        order = LegOrder(chain.id, number, decision.choice, decision.not_before_ms)
        queue = self._legs if stored.campaign_id else self._outbox
        group = stored.campaign_id or keys.customer_tag(stored.root.customer_id)
        queue.send(order.to_json(), delay_s=max(0, -((now_ms - decision.not_before_ms) // 1_000)), group=group)
        self._log.line(
            "INFO",
            "leg ordered",
            message_id=order.message_id,
            channel=chain.terms.channels[decision.choice],
            cause=decision.cause.value,
            code=decision.code,
        )

    def _look_again(self, stored: StoredChain, due_ms: int, now_ms: int) -> None:
        watch = Watch((stored.chain.id,), due_ms)
        self._fallback.send_later(watch.to_json(), watch.delay_s(now_ms))


def _held_until_ms(stored: StoredChain, meta: Item | None, now_ms: int) -> int | None:
    """When a campaign's message may go on (epoch): now, when its send window opens, after a pause; None for never."""
    status = CampaignStatus(meta["status"]) if meta else None
    place = keys.campaign_row(stored.chain.id)
    if meta is None or place is None or status not in LEG_STATUSES:
        return now_ms + LOOK_AGAIN_S * 1_000 if status is CampaignStatus.PAUSED else None
    return leg_opens_ms(meta, place[1], now_ms)
