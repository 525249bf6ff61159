"""Row `fairness`: what a hundred customers get of one identity when one of them sends fifty times as much as any other.

Ours is the real `MessageSender` over the real `Limiter`, whose item lies in memory, in virtual time: as many senders as
a stack has by default take orders from a queue that is first in, first out, without the help of SQS's fair queues. The
peer is that queue at the same rate with senders that lose no time at all: whoever comes first is sent first.
"""

from __future__ import annotations

import heapq
import random
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from bench.report import Measure
from bench.world import PRICE_USD, NoOptOuts, Tracking
from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.adapters.limiter import Limiter
from lambdas.core.attempts import Attempts
from lambdas.core.content import Content
from lambdas.core.pacing import MICROSECOND
from lambdas.core.planned_row import PlannedRow
from lambdas.core.ports import OutboundMessage, SendTerms
from lambdas.core.single_sending import MessageSender, SingleOutcome, SinglePorts, postponed_s
from tests.support.virtual_time import START_US, VirtualTime

QUIET, FACTOR = 99, 50
LOAD_OF_QUIET, RATES = 0.8, (10, 50)
"""What the quiet ones ask for of the identity's rate, in parts a second; with the loud one it is 120 %."""
NOISY = "noisy"
SENDERS = 50
"""Five invocations of ten messages each: `worker_concurrency` of a stack that sets none."""
RUN_US, AGAIN_S, IDLE_US, CALL_US = 20 * MICROSECOND, 5, 50_000, 50_000
SETTLING_S = 20
"""Not looked at: until then the queue is shorter than it will be."""
TERMS = SendTerms("", "TRANSACTIONAL")


@dataclass(frozen=True, slots=True, order=True)
class Order:
    """A message that a customer wants sent; `due_us` is when a sender may take it (again)."""

    due_us: int
    number: int
    customer: str
    ordered_us: int


class Item:
    """The identity's item: the two calls that a limiter makes of its table, under the condition it gives."""

    server_date_s = None

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._item: dict[str, Any] = {}

    def get(self, key: Mapping[str, Any]) -> Mapping[str, Any]:
        """The item."""
        return self._item

    def update(self, key: Mapping[str, Any], update: str, values: Mapping[str, Any], *, condition: str) -> Any:
        """Write it if its version is the one that was read."""
        with self._lock:
            if self._item.get("version", 0) != values.get("was", 0):
                raise ConditionFailed(self._item)
            self._item = {name: values[value] for name, value in re.findall(r"#(\w+) = :(\w+)", update)}
            return self._item


class EndlessBudget:
    """`DayBudgetPort` without a cap."""

    def take(self, amount_usd: Decimal) -> str:
        """There is always room."""
        return "2026-11-20"

    def give_back(self, amount_usd: Decimal, day: str) -> None:
        """Nobody counts."""


class NoGuard:
    """`GuardPort` without a limit."""

    def allows(self, message_id: str, row: PlannedRow) -> bool:
        """Nothing looks like an attack."""
        return True


class Outbox:
    """A queue and its senders on one identity; `calls` are the orders that reached the provider, and when."""

    def __init__(self, orders: Sequence[Order], rate: int, until_us: int) -> None:
        self.calls: list[tuple[Order, int]] = []
        self._queue = [*orders]
        self._rate = rate
        self._until_us = until_us
        self._clock = VirtualTime()
        self._lock = threading.Lock()
        self._item, self._tracking = Item(), Tracking()

    def run(self) -> None:
        """Send until the time is up."""
        self._clock.run(*([self._work] * SENDERS))

    def _work(self) -> None:
        while self._clock.now_us() < self._until_us:
            order = self._take()
            if order is None:
                self._clock.sleep_us(IDLE_US)
            else:
                self._send(order)

    def _take(self) -> Order | None:
        with self._lock:
            due = bool(self._queue) and self._queue[0].due_us <= self._clock.now_us()
            return heapq.heappop(self._queue) if due else None

    def _send(self, order: Order) -> None:
        clock, owner = self._clock, f"{order.number}:{order.due_us}"
        limiter = Limiter(cast(Table, self._item), "sms", parts_per_second=self._rate, clock=clock)
        provider, opt_outs = _Provider(lambda: self._called(order)), NoOptOuts()
        attempts = Attempts(self._tracking, provider, opt_outs, clock, owner=owner)
        ports = SinglePorts(self._tracking, limiter, opt_outs, EndlessBudget(), clock)
        row = PlannedRow(0, order.customer, "sms", "+14254147755", "US", Content("Your code."), 1, PRICE_USD)
        outcome = MessageSender(ports, attempts, owner=owner, guard=NoGuard()).send(
            f"m-{order.number}", row, TERMS, wanted_us=order.due_us, until_us=clock.now_us() + RUN_US
        )
        if outcome in (SingleOutcome.LATER, SingleOutcome.BEYOND_SHARE):
            age_s = (clock.now_us() - order.ordered_us) / MICROSECOND
            again_s = AGAIN_S if outcome is SingleOutcome.LATER else postponed_s(age_s)
            due_us = clock.now_us() + again_s * MICROSECOND
            with self._lock:
                heapq.heappush(self._queue, Order(due_us, order.number, order.customer, order.ordered_us))

    def _called(self, order: Order) -> None:
        self.calls.append((order, self._clock.now_us()))
        self._clock.sleep_us(CALL_US)


