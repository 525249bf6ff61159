"""Where the business alarms rise; their dashboards draw the same lines."""

from __future__ import annotations

THROTTLED_MESSAGES = 10
"""Calls refused for coming too fast, of one channel in five minutes."""

FAILED_DELIVERIES = 50
"""Messages refused or not delivered, of all channels in ten minutes."""

AVAILABLE_CAPACITY_PERCENT = 10
"""Capacity of a channel that must be left, three times five minutes in a row."""

OVERDUE_RECEIPTS = 100
"""Messages without a final receipt after an hour: some carriers never send one, so a few are everyday life."""

IN_DOUBT = 100
"""Messages in doubt: a worker that dies leaves some tens, and receipts resolve most of them within minutes."""

OUTBOX_AGE_SECONDS = 120
"""A single message that waits longer is late: a code, an answer."""

SESSION_CREATION_MS = 2_000
"""95th percentile of opening a session, twice five minutes in a row."""

CONNECTION_ERRORS = 100
"""Connections and messages refused in five minutes."""

ACTIVE_SESSIONS_SHARE = 0.9
"""Of the sessions that may be open at the same time."""

HEARTBEAT_SECONDS = 600
"""Time in which at least one of the sweeps, due each minute, must have ended."""
