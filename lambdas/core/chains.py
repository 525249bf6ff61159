"""The chain of one message: its first provider call and every retry and fallback leg after it.

The root message `M` and its legs `M_1`, `M_2` ... are rows of their own, each one provider call. What follows is
decided from the chain's rows and the time alone, so the same receipt twice, two receipts at once or a step that comes
again after a crash lead to the same leg, whose id is its place in the chain. Two legs are under way together only where
the deadline of the first has passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from lambdas.core.chain_terms import Cause, ChainTerms, Decision
from lambdas.core.failures import failure_class
from lambdas.core.intents import INTENT_LIFE_MS
from lambdas.core.lifecycle import ARRIVED, MessageState, Status
from lambdas.core.receipts import ReceiptClass

LONGEST_CHAIN_SECONDS = 259_200
"""How long a chain without a validity of its own may go on, which is SendTextMessage's default (API reference,
`TimeToLive`)."""
RETRY_DELAYS_S = (60, 600)
"""How long after its failure the same channel is tried again, the first time and from then on: an unreachable phone
or a carrier in trouble needs minutes. Within what SQS delays a message by (900 s, API reference, `DelaySeconds`)."""
UNATTENDED_MS = 600_000
"""The stream names a failed chain within seconds, after a failure of its consumer within minutes."""
LATE = "late"
"""Flag of a leg that arrived after a later one had been handed over."""
DOUBLE = "double"
"""Flag of a leg that arrived although another of its chain had arrived before."""


class End(StrEnum):
    """Why nothing follows."""

    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"


class Leg(NamedTuple):
    """One row of a chain: what is known of its call, and since when it is on record (epoch ms)."""

    state: MessageState
    created_ms: int

    @property
    def arrived_ms(self) -> int | None:
        """When it was delivered or read, None if it was not."""
        return min((self.state.history[status] for status in ARRIVED if status in self.state.history), default=None)

    @property
    def may_arrive(self) -> bool:
        """Whether its provider call was made, or may have been."""
        return self.state.is_accepted or Status.IN_DOUBT in self.state.history


class Chain(NamedTuple):
    """A chain as it is on record; `legs` has the root's row and one place for each decision, None before its row."""

    id: str
    terms: ChainTerms
    decisions: tuple[Decision, ...]
    legs: tuple[Leg | None, ...]

    @property
    def choice(self) -> int:
        """Place in `terms.channels` of the leg that is or was under way last."""
        return self.decisions[-1].choice if self.decisions else 0

    @property
    def root(self) -> Leg:
        """The first call's row."""
        root = self.legs[0]
        assert root is not None
        return root

    @property
    def ends_ms(self) -> int:
        """When the chain may not go on any more (epoch)."""
        return self.root.created_ms + (self.terms.valid_s or LONGEST_CHAIN_SECONDS) * 1_000


@dataclass(frozen=True, slots=True)
class StartLeg:
    """Record `decision` as the chain's leg `number`, and send it."""

    number: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class SendLeg:
    """The leg `number` is decided and has no row yet: its order may have been lost, so it is put again."""

    number: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing yet; `until_ms` (epoch) is when to look again, None if an event will tell."""

    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing follows any more."""

    why: End


Step = StartLeg | SendLeg | Wait | Ended
"""No tuples: two of them have the same fields and must not be equal."""


def next_step(chain: Chain, now_ms: int) -> Step:
    """What a chain asks for now; equal rows and times give equal answers."""
    if any(leg is not None and leg.arrived_ms is not None for leg in chain.legs):
        return Ended(End.DELIVERED)
    last = chain.legs[-1]
    if last is None:
        return SendLeg(len(chain.decisions), chain.decisions[-1])
    if last.state.status is Status.FAILED:
        return _after_failure(chain, last, now_ms)
    return _at_deadline(chain, last, now_ms)


