"""Achieved throughput from counters: differences between beats over a short window."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from console.domain import RatePoint, Throughput, is_sending
from lambdas.core.campaign import CampaignSummary

WINDOW_SECONDS = 5.0
"""The counters move once per stream batch (about a second); a shorter window would show the batches, not the rate."""
HISTORY = 600


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    sent: Mapping[tuple[str, str], int]


class ThroughputMeter:
    """Folds successive readings of the campaigns into `Throughput`; `ceiling` is the identity's rate per second."""

    def __init__(self, ceiling: float | None = None) -> None:
        self._ceiling = ceiling
        self._samples: deque[_Sample] = deque()
        self._history: deque[RatePoint] = deque(maxlen=HISTORY)

    def observe(self, at: float, campaigns: Iterable[CampaignSummary]) -> Throughput:
        """Take the reading of epoch second `at`; the first one has no rate, for there is nothing to compare with."""
        campaigns = tuple(campaigns)
        target = sum(campaign.throughput_tps for campaign in campaigns if is_sending(campaign))
        if self._ceiling is not None:
            target = min(target, self._ceiling)
        sample = _Sample(
            at,
            {(c.id, channel): counts.sent for c in campaigns for channel, counts in c.channels.items()},
        )
        while len(self._samples) > 1 and self._samples[1].at <= at - WINDOW_SECONDS:
            self._samples.popleft()
        by_channel = self._rates(sample)
        self._samples.append(sample)
        achieved = None if by_channel is None else sum(by_channel.values())
        self._history.append(RatePoint(at, target, achieved))
        return Throughput(target, achieved, by_channel or {}, tuple(self._history))

    def _rates(self, sample: _Sample) -> dict[str, float] | None:
        if not self._samples or sample.at <= self._samples[0].at:
            return None
        oldest = self._samples[0]
        span = sample.at - oldest.at
        totals: dict[str, int] = {}
        for (campaign, channel), sent in sample.sent.items():
            before = oldest.sent.get((campaign, channel), 0)
            totals[channel] = totals.get(channel, 0) + max(0, sent - before)
        return {channel: moved / span for channel, moved in sorted(totals.items())}
