"""Intents: the rows that senders put before they call a provider."""

from __future__ import annotations

from enum import StrEnum

SENDER_SECONDS = 60
"""Time-out of the function that sends single messages."""
INTENT_LIFE_MS = (SENDER_SECONDS + 5) * 1_000
"""Whoever put an intent of a single message has ended when it is this old, whatever their clocks differ by."""


class IntentOutcome(StrEnum):
    """What putting an intent found: our own new row, a row without an answer, or one with an answer already.

    `HELD` is a single message's or a leg's row without an answer whose owner may still be at work; a campaign's own
    rows are never held, because the fence of their chunk has ended their owner.
    """

    CREATED = "created"
    HELD = "held"
    UNANSWERED = "unanswered"
    ANSWERED = "answered"
