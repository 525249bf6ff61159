"""`message ID` and `overdue`: what became of one message, and of which there is no final word."""

from __future__ import annotations

import time

from console.exit_codes import ExitCode
from console.headless import talk
from console.sources.base import Connection
from console.sources.records_api import records_of
from console.view.overdue import overdue_lines
from console.view.segments import text_of
from console.view.timeline import timeline_lines


def run(connection: Connection, message_id: str, *, as_json: bool) -> ExitCode:
    """The message's timeline, whichever of its legs was named."""
    found = connection.records.timeline(message_id)
    if as_json:
        talk.put_json(found)
    else:
        talk.put(text_of(timeline_lines(found, talk.glyphs())))
    return ExitCode.OK


def overdue(connection: Connection, *, as_json: bool) -> ExitCode:
    """The messages whose final receipt has not come for ten minutes and more."""
    ledger = records_of(connection).overdue()
    if as_json:
        talk.put_json(ledger)
    else:
        talk.put(text_of(overdue_lines(ledger, time.time())))
    return ExitCode.OK
