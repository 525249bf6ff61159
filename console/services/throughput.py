"""Achieved throughput from counters: what moved between beats, over the time in which it was sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from console.domain import RatePoint, Throughput
from console.tallies import is_sending
from lambdas.core.campaign import CampaignSummary, ChannelCounts

WINDOW_SECONDS = 5.0
"""Readings compared are about this far apart: short enough to see a change, long enough for 1/s campaigns."""
COUNTER_LAG_SECONDS = 2.0
"""The counters follow the sends in stream batches; standing still for this long is no stall yet."""
HISTORY = 600

_Lane = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    counts: Mapping[_Lane, ChannelCounts]


class ThroughputMeter:
    """Folds successive readings of the campaigns into `Throughput`; `ceiling` is the identity's rate per second.

    The counters carry the sender's own time of the first and the last message. Dividing by that time, not by the time
    between our readings, keeps batches and delays of the counters out of the rate; our clock only notices standstill.
    """

    def __init__(self, ceiling: float | None = None) -> None:
        self._ceiling = ceiling
        self._samples: deque[_Sample] = deque()
        self._history: deque[RatePoint] = deque(maxlen=HISTORY)
        self._moved: dict[_Lane, float] = {}

    def observe(self, at: float, campaigns: Iterable[CampaignSummary]) -> Throughput:
        """Take the reading of epoch second `at`; the first one has no rate, for there is nothing to compare with."""
        campaigns = tuple(campaigns)
        target = sum(campaign.throughput_tps for campaign in campaigns if is_sending(campaign))
        if self._ceiling is not None:
            target = min(target, self._ceiling)
        sample = _Sample(at, {(c.id, channel): counts for c in campaigns for channel, counts in c.channels.items()})
        self._notice_movement(sample)
        while len(self._samples) > 1 and self._samples[1].at <= at - WINDOW_SECONDS:
            self._samples.popleft()
        by_channel = self._rates(sample)
        self._samples.append(sample)
        achieved = None if by_channel is None else sum(by_channel.values())
        self._history.append(RatePoint(at, target, achieved))
        return Throughput(target, achieved, by_channel or {}, tuple(self._history))

    def _notice_movement(self, sample: _Sample) -> None:
        before = self._samples[-1].counts if self._samples else {}
        for lane, counts in sample.counts.items():
            if lane not in before or before[lane].sent != counts.sent:
                self._moved[lane] = sample.at
        self._moved = {lane: at for lane, at in self._moved.items() if lane in sample.counts}

    def _rates(self, sample: _Sample) -> dict[str, float] | None:
        if not self._samples or sample.at <= self._samples[0].at:
            return None
        oldest = self._samples[0]
        totals: dict[str, float] = {}
        for lane, counts in sample.counts.items():
            stalled = max(0.0, sample.at - self._moved[lane] - COUNTER_LAG_SECONDS)
            rate = _rate(oldest.counts.get(lane), counts, sample.at - oldest.at, stalled)
            totals[lane[1]] = totals.get(lane[1], 0.0) + rate
        return dict(sorted(totals.items()))


def _rate(before: ChannelCounts | None, now: ChannelCounts, elapsed: float, stalled: float) -> float:
    """Messages per second of one lane: over the sender's time where it is known, else over the time between readings.

    A lane that had sent nothing before starts at its first message, which opens the first interval and is not counted.
    """
    known = before is not None and before.last_sent_ms is not None
    started = before.last_sent_ms if before is not None and known else now.first_sent_ms
    moved = now.sent - (before.sent if before is not None else 0) - (0 if known else 1)
    if moved <= 0:
        return 0.0
    if started is None or now.last_sent_ms is None or now.last_sent_ms <= started:
        return moved / elapsed
    return moved / ((now.last_sent_ms - started) / 1000 + stalled)
