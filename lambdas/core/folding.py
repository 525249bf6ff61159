"""What a batch of receipts asks of the tracking table, and what the answers mean for metrics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lambdas.core.lifecycle import MessageState, Status, StatusEvent
from lambdas.core.metrics import DELIVERY_LATENCY, FAILED_DELIVERIES, MESSAGE_COST, TOTAL_COST, Datum
from lambdas.core.receipts import Receipt, ReceiptClass, Suppression


@dataclass(slots=True)
class ReceiptGroup:
    """All receipts of one message in a batch, and the queue messages they came in.

    `suppressions` are the destinations that must not be written to again, by the flag that says so. `stops` says that
    every other message would fail likewise (`ReceiptClass.STOP`).
    """

    events: list[StatusEvent] = field(default_factory=list)
    queue_ids: list[str] = field(default_factory=list)
    suppressions: dict[Suppression, set[str]] = field(default_factory=dict)
    stops: bool = False


def group_by_message(receipts: Iterable[tuple[str, str, Receipt]]) -> dict[str, ReceiptGroup]:
    """(queue message id, our message id, receipt) -> one group per message."""
    groups: dict[str, ReceiptGroup] = {}
    for queue_id, message_id, receipt in receipts:
        group = groups.setdefault(message_id, ReceiptGroup())
        group.events.extend(receipt.events())
        group.queue_ids.append(queue_id)
        group.stops |= receipt.failure is ReceiptClass.STOP
        if receipt.suppression is not None and receipt.destination is not None:
            group.suppressions.setdefault(receipt.suppression, set()).add(receipt.destination)
    return groups


def new_suppressions(before: MessageState, group: ReceiptGroup) -> list[tuple[str, Suppression]]:
    """(destination, reason) of what the group tells and the row does not know yet; a copy tells nothing new."""
    return [
        (destination, suppression)
        for suppression, destinations in sorted(group.suppressions.items())
        if suppression.value not in before.flags
        for destination in sorted(destinations)
    ]


def metrics_of_change(before: MessageState, after: MessageState, *, channel: str, called_ms: int) -> list[Datum]:
    """The observations that one change of a row is worth; each is made once, when the row first says so."""
    data = []
    if after.status is Status.FAILED and before.status is not Status.FAILED:
        data.append(Datum(FAILED_DELIVERIES, 1))
    if Status.DELIVERED in after.history and Status.DELIVERED not in before.history:
        latency = max(0, after.history[Status.DELIVERED] - called_ms)
        data.append(Datum(DELIVERY_LATENCY, latency, channel.upper()))
    if after.cost_usd is not None and after.cost_usd != before.cost_usd:
        charged = float(after.cost_usd - (before.cost_usd or 0))
        data += [Datum(MESSAGE_COST, charged, channel.upper()), Datum(TOTAL_COST, charged)]
    return data
