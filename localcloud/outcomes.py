"""The words of the simulated channels: which there are, how messages end on them, and the ways receipts take."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from lambdas.core.channels import Channel


class ReceiptPath(StrEnum):
    """The two ways by which AWS delivers receipts."""

    EVENTBRIDGE = "eventbridge"
    SNS = "sns"


DELIVERED = "DELIVERED"
"""The final status of a message that arrived, on every channel."""
FINAL_FAILURES = (
    "INVALID",
    "UNREACHABLE",
    "UNKNOWN",
    "BLOCKED",
    "CARRIER_UNREACHABLE",
    "SPAM",
    "INVALID_MESSAGE",
    "CARRIER_BLOCKED",
    "TTL_EXPIRED",
    "PROTECT_BLOCKED",
)
"""Final `messageStatus` values of a text that was not delivered (AWS End User Messaging user guide, event types)."""
META_FAILURES = ("130429", "130472", "131000", "131026", "131042", "131047", "131048", "131049", "131050", "131056")
"""Meta's codes for a WhatsApp message that was accepted and not delivered (WhatsApp Cloud API, error codes)."""
EMAIL_FAILURES = (
    "bounce_permanent",
    "bounce_transient",
    "complaint",
    "reject",
    "rendering_failure",
    "delivery_delay",
)
"""What may become of an accepted mail beside delivery (SES developer guide, event types).

A complaint follows a delivery; a delayed mail is delivered in the end.
"""
FAILURES: Mapping[Channel, tuple[str, ...]] = {
    Channel.SMS: FINAL_FAILURES,
    Channel.WHATSAPP: META_FAILURES,
    Channel.EMAIL: EMAIL_FAILURES,
}
USUAL_FAILURE = {Channel.SMS: "UNREACHABLE", Channel.WHATSAPP: "131026", Channel.EMAIL: "bounce_permanent"}
"""What a failing message of a channel ends in when the mix names nothing of that channel."""


class NotificationId(StrEnum):
    """Which id a WhatsApp notification on SNS carries at its top: one of its own, or the sent message's.

    AWS's samples do not tell (AWS End User Messaging Social user guide, message and event format), so a consumer must
    bear both.
    """

    OWN = "own"
    MESSAGE = "message"
