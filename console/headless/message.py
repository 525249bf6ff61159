"""`message ID`: what became of one message, on every channel that it took."""

from __future__ import annotations

from console.exit_codes import ExitCode
from console.headless import talk
from console.sources.base import Connection
from console.sources.records_api import records_of
from console.view.segments import text_of
from console.view.timeline import timeline_lines


def run(connection: Connection, message_id: str, *, as_json: bool) -> ExitCode:
    """The message's timeline, whichever of its legs was named."""
    found = records_of(connection).timeline(message_id)
    if as_json:
        talk.put_json(found)
    else:
        talk.put(text_of(timeline_lines(found, talk.glyphs())))
    return ExitCode.OK
