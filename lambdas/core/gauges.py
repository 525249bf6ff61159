"""The gauges of one channel, computed once a minute from counters."""

from __future__ import annotations

from typing import NamedTuple

from lambdas.core.campaign import ChannelCounts
from lambdas.core.metrics import (
    AVAILABLE_CAPACITY,
    COST_PER_CUSTOMER,
    DELIVERY_RATE,
    IN_DOUBT,
    MESSAGES_PER_SECOND,
    OVERDUE_RECEIPTS,
    TOKEN_REFILL_RATE,
    UTILIZATION_PERCENT,
    Datum,
)
from lambdas.core.pacing import available_capacity


class Reading(NamedTuple):
    """The day's counters of a channel as a sweep read them."""

    at_ms: int
    day: str
    sent: int


def messages_per_second(before: Reading | None, now: Reading, *, sent_yesterday: int) -> float | None:
    """Accepted messages per second since the last reading; None if there is none to compare with.

    Counters start again each UTC day: across midnight the rest of yesterday is added.
    """
    if before is None or now.at_ms <= before.at_ms:
        return None
    rest = 0 if before.day == now.day else max(0, sent_yesterday - before.sent)
    since = now.sent - before.sent if before.day == now.day else now.sent
    return max(0, since + rest) / ((now.at_ms - before.at_ms) / 1_000)


def channel_gauges(
    channel: str, counts: ChannelCounts, per_second: float | None, *, rate: float, slowest_wait_s: float
) -> list[Datum]:
    """The gauges of one channel; a gauge without data (nothing final yet, no earlier reading) is left out."""
    data = [
        Datum(TOKEN_REFILL_RATE, rate, channel),
        Datum(AVAILABLE_CAPACITY, available_capacity(slowest_wait_s), channel),
    ]
    if per_second is not None:
        data.append(Datum(MESSAGES_PER_SECOND, round(per_second, 3), channel))
        data.append(Datum(UTILIZATION_PERCENT, round(100 * per_second / rate, 2), channel))
    final = counts.delivered + counts.failed - counts.unwanted
    if final:
        data.append(Datum(DELIVERY_RATE, round(100 * counts.delivered / final, 3), channel))
    return data


def stack_gauges(*, cost_usd: float, customers: int, overdue: int, in_doubt: int) -> list[Datum]:
    """The gauges of the whole stack."""
    data = [Datum(OVERDUE_RECEIPTS, overdue), Datum(IN_DOUBT, in_doubt)]
    if customers:
        data.append(Datum(COST_PER_CUSTOMER, round(cost_usd / customers, 6)))
    return data
