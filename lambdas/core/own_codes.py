"""Error codes of our own: why a message was never handed to the provider, or what no provider has told."""

from __future__ import annotations

OPTED_OUT = "OPTED_OUT"
"""Its recipient had opted out of its channel when its turn came."""
EXPIRED = "EXPIRED"
SPEND_CAP = "SPEND_CAP"
"""It came too late; there was no money left for it."""
NOT_NEEDED = "NOT_NEEDED"
CAMPAIGN_ENDED = "CAMPAIGN_ENDED"
"""Of fallback legs: an earlier leg has arrived meanwhile, the campaign has been cancelled or stopped."""
PUMPING_GUARD = "PUMPING_GUARD"
"""The guard against SMS pumping has refused it."""
COUNTRY_NOT_ALLOWED = "COUNTRY_NOT_ALLOWED"
"""Numbers of its country may not be written to; of single messages."""
UNKNOWN = "UNKNOWN"
"""No final receipt came within 72 hours, in AWS's own word (End User Messaging user guide, "Messaging events")."""

WISHES = frozenset({OPTED_OUT, NOT_NEEDED, CAMPAIGN_ENDED})
"""Codes of messages that nobody wants sent: no failure of ours."""