def _after_failure(chain: Chain, last: Leg, now_ms: int) -> Step:
    code = last.state.code or ""
    asked = failure_class(chain.terms.channels[chain.choice], code)
    tried = sum(each.cause is Cause.RETRY and each.choice == chain.choice for each in chain.decisions)
    if asked is ReceiptClass.RETRY and tried < chain.terms.retries:
        delay_ms = RETRY_DELAYS_S[min(tried, len(RETRY_DELAYS_S) - 1)] * 1_000
        if now_ms + delay_ms < chain.ends_ms:
            return _start(chain, Decision(chain.choice, Cause.RETRY, now_ms, now_ms + delay_ms, code))
    return _next_channel(chain, Cause.FAILED, now_ms, code)


def _at_deadline(chain: Chain, last: Leg, now_ms: int) -> Step:
    """A leg under way holds up the next channel until its deadline; an intent whose sender may be alive a little longer
    than that, because it may yet be withdrawn and sent by another run."""
    after_s = chain.terms.fallback_after_s
    if after_s is None or chain.choice + 1 >= len(chain.terms.channels):
        return Wait()
    due_ms = last.created_ms + after_s * 1_000
    if last.state.status is Status.SENDING:
        due_ms = max(due_ms, last.created_ms + INTENT_LIFE_MS)
    return Wait(due_ms) if now_ms < due_ms else _next_channel(chain, Cause.DEADLINE, now_ms, None)


def _next_channel(chain: Chain, cause: Cause, now_ms: int, code: str | None) -> Step:
    if chain.choice + 1 >= len(chain.terms.channels):
        return Ended(End.EXHAUSTED)
    if now_ms >= chain.ends_ms:
        return Ended(End.EXPIRED)
    return _start(chain, Decision(chain.choice + 1, cause, now_ms, now_ms, code))


def _start(chain: Chain, decision: Decision) -> StartLeg:
    return StartLeg(len(chain.decisions) + 1, decision)


def rest_after(chain: Chain, number: int, now_ms: int) -> ChainTerms | None:
    """What a chain may come to from its leg `number` on, which is sent now; None if nothing may follow that leg."""
    if now_ms >= chain.ends_ms:
        return None
    decisions = chain.decisions[:number]
    choice = decisions[-1].choice
    tried = sum(each.cause is Cause.RETRY and each.choice == choice for each in decisions)
    rest = ChainTerms(
        chain.terms.channels[choice:],
        chain.terms.fallback_after_s,
        chain.terms.retries - tried,
        max(1, (chain.ends_ms - now_ms) // 1_000),
    )
    return rest if rest.may_go_on else None


def asks_for_look(was: Status | None, now: Status, *, has_other_legs: bool) -> bool:
    """Whether a row's change of status may change what its chain asks for: it has failed, or arrived beside others."""
    failed = now is Status.FAILED and was is not Status.FAILED
    return failed or (has_other_legs and now in ARRIVED and was not in ARRIVED)


def is_unattended(chain: Chain, now_ms: int) -> bool:
    """Whether a chain's last leg failed so long ago that whoever looks at it would have decided what follows by now."""
    last = chain.legs[-1]
    if last is None or last.state.status is not Status.FAILED:
        return False
    is_old = now_ms - last.state.history[Status.FAILED] >= UNATTENDED_MS
    return is_old and isinstance(next_step(chain, now_ms), StartLeg)


def arrival_flags(legs: Sequence[Leg | None]) -> dict[int, frozenset[str]]:
    """Flags by the number of a leg that has arrived: `LATE` where a later leg had been handed over by then, `DOUBLE`
    where another one had arrived before."""
    arrived = sorted((leg.arrived_ms, number) for number, leg in enumerate(legs) if leg and leg.arrived_ms is not None)
    flags: dict[int, set[str]] = {}
    for place, (arrived_ms, number) in enumerate(arrived):
        later = [leg for leg in legs[number + 1 :] if leg is not None and leg.may_arrive]
        if any(leg.created_ms <= arrived_ms for leg in later):
            flags.setdefault(number, set()).add(LATE)
        if place:
            flags.setdefault(number, set()).add(DOUBLE)
    return {number: frozenset(found) for number, found in flags.items()}
