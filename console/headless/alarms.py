"""`alarms`: the stack's alarms as lines or JSON, and as an exit code for scripts and deployment gates."""

from __future__ import annotations

import time

from console.domain import AlarmState
from console.exit_codes import ExitCode
from console.headless import talk
from console.headless.once import COLUMNS, alarm_document
from console.sources.base import Connection
from console.view import overview as view
from console.view.segments import text_of


def run(connection: Connection, *, as_json: bool, exit_code: bool) -> ExitCode:
    """Print all alarms; with `exit_code` the answer is FAILED when one is in ALARM."""
    alarms = connection.source.alarms()
    loud = sum(alarm.state is AlarmState.ALARM for alarm in alarms)
    if as_json:
        talk.put_json([alarm_document(alarm) for alarm in alarms])
    else:
        prefix = connection.outputs.monitoring.alarm_name_prefix
        now = time.time()
        rows = view.alarm_rows(alarms, now, columns=COLUMNS, rows=len(alarms) + 1, glyphs=talk.glyphs(), prefix=prefix)
        talk.put(text_of(rows))
    talk.say(f"{loud} of {len(alarms)} in ALARM")
    return ExitCode.FAILED if exit_code and loud else ExitCode.OK
