"""One chain in memory: its rows, the queues around it, a provider that counts calls, and death between any two writes.

The fallback function's `Steps` run as they are, on tables and queues with the conditions of the real ones; the sender
is reduced to what matters to a chain: refuse what is not needed, announce, call once, record.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, TypeVar

from lambdas.adapters.chains import StoredChain
from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.adapters.tracking import Folded
from lambdas.core.chain_terms import ChainTerms, Decision, chain_of, is_leg, leg_id
from lambdas.core.chains import Chain, Leg, StartLeg, asks_for_look
from lambdas.core.intents import INTENT_LIFE_MS
from lambdas.core.leg_order import LegOrder, parse_leg_order
from lambdas.core.lifecycle import MessageState, Status, StatusEvent, fold
from lambdas.core.own_codes import NOT_NEEDED
from lambdas.core.watch import Watch
from lambdas.fallback.steps import Looked, Steps

T = TypeVar("T")
ROOT = "code"
START_MS = 1_800_000_000_000
PRICE = Decimal("0.01")


class Death(BaseException):
    """The function's process is gone."""


class ChainWorld:
    """The stack as one chain sees it; `die_at` is the number of the write that the running function does not survive,
    `after` whether that write still takes effect."""

    def __init__(self, terms: ChainTerms) -> None:
        self.now_ms = START_MS
        self.terms = terms
        self.rows: dict[str, TrackedMessage] = {}
        self.outbox: list[LegOrder | None] = [None]
        """Orders; None is the root's."""
        self.watches: list[Watch] = []
        self.calls: Counter[str] = Counter()
        self.spent = Decimal(0)
        self.doubles = 0
        self.die_at: int | None = None
        self.after = False
        self._writes = 0
        self.steps = Steps(
            FakeChains(self),  # type: ignore[arg-type]
            FakeTracking(self),  # type: ignore[arg-type]
            None,  # type: ignore[arg-type]
            FakeOutbox(self),  # type: ignore[arg-type]
            FakeOutbox(self),  # type: ignore[arg-type]
            FakeFallback(self),  # type: ignore[arg-type]
            NoLog(),  # type: ignore[arg-type]
        )

    def write(self, effect: Callable[[], T]) -> T:
        """Let a write take effect, unless the function dies before it; it may die right after it, too."""
        self._writes += 1
        dies = self._writes == self.die_at
        if dies and not self.after:
            raise Death
        result = effect()
        if dies:
            raise Death
        return result

    def run(self, job: Callable[[], None], *, die_at: int | None, after: bool) -> bool:
        """Run one function; False if it died on the way."""
        self._writes, self.die_at, self.after = 0, die_at, after
        try:
            job()
        except Death:
            return False
        finally:
            self.die_at = None
        return True

    def stored(self) -> StoredChain | None:
        """The chain as the tables hold it."""
        root = self.rows.get(ROOT)
        if root is None:
            return None
        ids = [leg_id(ROOT, number) for number in range(len(root.decisions) + 1)]
        rows = tuple(self.rows.get(message_id) for message_id in ids)
        legs = tuple(None if row is None else Leg(row.state, row.created_ms) for row in rows)
        return StoredChain(Chain(ROOT, self.terms, root.decisions, legs), rows)

    def change(self, message_id: str, events: Iterable[StatusEvent]) -> Folded:
        """Fold events into a row; the stream has its chain looked at where the change asks for that."""
        before = self.rows[message_id]
        after = dataclasses.replace(before, state=fold(before.state, events), version=before.version + 1)
        self.rows[message_id] = after
        others = bool(after.decisions) or is_leg(message_id)
        if asks_for_look(before.state.status, after.state.status, has_other_legs=others):
            self.watches.append(Watch((chain_of(message_id),)))
        return Folded(before, after.state)

    def take_watch(self, place: int, *, die_at: int | None = None, after: bool = False) -> None:
        """The fallback function takes one watch, which stays in the queue if the function dies."""
        watch = self.watches.pop(place)
        if watch.due_ms > self.now_ms:
            self.watches.append(watch)
            return

        looked = Looked()
        if not self.run(lambda: self.steps.take(watch, self.now_ms, looked), die_at=die_at, after=after):
            self.watches.append(watch)
        self.doubles += looked.doubles

    def take_order(
        self, place: int, answer: str, *, die_at: int | None = None, after: bool = False, again: bool = False
    ) -> None:
        """The sender takes one order, which stays in the queue if the function dies, or comes `again` regardless."""
        order = self.outbox.pop(place)
        if order is not None and order.ordered_at_ms > self.now_ms:
            self.outbox.append(order)
            return
        done = self.run(lambda: self._send(order, answer), die_at=die_at, after=after)
        if not done or again:
            self.outbox.append(order)

    def _send(self, order: LegOrder | None, answer: str) -> None:
        message_id = order.message_id if order else ROOT
        choice = order.choice if order else 0
        stored = self.stored() if order else None
        arrived = stored is not None and any(leg and leg.arrived_ms is not None for leg in stored.chain.legs)
        row = self.rows.get(message_id)
        if row is None:
            self.write(lambda: self._announce(message_id, choice))
        elif row.state.status is Status.SENDING:
            if self.now_ms - row.created_ms < INTENT_LIFE_MS:
                self.outbox.append(order)
                return
            self.write(lambda: self.change(message_id, [StatusEvent(Status.IN_DOUBT, self.now_ms)]))
        if row is not None:
            self._watch_deadline(choice)
            return
        if arrived:
            self._learn(message_id, StatusEvent(Status.FAILED, self.now_ms, code=NOT_NEEDED))
            return
        self._call(message_id, answer)
        if answer != "refused":
            self._watch_deadline(choice)

    def _call(self, message_id: str, answer: str) -> None:
        def effect() -> None:
            self.calls[message_id] += 1
            self.spent += PRICE

        self.write(effect)
        if answer == "refused":
            self._learn(message_id, StatusEvent(Status.FAILED, self.now_ms, code="ValidationException"))
            self.spent -= PRICE
        elif answer == "in_doubt":
            self._learn(message_id, StatusEvent(Status.IN_DOUBT, self.now_ms))
        else:
            self._learn(message_id, StatusEvent(Status.SENT, self.now_ms, provider_id=f"p-{message_id}"))

    def _learn(self, message_id: str, event: StatusEvent) -> None:
        self.write(lambda: self.change(message_id, [event]))

    def _announce(self, message_id: str, choice: int) -> None:
        state = MessageState(Status.SENDING, {Status.SENDING: self.now_ms})
        self.rows[message_id] = TrackedMessage(
            message_id=message_id,
            campaign_id="",
            customer_id="c-1",
            channel=self.terms.channels[choice],
            created_ms=self.now_ms,
            estimate_usd=PRICE,
            reserved_usd=PRICE,
            version=1,
            state=state,
            chain=self.terms if message_id == ROOT else None,
        )

    def _watch_deadline(self, choice: int) -> None:
        after_s = self.terms.fallback_after_s
        if after_s is not None and choice + 1 < len(self.terms.channels):
            watch = Watch((ROOT,), self.now_ms + after_s * 1_000)
            self.write(lambda: self.watches.append(watch))


