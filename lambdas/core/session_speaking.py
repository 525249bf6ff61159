"""What members of a session do to it: speak, ask for what they missed, end it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lambdas.core import session_envelopes as envelopes
from lambdas.core import session_requests as requests
from lambdas.core.session import Connection, EndReason, Role
from lambdas.core.session_ending import end_session
from lambdas.core.session_entry import forget_gone
from lambdas.core.session_errors import (
    NOT_CONNECTED,
    NOT_SPEAKER,
    SESSION_ENDED,
    UNKNOWN_ACTION,
    Refusal,
    SessionError,
)
from lambdas.core.session_history import GREATEST_SEQUENCE, KeptMessage, longest_before
from lambdas.core.session_limits import Operation
from lambdas.core.session_ports import Posting, SessionStore
from lambdas.core.session_presence import OPENING_MS, SEEN_AGAIN_MS
from lambdas.core.session_replaying import missed_by, send_again

HISTORY_SECONDS = 3600
"""Messages of the short history are forgotten after an hour, whatever comes after them."""

KEPT_WITHIN_S = 0.2
"""A message that has its number and is not kept yet is about to be: a write away."""

_TOO_LARGE = Refusal(
    SessionError.MESSAGE_TOO_LARGE, "what reaches the listeners has at most 128 KB; send less at a time"
)
_TOO_DEEP = Refusal(SessionError.BAD_REQUEST, "payload is nested too deeply; send it flatter")

Answer = dict[str, Any] | Refusal


class Speaking:
    """Answers messages; whose session it is says the sender's own row, never the message."""

    def __init__(self, store: SessionStore, posting: Posting, sleep: Callable[[float], None]) -> None:
        """`sleep` takes seconds."""
        self._store = store
        self._posting = posting
        self._sleep = sleep

    def answer(self, connection_id: str, route: str, request: Mapping[str, Any], now_ms: int) -> Answer:
        """Do what a message asks for by its route, which is the action that API Gateway read in it."""
        if route not in (Operation.BROADCAST, Operation.REPLAY, Operation.END_SESSION):
            return UNKNOWN_ACTION
        member = self._store.connection(connection_id)
        if member is None:
            return NOT_CONNECTED
        if now_ms - member.last_seen_ms > SEEN_AGAIN_MS:
            self._store.mark_seen(member.id, now_ms)
        if route == Operation.REPLAY:
            return self._replay(member, request)
        if member.role is not Role.SPEAKER:
            return NOT_SPEAKER
        if route == Operation.BROADCAST:
            return self._broadcast(member, request, now_ms)
        return self._end(member, now_ms)

    def _broadcast(self, speaker: Connection, request: Mapping[str, Any], now_ms: int) -> Answer:
        read = requests.broadcast(request)
        if isinstance(read, Refusal):
            return read
        longest = envelopes.spoken(
            speaker.session_id, GREATEST_SEQUENCE, longest_before(read.language), read.payload, read.language, now_ms
        )
        try:
            size = len(envelopes.encoded(longest).encode())
        except RecursionError:
            return _TOO_DEEP
        if size > requests.MAX_MESSAGE_BYTES:
            return _TOO_LARGE
        before = self._store.next_message(speaker.session_id, read.language)
        if before is None:
            return SESSION_ENDED
        sequence = before.sequence + 1
        text = envelopes.encoded({**longest, "sequence": sequence, "previous": before.before_next(read.language)})
        self._store.keep(
            speaker.session_id, KeptMessage(sequence, read.language, text), now_ms // 1000 + HISTORY_SECONDS
        )
        listeners = self._store.listener_ids(speaker.session_id, read.language)
        posted = self._posting.post_all(listeners, text)
        forget_gone(self._store, posted.gone, now_ms - OPENING_MS, now_ms)
        return envelopes.acknowledged(sequence, posted)

    def _replay(self, member: Connection, request: Mapping[str, Any]) -> Answer:
        after = requests.replay_after(request)
        if isinstance(after, Refusal):
            return after
        session = self._store.session(member.session_id)
        if session is None:
            return SESSION_ENDED
        missed = missed_by(self._store, member, session, after)
        if missed.lacking:
            self._sleep(KEPT_WITHIN_S)
            missed = missed_by(self._store, member, session, after)
        return envelopes.replayed(send_again(self._posting, member, missed))

    def _end(self, speaker: Connection, now_ms: int) -> Answer:
        reason = EndReason.ENDED_BY_SPEAKER
        if not end_session(self._store, self._posting, speaker.session_id, reason, now_ms, spare=speaker.id):
            return SESSION_ENDED
        return envelopes.ended(speaker.session_id, reason.value)
