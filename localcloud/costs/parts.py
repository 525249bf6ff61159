"""What each function, table, queue and topic of the program does in a month, from the usage: the model's assumptions.

Figures of the data model (docs/data-model.md, "What a message costs") are the write units; durations and batch sizes
are round figures of the embedded cloud's runs, good for comparing two revisions and not for a bill.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from localcloud.costs.usage import Usage
from localcloud.graph import Registration
from localcloud.view import inside

MINUTES = 43_800.0
"""Minutes of a month of 730 hours."""

SECONDS_PER_TOKEN = 20.0
"""How long a worker works for one token (docs/data-model.md, "From request to receipt")."""

CHUNK_ROWS = 100.0
RECEIPTS_PER_BATCH = 25.0
CHANGES_PER_BATCH = 100.0
SINGLE_WRITES = 2.0
"""Write units of one single message in the campaigns table: its ORDER, and its part of the day's cap."""
OPEN_WRITES = 2.0
"""Write units of the ledger's index: a single message enters it with its intent and leaves it with its final status."""
LEASE_UNITS = 2.0
"""Of a calendar of 1 to 4 KB, all of it read and written."""
OBJECT_ROWS = 1_000.0
"""Rows of a part file."""

RATE_LIMITS = 4
"""Operations that sessions count and bound: attempts, joins, sessions and heartbeats."""
HEARTBEATS_PER_MINUTE = 1.0
"""Of a connection: clients need no more to be taken for present."""
PRESENCE_MINUTES = 3.0
"""A heartbeat writes only when the last write is older (docs/sessions.md, "What is kept")."""
MOVE_MINUTES = 100.0
"""How long a connection lives before its member moves to the next one."""

POLLERS = 5.0
"""Long polls that Lambda keeps open on an idle queue, 20 s each (Lambda developer guide, "Using Lambda with SQS")."""

CHANNELS = ("sms", "whatsapp", "email")