class FakeChains:
    """`ChainTable`."""

    def __init__(self, world: ChainWorld) -> None:
        self._world = world

    def load(self, chain_ids: Iterable[str]) -> list[StoredChain]:
        assert set(chain_ids) == {ROOT}
        stored = self._world.stored()
        return [stored] if stored else []

    def record(self, stored: StoredChain, step: StartLeg) -> bool:
        def effect() -> bool:
            root = self._world.rows[ROOT]
            if len(root.decisions) != step.number - 1 or root.state.status in (Status.DELIVERED, Status.READ):
                return False
            decisions: tuple[Decision, ...] = (*root.decisions, Decision.from_item(step.decision.to_item()))
            self._world.rows[ROOT] = dataclasses.replace(root, decisions=decisions)
            return True

        return self._world.write(effect)


class FakeTracking:
    """`TrackingTable.fold`."""

    def __init__(self, world: ChainWorld) -> None:
        self._world = world

    def fold(self, message_id: str, events: Iterable[StatusEvent]) -> Folded:
        return self._world.write(lambda: self._world.change(message_id, events))


class FakeOutbox:
    """A queue of orders."""

    def __init__(self, world: ChainWorld) -> None:
        self._world = world

    def send(self, body: dict[str, Any], *, delay_s: int = 0, group: str | None = None) -> None:
        assert 0 <= delay_s <= 900
        assert group
        order = parse_leg_order(json.loads(json.dumps(body)))
        self._world.write(lambda: self._world.outbox.append(order))


class FakeFallback:
    """The fallback queue."""

    def __init__(self, world: ChainWorld) -> None:
        self._world = world

    def send_later(self, body: str, delay_s: int) -> None:
        assert 0 <= delay_s <= 900
        self._world.write(lambda: self._world.watches.append(Watch.from_json(body)))


class NoLog:
    """`Log`."""

    def line(self, level: str, message: str, **fields: Any) -> None:
        pass
