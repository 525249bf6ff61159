"""Ending a session: every member is told, also when the function that does it dies half-way."""

from __future__ import annotations

from lambdas.core.session import EndReason
from lambdas.core.session_envelopes import encoded, ended
from lambdas.core.session_ports import Posting, SessionStore

SECOND_LOOK_AFTER_MS = 30_000
"""The index of listeners may lag, and who joined at the last moment is not in it yet; after this it has caught up."""


def end_session(
    store: SessionStore, posting: Posting, session_id: str, reason: EndReason, now_ms: int, *, spare: str = ""
) -> bool:
    """End a session and tell its members; False if it had ended before.

    `spare` is the connection whose request is being answered: it stays open for the answer.
    """
    if not store.end(session_id, reason, now_ms):
        return False
    store.move_to_closing(session_id)
    tell_members(store, posting, session_id, reason, spare=spare)
    return True


def tell_members(store: SessionStore, posting: Posting, session_id: str, reason: str, *, spare: str = "") -> bool:
    """Tell and close all members of an ended session; whether each was told or is gone."""
    session = store.session(session_id)
    speaker = [session.speaker_connection] if session else []
    members = list(dict.fromkeys([*store.listener_ids(session_id), *speaker]))
    posted = posting.post_all([member for member in members if member != spare], encoded(ended(session_id, reason)))
    for member in members:
        if member not in posted.failed:
            store.remove_connection(member)
    posting.close_all(posted.reached)
    return not posted.failed


def close_again(store: SessionStore, posting: Posting, session_id: str, now_ms: int) -> bool:
    """Look once more at a session that has ended, and let go of it when nobody is left to tell."""
    session = store.session(session_id)
    if session is not None:
        if session.ended_ms is None or now_ms - session.ended_ms < SECOND_LOOK_AFTER_MS:
            return False
        if not tell_members(store, posting, session_id, session.reason):
            return False
    store.retire(session_id)
    return True
