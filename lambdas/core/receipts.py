"""A delivery receipt of any channel: whose message it is about, what it says, and what follows from it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from lambdas.core.channels import Channel
from lambdas.core.lifecycle import Status, StatusEvent


class ReceiptClass(StrEnum):
    """What a failed receipt asks for: send again later, take another channel, never write to this destination again on
    this channel, or stop sending, because every other message will fail likewise.

    SUPPRESS is acted on by way of `Receipt.suppression`, STOP by pausing the message's campaign. What follows for the
    message itself is its chain's affair (`lambdas/core/chains.py`): nothing, unless it has retries or other channels.
    """

    RETRY = "retry"
    FAIL_OVER = "fail_over"
    SUPPRESS = "suppress"
    STOP = "stop"


class Suppression(StrEnum):
    """Why a destination must not be written to again: a flag of the row, and `source` of the RECIPIENT item."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    OPT_OUT = "opt_out"
    INVALID = "invalid"


class UnknownEvent(ValueError):
    """An event of a type or shape this version does not know: it is parked, never dropped.

    Its text tells what is wrong without quoting numbers, addresses or texts.
    """


class Receipt(NamedTuple):
    """One receipt.

    `provider_id` serves to find the message where the path carries no `message_id` of ours; `stack` is the sender's,
    where it is named: in a shared account receipts of other stacks arrive too. `destination` (E.164, or an address in
    lower case) is there where the path tells it, `failure`, what the failure asks for, where the status is failed.
    `suppression` is given, and flagged in the event, only together with a destination: the path that tells whom it is
    about changes the row.
    """

    channel: Channel
    provider_id: str
    message_id: str | None
    stack: str | None
    event: StatusEvent
    destination: str | None = None
    failure: ReceiptClass | None = None
    suppression: Suppression | None = None

    def events(self) -> tuple[StatusEvent, ...]:
        """All that the receipt proves: whoever reports a failure of a message has accepted it before."""
        if self.event.status is Status.FAILED and self.event.provider_id is None:
            return StatusEvent(Status.SENT, self.event.at_ms), self.event
        return (self.event,)
