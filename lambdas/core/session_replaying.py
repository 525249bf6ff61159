"""Sending messages of the history again, to one member who has missed some."""

from __future__ import annotations

from dataclasses import replace

from lambdas.core.session import Connection, Session
from lambdas.core.session_history import Replay, replay, wanted
from lambdas.core.session_ports import Posting, SessionStore


def missed_by(store: SessionStore, member: Connection, session: Session, after: int) -> Replay:
    """What was said in `session` after message `after` and is for the member, as far as it is kept."""
    return replay(store.kept(session.id, wanted(after, session.sequence)), after, session.sequence, member.language)


def send_again(posting: Posting, member: Connection, missed: Replay) -> Replay:
    """Send it, in order, for as long as the member is there and there is time; what came of it."""
    for message in missed.messages:
        if posting.out_of_time():
            return replace(missed, last=message.sequence - 1)
        if not posting.post(member.id, message.text):
            break
    return missed
