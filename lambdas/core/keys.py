"""Keys of the tables' items, written once (docs/data-model.md)."""

from __future__ import annotations

import hashlib

META = "META"
PLAN = "PLAN"
"""Sort key of how far planning is and what it came to, in the partition of a campaign or of a plan."""
LEDGER = "LEDGER"
CHAINS = "CHAINS"
RECOUNT = "RECOUNT"
CHUNK_PREFIX = "CHUNK#"
COUNT_PREFIX = "COUNT#"
CREATED_INDEX = "created-index"
CUSTOMER_INDEX = "customer-index"
PROVIDER_INDEX = "provider-index"
OPEN_INDEX = "open-index"
"""Of messages without a final receipt that somebody keeps an eye on: rows with the attribute `open` alone are in it."""
SESSION_ROSTER = "ACTIVE"
"""The item with the ids of all sessions; no session's id is so short."""
LISTENERS_INDEX = "sessionId-targetLanguage-index"
"""Of the listeners' connections: rows with the attribute `targetLanguage` alone are in it."""
ALL_CAMPAIGNS = "campaigns"
"""The hash key of `created-index`: one partition, written once per campaign."""


def campaign(campaign_id: str) -> str:
    """Partition of one campaign's items."""
    return f"CAMPAIGN#{campaign_id}"


def campaign_id(partition: str) -> str:
    """The inverse of `campaign`."""
    return partition.removeprefix("CAMPAIGN#")


def chunk(first_row: int) -> str:
    """Sort key of the chunk that starts at `first_row`."""
    return f"{CHUNK_PREFIX}{first_row:07d}"


def count(channel: str) -> str:
    """Sort key of a campaign's counters of one channel."""
    return f"{COUNT_PREFIX}{channel}"


def spend_day(day: str) -> str:
    """Partition of one UTC day's spend, `day` as YYYY-MM-DD."""
    return f"SPEND#{day}"


def recipient(key: str) -> str:
    """Partition of one recipient's opt-out states."""
    return f"RECIPIENT#{key}"


def recipient_state(channel: str) -> str:
    """Sort key of a recipient's opt-out state on one channel."""
    return f"STATE#{channel}"


def message(campaign: str, row: int) -> str:
    """Message id of one campaign row: letters, digits, `_-`, at most 64 characters (what SES tags accept)."""
    return f"{campaign}-{row:07d}"


def is_campaign_row(message_id: str) -> bool:
    """Whether an id has the shape of a campaign row's, which no single message may take."""
    name, _, row = message_id.rpartition("-")
    return bool(name) and len(row) == 7 and row.isdecimal()


def audience(audience_id: str) -> str:
    """Partition of what is known of an uploaded audience."""
    return f"AUDIENCE#{audience_id}"


def plan(plan_id: str) -> str:
    """Partition of the plan that a dry run over an uploaded audience makes."""
    return f"PLAN#{plan_id}"


def campaign_row(message_id: str) -> tuple[str, int] | None:
    """The inverse of `message`, None for the id of a single message."""
    campaign_of, _, row = message_id.rpartition("-")
    return (campaign_of, int(row)) if is_campaign_row(message_id) else None


def order(message_id: str) -> str:
    """Partition of what is known of a single message before it is sent."""
    return f"MESSAGE#{message_id}"


def customer_tag(customer_id: str) -> str:
    """What stands for a customer where its id is too long or not to be told: queue groups and calendars."""
    return hashlib.sha256(customer_id.encode()).hexdigest()[:12]


def limiter(channel: str, region: str, identity: str) -> str:
    """Key of one origination identity's pacing state."""
    return f"{channel}:{region}:{identity or 'account'}"