@dataclass(frozen=True, slots=True)
class Load:
    """A month of one stack: the usage, the channels that the stack has, and whether it has sessions."""

    usage: Usage
    channels: tuple[str, ...]
    has_sessions: bool = False

    @property
    def campaign_messages(self) -> float:
        """Messages of campaigns, all channels."""
        return sum(self.usage.messages(channel) for channel in self.channels)

    @property
    def messages(self) -> float:
        """All messages, single ones included."""
        return self.campaign_messages + self.usage.single_messages

    def messages_of(self, channel: str) -> float:
        """All messages of a channel that the stack has: single ones are spread evenly."""
        return self.usage.messages(channel) + self.usage.single_messages / len(self.channels)

    @property
    def receipts(self) -> float:
        """Receipts that arrive, by both paths."""
        return self.messages * self.usage.receipts_per_message * 2

    @property
    def leases(self) -> float:
        """Leases of an identity's time: a campaign's by the chunk, a single message's by itself."""
        return self.campaign_messages / CHUNK_ROWS + self.usage.single_messages

    @property
    def changes(self) -> float:
        """Changes of tracking rows: intent, acceptance and each receipt once."""
        return self.messages * (2 + self.usage.receipts_per_message)

    @property
    def legs(self) -> float:
        """Retries and fallback legs; each is looked for once or twice."""
        return self.messages * self.usage.fallback_share

    @property
    def members(self) -> float:
        """Speakers and listeners of all sessions."""
        return self.usage.sessions * (1 + self.usage.session_listeners) if self.has_sessions else 0.0

    @property
    def connection_minutes(self) -> float:
        """Minutes that members are connected."""
        return self.members * self.usage.session_minutes

    @property
    def connections(self) -> float:
        """Connections made: a member's first one, and those it moves to."""
        return self.members + self.connection_minutes / MOVE_MINUTES

    @property
    def broadcasts(self) -> float:
        """Messages of speakers."""
        return self.usage.sessions * self.usage.session_broadcasts if self.has_sessions else 0.0

    @property
    def socket_messages(self) -> float:
        """Messages over WebSockets, in both directions: heartbeats, greetings, broadcasts, and the answers."""
        heartbeats = self.connection_minutes * HEARTBEATS_PER_MINUTE
        return 2 * heartbeats + self.connections + self.broadcasts * (2 + self.usage.session_listeners)

    def tokens(self, channel: str) -> float:
        """Work tokens of one channel: a worker sends for twenty seconds per token."""
        return self.usage.messages(channel) / (self.usage.worker_messages_per_second * SECONDS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class Runs:
    """Invocations a month and seconds of each."""

    invocations: float
    seconds: float


FUNCTIONS: Mapping[str, Callable[[Load, Registration], Runs]] = {
    "campaign_api": lambda load, _: Runs(load.usage.api_calls, 0.2),
    "campaign_planner": lambda load, _: Runs(load.usage.campaigns, 20),
    "campaign_worker": lambda load, it: Runs(load.tokens(channel_of(it)), SECONDS_PER_TOKEN),
    "campaign_counters": lambda load, _: Runs(load.changes / CHANGES_PER_BATCH, 0.3),
    "delivery_processor": lambda load, _: Runs(load.receipts / RECEIPTS_PER_BATCH, 0.5),
    "fallback": lambda load, _: Runs(2 * load.legs, 0.1),
    "message_sender": lambda load, _: Runs(load.usage.single_messages + load.legs, 0.5),
    "sweeper": lambda load, _: Runs(MINUTES, 0.5),
    "session_authorizer": lambda load, _: Runs(load.connections, 0.02),
    "session_connection": lambda load, _: Runs(load.connections, 0.1),
    "session_heartbeat": lambda load, _: Runs(load.connection_minutes * HEARTBEATS_PER_MINUTE, 0.01),
    "session_disconnect": lambda load, _: Runs(load.connections, 0.05),
    "session_refresh": lambda load, _: Runs(load.connection_minutes / MOVE_MINUTES, 0.05),
    "session_broadcaster": lambda load, _: Runs(load.broadcasts, 0.2),
    # The minute's look, and one run for each few new connections.
    "session_notifier": lambda load, _: Runs(MINUTES + load.connections / 2, 0.2),
}
"""By the folder in `lambdas/`; `message_sender` sends single messages."""


@dataclass(frozen=True, slots=True)
class Units:
    """Write and read units a month."""

    writes: float
    reads: float


TABLES: Mapping[str, Callable[[Load], Units]] = {
    "delivery-tracking": lambda load: Units(
        load.messages * (4 + load.usage.receipts_per_message) + load.usage.single_messages * OPEN_WRITES,
        load.receipts * 1.5 + MINUTES,
    ),
    # Claim, open and close a chunk: six units; a batch of counters: six more; a single message: order and day's cap.
    "campaigns": lambda load: Units(
        load.campaign_messages / CHUNK_ROWS * 6
        + load.changes / CHANGES_PER_BATCH * 6
        + load.usage.single_messages * SINGLE_WRITES,
        MINUTES * 10 + load.usage.api_calls * 2 + load.messages,
    ),
    # A session's own item in a transaction with the roster, and each member's place taken and given back; a broadcast
    # takes its number and its slot.
    "sessions": lambda load: Units(
        load.usage.sessions * 6 * load.has_sessions + load.connections * 2 + load.broadcasts * 2,
        MINUTES * 2 + load.connections * 2 + load.broadcasts + load.connection_minutes / PRESENCE_MINUTES,
    ),
    # A row and its index entry, put and deleted, and presence; a move keeps a token, uses it and hands a place on.
    "connections": lambda load: Units(
        load.connections * 4 + load.connection_minutes * (1 / PRESENCE_MINUTES + 6 / MOVE_MINUTES),
        load.connections * 2 + load.connection_minutes * HEARTBEATS_PER_MINUTE + load.broadcasts * 2,
    ),
    "session-rate-limits": lambda load: Units(load.connections * 2, 0),
    "rate-limits": lambda load: Units(load.leases * LEASE_UNITS, load.leases * LEASE_UNITS + MINUTES),
}
"""By the table's name in the program, without `-table`."""

QUEUES: Mapping[str, Callable[[Load], float]] = {
    "fallback": lambda load: 2 * load.legs,
    "legs": lambda load: load.legs,
    "outbox": lambda load: load.usage.single_messages,
    "plan": lambda load: load.usage.campaigns,
    "receipts": lambda load: load.receipts,
    "session-sweep": lambda load: MINUTES,
    "sweep": lambda load: MINUTES,
    **{f"{channel}-work": lambda load, channel=channel: load.tokens(channel) for channel in CHANNELS},  # type: ignore[misc]
}
"""Messages by the queue's name in the program, without `-queue`."""


def function_folder(function: Registration) -> str:
    """The folder in `lambdas/` whose handler a function runs; empty for other code."""
    parts = str(function.inputs.get("handler", "")).split(".")
    return parts[1] if len(parts) > 2 and parts[0] == "lambdas" else ""


def channel_of(function: Registration) -> str:
    """The channel that a worker sends, from its environment."""
    return str(inside(function.inputs, "environment", "variables", "CHANNEL") or CHANNELS[0])


def runs(function: Registration, load: Load) -> tuple[Runs, bool]:
    """What a function does in a month, and whether the model knows its part."""
    known = FUNCTIONS.get(function_folder(function))
    usage = load.usage
    return (known(load, function), True) if known else (Runs(usage.other_invocations, usage.other_seconds), False)


def units(table: Registration, load: Load) -> tuple[Units, bool]:
    """What a table takes in a month, and whether the model knows its part."""
    known = TABLES.get(table.name.removesuffix("-table"))
    usage = load.usage
    return (known(load), True) if known else (Units(usage.other_table_writes, usage.other_table_reads), False)


def queued(queue: Registration, load: Load) -> tuple[float, bool]:
    """Messages that go through a queue in a month, and whether the model knows its part."""
    known = QUEUES.get(queue.name.removesuffix("-queue"))
    return (known(load), True) if known else (load.usage.other_queue_messages, False)


def receipts_by_topic(name: str, load: Load) -> float | None:
    """Receipts that a topic or rule called `<channel>-receipts...` carries; None for any other."""
    channel = name.partition("-")[0]
    if channel not in CHANNELS or "receipts" not in name:
        return None
    if channel not in load.channels:
        return 0.0
    return load.messages_of(channel) * load.usage.receipts_per_message
