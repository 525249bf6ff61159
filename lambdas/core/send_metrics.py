"""What sending counts, the same for campaigns and single messages."""

from __future__ import annotations

from decimal import Decimal

from lambdas.core.channels import PRICED_BY_RECEIPT, Channel
from lambdas.core.metrics import (
    FAILED_DELIVERIES,
    MESSAGE_COST,
    MESSAGES_SENT,
    THROTTLED_MESSAGES,
    TOTAL_COST,
    Datum,
)


def send_metrics(channel: Channel, *, sent: int, failed: int, throttled: int, spent_usd: Decimal) -> list[Datum]:
    """Observations of one run or message, without zeros.

    `spent_usd` is the estimate of what was handed to the provider, messages in doubt among it; it counts where no
    receipt will tell the price. `failed` messages were refused or not sent in time, which excludes those opted out.
    """
    data = [
        Datum(MESSAGES_SENT, sent, channel.metric),
        Datum(THROTTLED_MESSAGES, throttled, channel.metric),
        Datum(FAILED_DELIVERIES, failed),
    ]
    if channel not in PRICED_BY_RECEIPT:
        spent = float(spent_usd)
        data += [Datum(MESSAGE_COST, spent, channel.metric), Datum(TOTAL_COST, spent)]
    return [datum for datum in data if datum.value]
