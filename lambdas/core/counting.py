"""From the tracking table's stream to counters: the difference that each change of a row makes, summed per campaign.

Differences telescope: added over all changes of a row they equal what the row contributes now, in any batching.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from lambdas.core.chain_terms import ChainTerms
from lambdas.core.days import DAY_COUNTER_SECONDS, SECONDS_PER_DAY, utc_day
from lambdas.core.excuses import Excuse, excuse
from lambdas.core.lifecycle import Counts, MessageState, Status, contribution


class RowImage(NamedTuple):
    """One image of a tracking row, as far as counting needs it; `rest` is what its chain may come to from it on."""

    campaign_id: str
    channel: str
    created_ms: int
    estimate_usd: Decimal
    state: MessageState
    expires_at_s: int | None = None
    country: str = ""
    rest: ChainTerms | None = None

    def counts(self) -> Counts:
        """What the row contributes."""
        counts = contribution(self.state, called_ms=self.created_ms, estimate_usd=self.estimate_usd)
        excused = excuse(self.state, self.created_ms, self.rest)
        return replace(counts, unwanted=int(excused is Excuse.UNWANTED), passed_on=int(excused is Excuse.PASSED_ON))


class RowChange(NamedTuple):
    """One stream record: `before` is None for a new row, `after` for a removed one."""

    sequence: str
    before: RowImage | None
    after: RowImage | None


class CounterKey(NamedTuple):
    """Where a difference is added: a campaign (or, with an empty id, a UTC day) and a channel."""

    campaign_id: str
    day: str
    channel: str


@dataclass(slots=True)
class CounterDelta:
    """What one batch adds to one counter, and the span of acceptances it saw (epoch ms)."""

    counts: Counts
    first_sent_ms: int | None = None
    last_sent_ms: int | None = None
    expires_at_s: int | None = None
    countries: Counter[str] = field(default_factory=Counter)
    """Of a day: messages accepted by country, which tell the usual mix (`pumping_guard`)."""

    def saw_acceptance(self, at_ms: int) -> None:
        """Widen the span."""
        self.first_sent_ms = at_ms if self.first_sent_ms is None else min(self.first_sent_ms, at_ms)
        self.last_sent_ms = at_ms if self.last_sent_ms is None else max(self.last_sent_ms, at_ms)


def deltas(changes: Iterable[RowChange]) -> dict[CounterKey, CounterDelta]:
    """Sum the changes per campaign and per day; removals are retention at work and change no counter."""
    sums: dict[CounterKey, CounterDelta] = {}
    for change in changes:
        after = change.after
        if after is None:
            continue
        difference = after.counts() + -(change.before.counts() if change.before else Counts())
        if not difference:
            continue
        keys = [CounterKey("", utc_day(after.created_ms), after.channel)]
        if after.campaign_id:
            keys.append(CounterKey(after.campaign_id, "", after.channel))
        for key in keys:
            delta = sums.setdefault(key, CounterDelta(Counts()))
            delta.counts += difference
            delta.expires_at_s = _later(delta.expires_at_s, _expiry(key, after))
            if after.country and difference.sent and not key.campaign_id:
                delta.countries[after.country] += difference.sent
            if difference.sent > 0:
                delta.saw_acceptance(after.state.history.get(Status.SENT, after.created_ms))
    return {key: delta for key, delta in sums.items() if delta.counts}


def _expiry(key: CounterKey, row: RowImage) -> int | None:
    """A campaign's counters outlive its rows by a day, a day's are kept for thirteen months."""
    if not key.campaign_id:
        return row.created_ms // 1_000 + DAY_COUNTER_SECONDS
    return None if row.expires_at_s is None else row.expires_at_s + SECONDS_PER_DAY


def _later(known: int | None, new: int | None) -> int | None:
    return max((at for at in (known, new) if at is not None), default=None)


def batch_marker(changes: Iterable[RowChange]) -> str:
    """A name for a batch of stream records, so that a batch delivered again is counted once."""
    return hashlib.sha256(",".join(change.sequence for change in changes).encode()).hexdigest()[:32]
