"""Sending messages of the history again, to one member who has missed some."""

from __future__ import annotations

from lambdas.core.session import Connection, Session
from lambdas.core.session_history import Replay, replay, wanted
from lambdas.core.session_ports import Posting, SessionStore


def resend(store: SessionStore, posting: Posting, member: Connection, session: Session, after: int) -> Replay:
    """Send what was said in `session` after message `after` and is for the member; what that was."""
    kept = store.kept(session.id, wanted(after, session.sequence))
    missed = replay(kept, after, session.sequence, member.language)
    for message in missed.messages:
        if not posting.post(member.id, message.text):
            break
    return missed
