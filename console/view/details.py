"""Details on request: each alarm with its reason and runbook."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain import Alarm, AlarmState
from console.view import format as fmt
from console.view.glyphs import Glyphs, alarm_badge
from console.view.segments import Line, Role, line

_ORDER = {AlarmState.ALARM: 0, AlarmState.NODATA: 1, AlarmState.OK: 2}


def alarm_details(alarms: Sequence[Alarm], now: float, glyphs: Glyphs) -> list[Line]:
    """Alarms in order of urgency: state, name, since when; then meaning, reason, runbook."""
    if not alarms:
        return [line(("no alarms are known", Role.MUTED))]
    lines: list[Line] = []
    for alarm in sorted(alarms, key=lambda each: (_ORDER[each.state], -(each.since or 0))):
        since = None if alarm.since is None else now - alarm.since
        lines.append(line(alarm_badge(alarm, glyphs), " ", (alarm.name, Role.STRONG)))
        lines.append(line((f"  {alarm.severity}, for {fmt.span(since)}", Role.MUTED)))
        lines += [line(f"  {text}") for text in (alarm.meaning, alarm.reason) if text]
        if alarm.runbook:
            lines.append(line(("  runbook ", Role.MUTED), (alarm.runbook, Role.ACCENT)))
        lines.append(())
    return lines[:-1]
