"""Ending a session: every member is told, also when the function that does it dies half-way."""

from __future__ import annotations

from lambdas.core.session import EndReason
from lambdas.core.session_envelopes import encoded, ended
from lambdas.core.session_ports import Posting, SessionStore
from lambdas.core.session_presence import OPENING_MS

SECOND_LOOK_AFTER_MS = 30_000
"""The index of listeners may lag, and who joined at the last moment is not in it yet; after this it has caught up."""


def end_session(
    store: SessionStore,
    posting: Posting,
    session_id: str,
    reason: EndReason,
    now_ms: int,
    *,
    spare: str = "",
    gone_since_ms: int | None = None,
) -> bool:
    """End a session and tell its members; False if it had ended before, or its speaker is not gone since then.

    `spare` is the connection whose request is being answered: it stays open for the answer.
    """
    if not store.end(session_id, reason, now_ms, gone_since_ms=gone_since_ms):
        return False
    store.move_to_closing(session_id)
    tell_members(store, posting, session_id, reason, now_ms, spare=spare)
    return True


def tell_members(
    store: SessionStore, posting: Posting, session_id: str, reason: str, now_ms: int, *, spare: str = ""
) -> bool:
    """Tell and close all members of an ended session; whether nobody is left to tell.

    Who cannot be reached may still be opening, and is told by its greeting. Who is told when the time is over keeps its
    row, and is told again by the next look, which closes it.
    """
    session = store.session(session_id)
    speaker = [session.speaker_connection] if session else []
    members = list(dict.fromkeys([*store.listener_ids(session_id), *speaker]))
    posted = posting.post_all([member for member in members if member != spare], encoded(ended(session_id, reason)))
    if posting.out_of_time():
        return False
    posting.close_all(posted.reached)
    store.remove_all([*posted.reached, *filter(None, [spare])])
    store.remove_gone(posted.gone, now_ms - OPENING_MS)
    left = {row.id for row in store.connections([*posted.gone, *posted.failed])}
    return not left


def close_again(store: SessionStore, posting: Posting, session_id: str, now_ms: int) -> bool:
    """Look once more at a session that has ended, and let go of it when nobody is left to tell."""
    session = store.session(session_id)
    if session is not None and session.ended_ms is not None and now_ms - session.ended_ms < SECOND_LOOK_AFTER_MS:
        return False
    reason = session.reason if session else EndReason.EXPIRED
    if not tell_members(store, posting, session_id, reason, now_ms):
        return False
    store.retire(session_id)
    return True
