"""A delivery receipt of any channel: whose message it is about, what it says, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lambdas.core.lifecycle import Status, StatusEvent

SMS = "sms"
WHATSAPP = "whatsapp"
EMAIL = "email"

CONTEXT_MESSAGE_ID = "message_id"
CONTEXT_STACK = "stack"
"""Under these names our ids travel: in the `Context` map of each SMS and as the `EmailTags` of each email."""


class ReceiptClass(StrEnum):
    """What a failed receipt asks for: send again later, take another channel, never write to this destination again,
    or stop sending, because every other message will fail likewise.
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


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt.

    `provider_id` serves to find the message where the path carries no `message_id` of ours; `stack` is the sender's,
    where it is named: in a shared account receipts of other stacks arrive too. `destination` (E.164, or an address in
    lower case) is there where the path tells it, `failure` where the status is failed. `suppression` is given, and
    flagged in the event, only together with a destination: the path that tells whom it is about changes the row.
    """

    channel: str
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


def callback_data(stack: str, message_id: str) -> str:
    """Our ids as the `biz_opaque_callback_data` of a WhatsApp message, which Meta returns with each of its statuses
    (Cloud API, "Status messages webhook reference").
    """
    return f"{stack}/{message_id}"


def read_callback_data(text: str) -> tuple[str, str] | None:
    """The inverse of `callback_data`: (stack, message id), None for what is not ours."""
    stack, slash, message_id = text.partition("/")
    return (stack, message_id) if stack and slash and message_id else None