@dataclass(frozen=True, slots=True)
class _Provider:
    """`ProviderPort` that tells of each call."""

    called: Callable[[], None]

    def send(self, message: OutboundMessage) -> str:
        """Accept."""
        self.called()
        return f"p-{message.message_id}"


def run(brief: bool) -> list[Measure]:
    """What the quiet ones get, how long they wait, and how much of the rate is used, at each rate."""
    seconds = 40 if brief else 240
    return [measure for rate in RATES for measure in _measures(rate, seconds)]


def _measures(rate: int, seconds: int) -> list[Measure]:
    orders = _orders(rate, seconds)
    outbox = Outbox(orders, rate, START_US + seconds * MICROSECOND)
    outbox.run()
    ours, peer = (
        _Figures.of(calls, orders, rate, seconds) for calls in (outbox.calls, first_in_first_out(orders, rate))
    )
    where, queue = f"at {rate}/s", "first in, first out"
    return [
        Measure(
            "fairness",
            f"share of {QUIET} beside one at {FACTOR}x, {where}",
            "% of their rate",
            ours.quiet,
            {queue: peer.quiet},
            ">= 95",
            ours.quiet >= 95,
        ),
        Measure("fairness", f"  their wait, 95th percentile, {where}", "s", ours.wait_s, {queue: peer.wait_s}),
        Measure("fairness", f"  the identity's rate in use, {where}", "%", ours.used, {queue: peer.used}),
    ]


def _orders(rate: int, seconds: int) -> list[Order]:
    """Poisson arrivals of all customers, in order."""
    chance, quiet = random.Random(8), LOAD_OF_QUIET * rate / QUIET
    arrivals = []
    for customer, asks in [*((f"quiet-{number}", quiet) for number in range(QUIET)), (NOISY, FACTOR * quiet)]:
        at_s = chance.expovariate(asks)
        while at_s < seconds:
            arrivals.append((START_US + int(at_s * MICROSECOND), customer))
            at_s += chance.expovariate(asks)
    return [Order(us, number, customer, us) for number, (us, customer) in enumerate(sorted(arrivals))]


def first_in_first_out(orders: Sequence[Order], rate: int) -> list[tuple[Order, int]]:
    """The peer: each order at the first free slot after it came."""
    calls, free_us = [], 0
    for order in orders:
        at_us = max(order.ordered_us, free_us)
        free_us = at_us + MICROSECOND // rate
        calls.append((order, at_us))
    return calls


@dataclass(frozen=True, slots=True)
class _Figures:
    """Of the time after `SETTLING_S`: the quiet ones' calls over their orders, and all calls over the rate (%), and how
    long the quiet ones' calls had waited, or their orders that were still waiting at the end."""

    quiet: float
    wait_s: float
    used: float

    @classmethod
    def of(cls, calls: Sequence[tuple[Order, int]], orders: Sequence[Order], rate: int, seconds: int) -> _Figures:
        since_us, until_us = START_US + SETTLING_S * MICROSECOND, START_US + seconds * MICROSECOND
        called = {order.number: us for order, us in calls if us < until_us}
        wanted = [order for order in orders if order.customer != NOISY and order.ordered_us >= since_us]
        quiet = sum(us >= since_us for order, us in calls if order.customer != NOISY and us < until_us)
        waits = sorted(called.get(order.number, until_us) - order.ordered_us for order in wanted)
        return cls(
            100 * quiet / len(wanted),
            waits[int(0.95 * len(waits))] / MICROSECOND,
            100 * sum(us >= since_us for us in called.values()) / (rate * (seconds - SETTLING_S)),
        )
