"""What sessions ask of the outside world: a store whose every method is one call, and posting to connections.

Adapters implement these over DynamoDB and API Gateway; tests put a store in memory behind them that can die in between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from lambdas.core.session import Connection, EndReason, Session, Suspicion
from lambdas.core.session_drift import EVERY_LOOK, Blur
from lambdas.core.session_history import KeptMessage


class Admission(StrEnum):
    """What came of asking for a listener's place."""

    ADMITTED = "admitted"
    FULL = "full"
    ENDED = "ended"
    UNKNOWN = "unknown"


class Roster(NamedTuple):
    """The ids of sessions that are active, and of those that have ended and are looked at once more."""

    active: frozenset[str] = frozenset()
    closing: frozenset[str] = frozenset()


class SessionStore(Protocol):
    """Sessions and connections; times in epoch milliseconds."""

    def open_session(self, session: Session, max_active: int) -> bool:
        """Write the session and put it among the active ones, both or neither; False when there are enough."""

    def session(self, session_id: str) -> Session | None:
        """One session, as it is now."""

    def sessions(self, session_ids: Collection[str]) -> list[Session]:
        """Those that exist of many."""

    def roster(self) -> Roster:
        """Which sessions there are."""

    def end(self, session_id: str, reason: EndReason, now_ms: int, *, gone_since_ms: int | None = None) -> bool:
        """End a session; False if it is not active, or its speaker is not gone since `gone_since_ms`."""

    def move_to_closing(self, session_id: str) -> None:
        """Put a session that has ended from the active ones to those that close."""

    def retire(self, session_id: str) -> None:
        """Take a session out of the roster; nothing happens to one that is not there."""

    def admit(self, session_id: str, max_listeners: int, now_ms: int) -> Admission:
        """Take one listener's place in an active session."""

    def dismiss(self, session_id: str, places: int, now_ms: int, blur: Blur = EVERY_LOOK) -> None:
        """Give listeners' places back, never below none, and withdraw a suspicion that may have meant them."""

    def touch(self, session_id: str, now_ms: int) -> None:
        """One listener is about to take another's place; the number stays."""

    def suspect(self, session: Session, suspicion: Suspicion) -> None:
        """Note that a number is perhaps too high, unless somebody has come or gone since `session` was read."""

    def withdraw(self, session_id: str, suspicion: Suspicion) -> None:
        """Forget a suspicion, if it is still this one."""

    def write_off(self, session_id: str, suspicion: Suspicion, places: int, now_ms: int) -> bool:
        """Lower a number by places that are nobody's; False if the suspicion they were found by is another by now."""

    def speaker_arrived(self, session_id: str, connection_id: str, before: str) -> bool:
        """The connection is the speaker's now; False if the one `before` was not, or the session is not active."""

    def speaker_left(self, session_id: str, connection_id: str, now_ms: int) -> None:
        """The speaker's connection is gone, unless another one has taken over."""

    def next_message(self, session_id: str, language: str | None) -> Session | None:
        """Number the session's next message, to one language or to all; the session before it, None if not active."""

    def keep(self, session_id: str, message: KeptMessage, expires_s: int) -> None:
        """Put a message into its slot, over an older one."""

    def kept(self, session_id: str, sequences: Iterable[int]) -> list[KeptMessage]:
        """What lies in the slots of these numbers."""

    def put_connection(self, connection: Connection) -> None:
        """Write a new connection's row."""

    def connection(self, connection_id: str) -> Connection | None:
        """One row, as it is now."""

    def connections(self, connection_ids: Collection[str]) -> list[Connection]:
        """Those that exist of many."""

    def remove_connection(self, connection_id: str) -> Connection | None:
        """Delete a row and return it."""

    def remove_all(self, connection_ids: Collection[str]) -> list[Connection]:
        """Delete rows, many at a time, and return those that were there."""

    def remove_gone(self, connection_ids: Collection[str], opened_before_ms: int) -> list[Connection]:
        """The same, unless a connection was opened later."""

    def remove_lost(self, connection_ids: Collection[str], seen_before_ms: int) -> list[Connection]:
        """The same, unless a connection was seen later."""

    def put_refresh_token(self, connection_id: str, digest: str, expires_s: int) -> bool:
        """Keep a connection's token over an older one; False unless it is a speaker's or counted."""

    def take_refresh_token(self, connection_id: str, digest: str, successor: str, now_ms: int) -> Connection | None:
        """Use a token up and note who is to succeed its connection; the row as it was, None if the token is invalid."""

    def hand_on(self, connection_id: str, successor: str) -> bool:
        """A counted connection's place is its successor's now, both or neither; False if it is not to have it."""

    def hand_back(self, connection_id: str, before: str) -> bool:
        """Delete a counted connection's row and give its place to the one before; False if that one is gone."""

    def mark_counted(self, connection_id: str) -> bool:
        """The session's number has this connection in; False if the row is gone or was counted."""

    def mark_all_counted(self, connection_ids: Collection[str]) -> list[str]:
        """The same for many at a time; those of which it is true."""

    def mark_seen(self, connection_id: str, now_ms: int) -> None:
        """A heartbeat came; nothing happens to a row that is gone."""

    def listener_ids(self, session_id: str, language: str | None = None) -> list[str]:
        """The session's listeners by the index, which may lag behind by a moment."""


class Posted(NamedTuple):
    """What became of one message to many connections, by id; `failed` could not be posted for another reason."""

    reached: Sequence[str] = ()
    gone: Sequence[str] = ()
    failed: Sequence[str] = ()


class PostError(RuntimeError):
    """A message could not be posted, and not because its connection is gone; the message is one sentence."""


class Posting(Protocol):
    """Messages from us to connections."""

    def post(self, connection_id: str, text: str) -> bool:
        """Send a message; False if the connection is gone. Raises `PostError`."""

    def post_all(self, connection_ids: Sequence[str], text: str) -> Posted:
        """Send one message to many at a time, each for itself."""

    def close_all(self, connection_ids: Sequence[str]) -> None:
        """Close connections; those that are gone already are none of our business."""

    def out_of_time(self) -> bool:
        """Whether the function that posts has to end: what it has not posted yet is left to others."""


class RateLimits(Protocol):
    """Counting what callers do."""

    def allow(self, operation: str, who: str, *, limit: int, window_s: int, now_ms: int) -> bool:
        """Count one `operation` of `who`, unless it is above `limit` in this window."""
