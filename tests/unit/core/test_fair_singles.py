"""Fairness of single messages in virtual time: a customer with fifty times as many delays those of the others little.

The queue is first in, first out and the senders few, as they are without the help of SQS's fair queues.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from lambdas.core.identity_calendar import MILLI, NEAR_US, PRIORITY_MARK, Calendar
from lambdas.core.pacing import MICROSECOND, Wait, lease_units
from lambdas.core.single_sending import ANY_RATE, POLL_US, postponed_s

NOW = 1_780_000_000_000_000
LOOK_US = 20_000
CALL_US = 50_000
RUN_US = 20 * MICROSECOND


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message in the queue or with a sender."""

    customer: str
    ordered_us: int
    taken_us: int = 0


class Outbox:
    """A queue, `senders` that take from it, and one identity's calendar; a campaign may book nine tenths of it."""

    def __init__(self, rate: float, *, senders: int = 50) -> None:
        self.ordered = Counter[str]()
        self.sent = Counter[str]()
        self.postponed = 0
        self._calendar = Calendar(int(rate * MILLI))
        self._queue: deque[Waiting] = deque()
        self._free = senders
        self._events: list[tuple[int, int, str, Waiting]] = []
        self._order = itertools.count()

    def run(self, asked: Mapping[str, float], *, seconds: int, from_second: int, campaign: bool = False) -> None:
        """Let each customer's messages come as a Poisson process; `ordered` and `sent` count from a second on."""
        rnd, end_us = random.Random(3), NOW + seconds * MICROSECOND
        self._since_us = NOW + from_second * MICROSECOND
        for customer, rate in asked.items():
            us = NOW + int(rnd.expovariate(rate) * MICROSECOND)
            while us < end_us:
                self._at(us, "queued", Waiting(customer, us))
                self.ordered[customer] += us >= self._since_us
                us += int(rnd.expovariate(rate) * MICROSECOND)
        if campaign:
            self._at(NOW, "campaign", Waiting("campaign", NOW))
        while self._events[0][0] < end_us:
            us, _, what, message = heapq.heappop(self._events)
            if what == "queued":
                self._queue.append(message)
            elif what == "done":
                self._free += 1
            elif what == "campaign":
                self._campaign_books(us, message)
            else:
                self._look(us, message)
            self._take(us)

    def _at(self, us: int, what: str, message: Waiting) -> None:
        heapq.heappush(self._events, (us, next(self._order), what, message))

    def _take(self, us: int) -> None:
        while self._free and self._queue:
            self._free -= 1
            taken = self._queue.popleft()
            self._at(us + LOOK_US, "look", Waiting(taken.customer, taken.ordered_us, us + LOOK_US))

    def _campaign_books(self, us: int, message: Waiting) -> None:
        rate = self._calendar.milli_rate
        booked = self._calendar.reserve(
            "spring", lease_units(rate / MILLI), now_us=us, not_before_us=us, milli_rate=rate
        )
        again_us = us + POLL_US
        if not isinstance(booked, Wait):
            lease, self._calendar = booked
            again_us = max(again_us, lease.start_us)
        self._at(again_us, "campaign", message)

    def _look(self, us: int, message: Waiting) -> None:
        """What a sender does: book, or put back what is beyond its customer's share, or wait in place for a while."""
        owner = f"{PRIORITY_MARK}{message.customer}"
        found = self._calendar.share_wait(owner, us) or self._calendar.reserve(
            owner, 1, now_us=us, not_before_us=us + LOOK_US, milli_rate=ANY_RATE
        )
        if not isinstance(found, Wait):
            lease, self._calendar = found
            self.sent[message.customer] += lease.start_us >= self._since_us
            self._at(lease.start_us + CALL_US, "done", message)
        elif found.beyond_share or us - message.taken_us > RUN_US:
            delay_s = postponed_s((us - message.ordered_us) / MICROSECOND) if found.beyond_share else 5
            self.postponed += 1
            self._free += 1
            self._at(us + delay_s * MICROSECOND, "queued", message)
        else:
            self._at(us + min(found.microseconds, POLL_US), "look", message)


@pytest.mark.parametrize(
    ("rate", "quiet", "campaign", "seconds", "left"),
    [(10, 0.08, False, 120, 2.0), (10, 0.008, True, 240, 0.2), (50, 0.4, False, 50, 10.0)],
    ids=["10/s", "10/s beside a campaign that wants all", "50/s"],
)
def test_ninety_nine_quiet_customers_get_their_rate_beside_one_that_sends_fifty_times_as_much(
    rate: float, quiet: float, campaign: bool, seconds: int, left: float
) -> None:
    asked = {**{f"quiet-{number}": quiet for number in range(99)}, "noisy": 50 * quiet}
    outbox = Outbox(rate)
    outbox.run(asked, seconds=seconds, from_second=20, campaign=campaign)
    quiet_sent = sum(outbox.sent[customer] for customer in asked if customer != "noisy")
    quiet_ordered = sum(outbox.ordered[customer] for customer in asked if customer != "noisy")
    assert quiet_sent >= 0.95 * quiet_ordered
    assert outbox.sent["noisy"] >= 0.75 * left * (seconds - 20), "and what they leave is not wasted"
    assert outbox.postponed <= 10 * (sum(outbox.sent.values()) + rate * 20), "what comes back does so ever more rarely"


def test_a_customer_that_is_alone_has_the_whole_horizon() -> None:
    calendar, booked = Calendar(10 * MILLI), 0
    while not isinstance(
        found := calendar.reserve(f"{PRIORITY_MARK}one", 1, now_us=NOW, not_before_us=NOW, milli_rate=ANY_RATE), Wait
    ):
        calendar, booked = found[1], booked + 1
    assert booked == 31, "three seconds and the slot at their end"
    assert not found.beyond_share


def test_beyond_its_share_a_customer_books_only_what_is_free_almost_at_once() -> None:
    calendar = Calendar(10 * MILLI)
    for owner, parts in (("other", 1), ("one", 15)):
        found = calendar.reserve(f"{PRIORITY_MARK}{owner}", parts, now_us=NOW, not_before_us=NOW, milli_rate=ANY_RATE)
        assert not isinstance(found, Wait)
        calendar = found[1]
    ends_us = NOW + 1_600_000
    found = calendar.reserve(f"{PRIORITY_MARK}one", 1, now_us=NOW, not_before_us=NOW, milli_rate=ANY_RATE)
    assert found == Wait(ends_us - NOW - NEAR_US, beyond_share=True)
    assert calendar.share_wait(f"{PRIORITY_MARK}one", NOW) == found
    assert calendar.share_wait(f"{PRIORITY_MARK}other", NOW) is None
    other = calendar.reserve(f"{PRIORITY_MARK}other", 1, now_us=NOW, not_before_us=NOW, milli_rate=ANY_RATE)
    assert not isinstance(other, Wait), "the other still has the horizon"
    assert calendar.share_wait(f"{PRIORITY_MARK}one", ends_us - NEAR_US) is None
    late = calendar.reserve(f"{PRIORITY_MARK}one", 1, now_us=ends_us - NEAR_US, not_before_us=NOW, milli_rate=ANY_RATE)
    assert not isinstance(late, Wait), "and the one what is left of it"


def test_what_waits_long_comes_back_ever_more_rarely() -> None:
    assert [postponed_s(age) for age in (0, 10, 40, 100, 3_600, 10**6)] == [5, 5, 10, 25, 300, 300]
